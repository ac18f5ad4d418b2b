/** A decimal integer as keepalived reads it (surrounding blanks allowed); undefined if `text` is none. */
export function parseInteger(text: string): number | undefined {
  const match = /^\s*([+-]?\d{1,15})$/.exec(text);
  return match ? Number(match[1]) : undefined;
}

/** An integer in decimal, 0x… or octal 0…. */
export function parseIntegerOfAnyBase(text: string): number | undefined {
  if (/^0[xX][0-9a-fA-F]{1,8}$/.test(text)) return Number(text);
  if (/^0[0-7]{1,11}$/.test(text)) return Number.parseInt(text, 8);
  return parseInteger(text);
}

/** Seconds with an optional fraction, as milliseconds rounded to the microsecond; undefined if `text` is none. */
export function parseSeconds(text: string): number | undefined {
  if (!/^\s*[+-]?(?:\d{1,12}(?:\.\d*)?|\.\d+)$/.test(text)) return undefined;
  return Math.round(Number(text) * 1e6) / 1e3;
}

/** Milliseconds as the seconds that {@link parseSeconds} reads back to the same number. */
export function formatSeconds(milliseconds: number): string {
  return (milliseconds / 1000).toFixed(6).replace(/\.?0+$/, '');
}

/** `on|true|yes` and `off|false|no`; undefined for anything else. */
export function parseBoolean(text: string): boolean | undefined {
  if (text === 'on' || text === 'true' || text === 'yes') return true;
  return text === 'off' || text === 'false' || text === 'no' ? false : undefined;
}
