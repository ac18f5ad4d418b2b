import type { Family } from '#base/address.ts';
import { checksumOf, sumWords } from './checksum.ts';
import { layout, u16be, u8, viewOf } from './layout.ts';

/** Echo messages of ICMP (RFC 792) and ICMPv6 (RFC 4443 §4); their layout is the same. */

const header = layout({ type: u8, code: u8, checksum: u16be, id: u16be, sequence: u16be });

/** keepalived's echo requests carry that much. */
const DATA_LENGTH = 128;
const REQUEST: Readonly<Record<Family, number>> = { 4: 8, 6: 128 };
const REPLY: Readonly<Record<Family, number>> = { 4: 0, 6: 129 };

/** What tells an echo from others: 0–0xffff each. */
export interface EchoKey {
  readonly id: number;
  readonly sequence: number;
}

/** An echo request; the kernel fills in ICMPv6's checksum, for ICMP it is complete. */
export function encodeEchoRequest(family: Family, key: EchoKey): Uint8Array {
  const message = new Uint8Array(header.length + DATA_LENGTH);
  message.set(header.encode({ type: REQUEST[family], code: 0, checksum: 0, ...key }));
  const view = viewOf(message);
  if (family === 4) header.field.checksum.set(view, 0, checksumOf(sumWords(view, 0, message.length)));
  return message;
}

/** What an echo reply answers; undefined for anything else. IPv4: `message` starts after the IP header. */
export function decodeEchoReply(family: Family, message: Uint8Array): EchoKey | undefined {
  const decoded = header.decode(viewOf(message));
  if (!decoded || decoded.type !== REPLY[family]) return undefined;
  return { id: decoded.id, sequence: decoded.sequence };
}
