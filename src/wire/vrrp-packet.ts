import { assert } from '#base/assert.ts';
import { checksumOf, pseudoHeaderSum, sumWords, updateChecksum } from './checksum.ts';
import { viewOf } from './layout.ts';
import { immutableIpHeader, integrityCheckValue, writeAuthenticationHeader } from './vrrp-ah.ts';
import {
  AUTH_AH,
  AUTH_DATA_LENGTH,
  AUTH_NONE,
  AUTH_PASS,
  authenticationHeader,
  IPPROTO_VRRP,
  ipv4Header,
  messageLength,
  TYPE_ADVERTISEMENT,
  VRRP_HEADER_LENGTH,
  vrrpV2Header,
  vrrpV3Header,
} from './vrrp.ts';

/** What an advertisement says; all but the priority is fixed for the life of the packet. */
export interface AdvertisementSpec {
  readonly version: 2 | 3;
  readonly vrid: number;
  /** v2: whole seconds; v3: 10 ms steps, up to 40950. */
  readonly adverIntervalMs: number;
  /** Of one family, in the configuration's order; may be empty. */
  readonly addresses: readonly Uint8Array[];
  readonly source: Uint8Array;
  /** The group, or a unicast peer. */
  readonly destination: Uint8Array;
  readonly cast: 'multicast' | 'unicast';
  /** v3 over IPv4: sum the pseudo-header too (keepalived, FRR; RFC 9568 does not). */
  readonly pseudoHeader: boolean;
  /** Version 2 over IPv4 only; 8 bytes. */
  readonly authentication?: { readonly type: 'PASS' | 'AH'; readonly data: Uint8Array };
}

const HEADER = vrrpV3Header.field;
const AH_FIELD = authenticationHeader.field;

/**
 * An advertisement, encoded once: `setPriority` patches priority and checksum (and for AH sequence and check value)
 * in place, so that sending allocates nothing.
 */
export class AdvertisementPacket {
  /** The IP payload: the VRRP message, behind an AH header with `auth_type AH`. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
  /** Its payload starts with an authentication header: it goes out as IP protocol 51. */
  readonly isAh: boolean;
  readonly #view: DataView;
  /** Where the VRRP message starts. */
  readonly #base: number;
  /** What the packet says now; a new one says 0. */
  #priority = 0;
  readonly #ah: { readonly key: Uint8Array; readonly ipHeader: Uint8Array } | undefined;

  constructor(spec: AdvertisementSpec) {
    const family = spec.source.length === 4 ? 4 : 6;
    const auth = spec.version === 2 && family === 4 ? spec.authentication : undefined;
    this.isAh = auth?.type === 'AH';
    this.#base = this.isAh ? authenticationHeader.length : 0;
    this.bytes = new Uint8Array(this.#base + messageLength(spec.version, family, spec.addresses.length));
    this.#view = viewOf(this.bytes);
    this.source = spec.source;
    this.destination = spec.destination;
    this.#writeMessage(spec, auth?.type);
    if (auth?.type === 'PASS') this.bytes.set(auth.data, this.bytes.length - AUTH_DATA_LENGTH);
    if (auth?.type === 'AH') {
      writeAuthenticationHeader(this.#view, 0, spec.source);
      const totalLength = ipv4Header.length + this.bytes.length;
      this.#ah = {
        key: auth.data,
        ipHeader: immutableIpHeader(spec.source, spec.destination, totalLength, spec.cast),
      };
    }
    this.#writeChecksum(spec, family);
  }

  /** Makes the packet say `priority` (0–255). `sequence` counts up with every AH packet and is otherwise unused. */
  setPriority(priority: number, sequence = 0): void {
    if (priority === this.#priority && !this.#ah) return;
    this.#priority = priority;
    const view = this.#view;
    const base = this.#base;
    const before = view.getUint16(base + HEADER.priority.offset);
    HEADER.priority.set(view, base, priority);
    const after = view.getUint16(base + HEADER.priority.offset);
    if (after !== before)
      HEADER.checksum.set(view, base, updateChecksum(HEADER.checksum.get(view, base), before, after));
    if (this.#ah) this.#sign(this.#ah.key, this.#ah.ipHeader, sequence);
  }

  #sign(key: Uint8Array, ipHeader: Uint8Array, sequence: number): void {
    AH_FIELD.sequence.set(this.#view, 0, sequence);
    const at = AH_FIELD.icv.offset;
    this.bytes.fill(0, at, at + AH_FIELD.icv.length);
    this.bytes.set(integrityCheckValue(key, ipHeader, this.bytes), at);
  }

  #writeMessage(spec: AdvertisementSpec, auth: 'PASS' | 'AH' | undefined): void {
    const start = {
      versionType: (spec.version << 4) | TYPE_ADVERTISEMENT,
      vrid: spec.vrid,
      priority: 0,
      addressCount: spec.addresses.length,
      checksum: 0,
    };
    if (spec.version === 2) {
      const authType = auth === 'AH' ? AUTH_AH : auth === 'PASS' ? AUTH_PASS : AUTH_NONE;
      assert(spec.adverIntervalMs % 1000 === 0, 'version 2 counts whole seconds');
      const adverIntS = spec.adverIntervalMs / 1000;
      vrrpV2Header.write(this.#view, this.#base, { ...start, authType, adverIntS });
    } else {
      const maxAdverInt = Math.round(spec.adverIntervalMs / 10);
      assert(maxAdverInt <= 0x0fff, 'version 3 has 12 bits of centiseconds');
      vrrpV3Header.write(this.#view, this.#base, { ...start, maxAdverInt });
    }
    let at = this.#base + VRRP_HEADER_LENGTH;
    for (const address of spec.addresses) {
      this.bytes.set(address, at);
      at += address.length;
    }
  }

  /** Version 2 over IPv4 never has a pseudo-header, IPv6 always, v3 over IPv4 as configured. */
  #writeChecksum(spec: AdvertisementSpec, family: 4 | 6): void {
    const length = this.bytes.length - this.#base;
    const withPseudoHeader = family === 6 || (spec.version === 3 && spec.pseudoHeader);
    const initial = withPseudoHeader
      ? pseudoHeaderSum(spec.source, spec.destination, IPPROTO_VRRP, length)
      : 0;
    const sum = sumWords(this.#view, this.#base, this.bytes.length, initial);
    HEADER.checksum.set(this.#view, this.#base, checksumOf(sum));
  }
}
