import type { Position } from '#base/position.ts';
import { isBlank, Text } from './text.ts';

/** One word of a line, quotes removed. */
export interface Word {
  readonly text: string;
  readonly position: Position;
}

/** A line without comment and surrounding blanks; `continued` if a backslash ended it. */
export interface BareLine {
  readonly line: Text;
  readonly continued: boolean;
  /** A double quote was opened and not closed. */
  readonly openQuote: boolean;
}

const BLANK = /[ \t\f\v\r\n]/;
const QUOTE = 0x22;
/** What makes a line need a closer look at comments, quotes and continuation. */
const NOT_PLAIN = /["#!\\]/;

/**
 * Removes the comment (`#` or `!` outside double quotes, to the end of the line), the escapes of `\#` and `\!`,
 * surrounding blanks and a final backslash. A backslash at the end of a comment continues the line too.
 */
export function removeComment(raw: Text): BareLine {
  const { text } = raw;
  if (!NOT_PLAIN.test(text)) return { line: raw.trim(), continued: false, openQuote: false };
  const escapes: number[] = [];
  let quoted = false;
  let end = -1;
  let continued = false;
  for (let i = 0; i < text.length; i++) {
    const char = text[i];
    if (char === '"') {
      if (end < 0) quoted = !quoted;
    } else if (char === '\\') {
      const next = text[i + 1];
      if (next === undefined) continued = true;
      else if (!quoted && end < 0 && (next === '#' || next === '!')) escapes.push(i);
      i++;
    } else if (end < 0 && !quoted && (char === '#' || char === '!')) {
      end = i;
    }
  }
  if (end < 0) end = continued ? text.length - 1 : text.length;
  const parts: Text[] = [];
  let from = 0;
  for (const at of escapes) {
    parts.push(raw.slice(from, at));
    from = at + 1;
  }
  parts.push(raw.slice(from, end));
  return { line: Text.concat(parts).trim(), continued, openQuote: quoted };
}

/** Splits as keepalived splits every line: at blanks, `"…"` being one word whatever stands next to it. No escapes. */
export function splitWords(line: Text): Word[] {
  const { text } = line;
  const words: Word[] = [];
  for (let i = 0; i < text.length;) {
    if (isBlank(text.charCodeAt(i))) {
      i++;
      continue;
    }
    const position = line.positionAt(i);
    if (text.charCodeAt(i) === QUOTE) {
      const close = text.indexOf('"', i + 1);
      const end = close < 0 ? text.length : close;
      words.push({ text: text.slice(i + 1, end), position });
      i = end + 1;
      continue;
    }
    let end = i + 1;
    while (end < text.length && text.charCodeAt(end) !== QUOTE && !isBlank(text.charCodeAt(end))) end++;
    words.push({ text: text.slice(i, end), position });
    i = end;
  }
  return words;
}

/** What {@link splitShellWords} found, or the quote that is never closed. */
export type ShellWords =
  | { readonly ok: true; readonly words: Word[] }
  | { readonly ok: false; readonly quote: string; readonly position: Position };

/**
 * Splits like a shell, for scripts and their parameters: quotes of both kinds join with what is next to them, and
 * `\a \b \E \f \n \r \t \v \nnn \xXX \cC` and `\` before any other character are understood, inside quotes too.
 */
export function splitShellWords(line: Text): ShellWords {
  const { text } = line;
  const words: Word[] = [];
  let i = 0;
  while (i < text.length) {
    if (BLANK.test(text.charAt(i))) {
      i++;
      continue;
    }
    const position = line.positionAt(i);
    let word = '';
    let quote = '';
    let quotedAt = i;
    while (i < text.length) {
      const char = text.charAt(i);
      if (char === '\\' && i + 1 < text.length) {
        const [unescaped, length] = unescape(text, i + 1);
        word += unescaped;
        i += 1 + length;
      } else if (quote !== '') {
        if (char === quote) quote = '';
        else word += char;
        i++;
      } else if (char === '"' || char === "'") {
        quote = char;
        quotedAt = i;
        i++;
      } else if (BLANK.test(char)) {
        break;
      } else {
        word += char;
        i++;
      }
    }
    if (quote !== '') return { ok: false, quote, position: line.positionAt(quotedAt) };
    words.push({ text: word, position });
  }
  return { ok: true, words };
}

const CONTROL: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  E: '\x1b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
};

/** The character that the escape at `at` (after the backslash) stands for, and the escape's length. */
function unescape(text: string, at: number): [char: string, length: number] {
  const hex = /^x([0-9a-fA-F]{1,8})/.exec(text.slice(at, at + 9));
  if (hex) return [String.fromCharCode(Number.parseInt(hex[1] ?? '', 16) & 0xff), hex[0].length];
  const octal = /^[0-7]{1,3}/.exec(text.slice(at, at + 3));
  if (octal) return [String.fromCharCode(Number.parseInt(octal[0], 8) & 0xff), octal[0].length];
  const char = text.charAt(at);
  if (char === 'c' && at + 1 < text.length) return [String.fromCharCode(text.charCodeAt(at + 1) & 0x1f), 2];
  return [CONTROL[char] ?? char, 1];
}
