import type { Family } from '#base/address.ts';
import { bytes, layout, padding, u16be, u32be, u8 } from './layout.ts';

/** IP protocol numbers. */
export const IPPROTO_VRRP = 112;
export const IPPROTO_AH = 51;
/** The only packet type (RFC 3768 §5.3.2, RFC 9568 §5.2.2). */
export const TYPE_ADVERTISEMENT = 1;
/** What multicast adverts are sent and accepted with (RFC 9568 §5.1.1.3). */
export const VRRP_TTL = 255;
/** Priorities with a meaning (RFC 9568 §5.2.4). */
export const PRIORITY_RELEASE = 0;
export const PRIORITY_OWNER = 255;

/** Auth Type of version 2 (RFC 2338 §5.3.6; RFC 3768 keeps the field). */
export const AUTH_NONE = 0;
export const AUTH_PASS = 1;
export const AUTH_AH = 2;
/** Authentication data of version 2 over IPv4, after the addresses. keepalived sends none over IPv6. */
export const AUTH_DATA_LENGTH = 8;

/** RFC 3768 §5.1. */
export const vrrpV2Header = layout({
  versionType: u8,
  vrid: u8,
  priority: u8,
  addressCount: u8,
  authType: u8,
  adverIntS: u8,
  checksum: u16be,
});

/** RFC 9568 §5.1; the upper 4 bits of `maxAdverInt` are reserved, the lower 12 are centiseconds. */
export const vrrpV3Header = layout({
  versionType: u8,
  vrid: u8,
  priority: u8,
  addressCount: u8,
  maxAdverInt: u16be,
  checksum: u16be,
});

/** Both versions' headers have this length. */
export const VRRP_HEADER_LENGTH = vrrpV2Header.length;

/** RFC 2402 §2, with the 96-bit integrity check value of RFC 2403. */
export const authenticationHeader = layout({
  nextHeader: u8,
  /** Length in 32-bit words, minus 2. */
  payloadLength: u8,
  reserved: padding(2),
  spi: u32be,
  sequence: u32be,
  icv: bytes(12),
});

/** RFC 791 §3.1, without options. */
export const ipv4Header = layout({
  versionIhl: u8,
  tos: u8,
  totalLength: u16be,
  identification: u16be,
  flagsFragment: u16be,
  ttl: u8,
  protocol: u8,
  checksum: u16be,
  source: bytes(4),
  destination: bytes(4),
});

/** Length of a VRRP message: header, addresses, and authentication data where there is any. */
export function messageLength(version: number, family: Family, addressCount: number): number {
  const auth = version === 2 && family === 4 ? AUTH_DATA_LENGTH : 0;
  return VRRP_HEADER_LENGTH + addressCount * (family === 4 ? 4 : 16) + auth;
}

/** The interval that a header announces, in ms. `base` is where the message starts. */
export function adverIntervalMs(view: DataView, base: number, version: number): number {
  return version === 2
    ? vrrpV2Header.field.adverIntS.get(view, base) * 1000
    : (vrrpV3Header.field.maxAdverInt.get(view, base) & 0x0fff) * 10;
}
