/**
 * Frames by which `tandemd probe` finds out whether adverts get from one host to another. They take an advert's way
 * (protocol, group or peer, TTL 255) and no router may take one for an advert, for three reasons that are each enough:
 * the VRID is 0, which no virtual router can have (RFC 9568 §5.2.3: 1–255); the type is 15, and a type other than
 * ADVERTISEMENT must be discarded (§7.1); the priority is 1, with which nobody takes over from anybody.
 */
import { assert } from '#base/assert.ts';
import { checksumOf, pseudoHeaderSum, sumWords } from './checksum.ts';
import { viewOf } from './layout.ts';
import { writeAuthenticationHeader } from './vrrp-ah.ts';
import { authenticationHeader, IPPROTO_VRRP, VRRP_HEADER_LENGTH, vrrpV3Header } from './vrrp.ts';

/** What a probe frame tells its receiver. */
export interface ProbeWords {
  /** Who sends, as the inventory names it: at most {@link PROBE_NAME_MAX} bytes of UTF-8. */
  readonly name: string;
  /** One probing of a cluster, so that two at the same time are not taken for one another; 8 bytes. */
  readonly round: Uint8Array;
  /** The virtual router whose adverts would take this way, 1–255. */
  readonly vrid: number;
}

export const PROBE_NAME_MAX = 255;
export const PROBE_ROUND_LENGTH = 8;

const VERSION = 3;
const TYPE_PROBE = 15;
const NO_VRID = 0;
const LOWEST_PRIORITY = 1;
const INTERVAL_CS = 100;
/** Behind the header: `tandem-p`, the round, the VRID, the name's length and the name. */
const MARK = new TextEncoder().encode('tandem-p');
const ROUND_AT = VRRP_HEADER_LENGTH + MARK.length;
const VRID_AT = ROUND_AT + PROBE_ROUND_LENGTH;
const LENGTH_AT = VRID_AT + 1;
const NAME_AT = LENGTH_AT + 1;

/** The IP payload; with `ah` behind an authentication header that authenticates nothing. */
export function encodeProbe(
  words: ProbeWords,
  {
    source,
    destination,
    ah,
  }: { readonly source: Uint8Array; readonly destination: Uint8Array; readonly ah: boolean },
): Uint8Array {
  const name = new TextEncoder().encode(words.name);
  assert(
    name.length <= PROBE_NAME_MAX && words.round.length === PROBE_ROUND_LENGTH,
    'the words fit a probe frame',
  );
  const base = ah ? authenticationHeader.length : 0;
  const bytes = new Uint8Array(base + NAME_AT + name.length);
  const view = viewOf(bytes);
  if (ah) writeAuthenticationHeader(view, 0, source);
  vrrpV3Header.write(view, base, {
    versionType: (VERSION << 4) | TYPE_PROBE,
    vrid: NO_VRID,
    priority: LOWEST_PRIORITY,
    addressCount: 0,
    maxAdverInt: INTERVAL_CS,
    checksum: 0,
  });
  bytes.set(MARK, base + VRRP_HEADER_LENGTH);
  bytes.set(words.round, base + ROUND_AT);
  bytes[base + VRID_AT] = words.vrid;
  bytes[base + LENGTH_AT] = name.length;
  bytes.set(name, base + NAME_AT);
  const length = bytes.length - base;
  const pseudo = source.length === 16 ? pseudoHeaderSum(source, destination, IPPROTO_VRRP, length) : 0;
  vrrpV3Header.field.checksum.set(view, base, checksumOf(sumWords(view, base, bytes.length, pseudo)));
  return bytes;
}

/** What a VRRP message (without an authentication header) says if it is a probe frame. Never throws. */
export function decodeProbe(message: Uint8Array): ProbeWords | undefined {
  if (message.length < NAME_AT || message[1] !== NO_VRID) return undefined;
  if (MARK.some((byte, index) => message[VRRP_HEADER_LENGTH + index] !== byte)) return undefined;
  const end = NAME_AT + (message[LENGTH_AT] ?? 0);
  if (message.length < end) return undefined;
  return {
    name: new TextDecoder().decode(message.subarray(NAME_AT, end)),
    round: message.slice(ROUND_AT, ROUND_AT + PROBE_ROUND_LENGTH),
    vrid: message[VRID_AT] ?? 0,
  };
}
