import { assert } from './assert.ts';

/** IP version; also the `family` of Node's own APIs without the letters. */
export type Family = 4 | 6;

/** Parses dotted-quad IPv4 (RFC 6943 §3.1.1 strict form) to 4 bytes; undefined if `text` is not one. */
export function parseIpv4(text: string): Uint8Array | undefined {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text);
  if (!match) return undefined;
  const parts = match.slice(1);
  const bytes = Uint8Array.from(parts, Number);
  // A leading zero would be octal to inet_aton and decimal to inet_pton: neither reading is safe.
  if (parts.some(part => Number(part) > 255 || (part.length > 1 && part.startsWith('0')))) return undefined;
  return bytes;
}

/** Parses an IPv6 address (RFC 4291 §2.2, without zone) to 16 bytes; undefined if `text` is not one. */
export function parseIpv6(text: string): Uint8Array | undefined {
  const halves = text.split('::');
  if (halves.length > 2 || text.includes(':::')) return undefined;
  const head = groups(halves[0] ?? '', halves.length === 1);
  const tail = halves.length === 2 ? groups(halves[1] ?? '', true) : [];
  if (!head || !tail) return undefined;
  const missing = 16 - head.length - tail.length;
  if (halves.length === 1 ? missing !== 0 : missing < 2) return undefined;
  return Uint8Array.from([...head, ...Array.from({ length: missing }, () => 0), ...tail]);
}

function groups(text: string, mayEndInIpv4: boolean): number[] | undefined {
  if (text === '') return [];
  const bytes: number[] = [];
  const parts = text.split(':');
  for (const [index, part] of parts.entries()) {
    if (part.includes('.')) {
      const v4 = mayEndInIpv4 && index === parts.length - 1 ? parseIpv4(part) : undefined;
      if (!v4) return undefined;
      bytes.push(...v4);
    } else {
      if (!/^[0-9a-fA-F]{1,4}$/.test(part)) return undefined;
      const value = Number.parseInt(part, 16);
      bytes.push(value >> 8, value & 0xff);
    }
  }
  return bytes;
}

/** Parses an IPv4 or IPv6 address to 4 or 16 bytes. */
export function parseIp(text: string): Uint8Array | undefined {
  return text.includes(':') ? parseIpv6(text) : parseIpv4(text);
}

/** The family that a byte form belongs to. */
export function familyOf(bytes: Uint8Array): Family {
  assert(bytes.length === 4 || bytes.length === 16, `an address has 4 or 16 bytes, not ${bytes.length}`);
  return bytes.length === 4 ? 4 : 6;
}

/** Canonical text of an address (RFC 5952 for IPv6). */
export function formatIp(bytes: Uint8Array): string {
  if (familyOf(bytes) === 4) return bytes.join('.');
  const words = Array.from({ length: 8 }, (_, i) => ((bytes[2 * i] ?? 0) << 8) | (bytes[2 * i + 1] ?? 0));
  const [start, length] = longestZeroRun(words);
  const hex = (part: number[]) => part.map(word => word.toString(16)).join(':');
  if (length < 2) return hex(words);
  return `${hex(words.slice(0, start))}::${hex(words.slice(start + length))}`;
}

function longestZeroRun(words: readonly number[]): [start: number, length: number] {
  let best: [number, number] = [0, 0];
  let start = -1;
  for (let i = 0; i <= words.length; i++) {
    if (i < words.length && words[i] === 0) {
      if (start < 0) start = i;
    } else if (start >= 0) {
      if (i - start > best[1]) best = [start, i - start];
      start = -1;
    }
  }
  return best;
}

/** An address with its prefix length. */
export interface Cidr {
  readonly address: Uint8Array;
  /** 0–32 or 0–128. */
  readonly prefix: number;
}

/** Parses `address[/prefix]`; without a prefix it is a host (/32, /128). */
export function parseCidr(text: string): Cidr | undefined {
  const [host = '', prefixText, ...rest] = text.split('/');
  const address = parseIp(host);
  if (!address || rest.length > 0) return undefined;
  const width = address.length * 8;
  if (prefixText === undefined) return { address, prefix: width };
  if (!/^\d{1,3}$/.test(prefixText) || Number(prefixText) > width) return undefined;
  return { address, prefix: Number(prefixText) };
}

/** `address/prefix`. */
export function formatCidr(cidr: Cidr): string {
  return `${formatIp(cidr.address)}/${cidr.prefix}`;
}

/** True if `address` lies in the network of `cidr`. Families that differ never match. */
export function cidrContains(cidr: Cidr, address: Uint8Array): boolean {
  if (cidr.address.length !== address.length) return false;
  for (let bit = 0; bit < cidr.prefix; bit += 8) {
    const width = Math.min(8, cidr.prefix - bit);
    const mask = (0xff << (8 - width)) & 0xff;
    if ((((cidr.address[bit >> 3] ?? 0) ^ (address[bit >> 3] ?? 0)) & mask) !== 0) return false;
  }
  return true;
}

/** Orders addresses numerically (RFC 5798 §6.4.3's tie break); shorter before longer. */
export function compareIp(a: Uint8Array, b: Uint8Array): number {
  if (a.length !== b.length) return a.length - b.length;
  for (let i = 0; i < a.length; i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
