import type { VrrpInstance } from '#conf/model.ts';
import { equalInConstantTime, integrityCheckValue, spiOf, zeroMutableFields } from '#wire/vrrp-ah.ts';
import { viewOf } from '#wire/layout.ts';
import {
  AUTH_AH,
  AUTH_DATA_LENGTH,
  AUTH_NONE,
  AUTH_PASS,
  authenticationHeader,
  ipv4Header,
} from '#wire/vrrp.ts';

const AH_FIELD = authenticationHeader.field;

/**
 * Version 2's authentication of one instance. Holds the secret, so that no status dump of a router can show it.
 *
 * AH sequence numbers: keepalived accepts only numbers above the last that it sent or heard, across restarts of its
 * peers. So we count on from the greatest number heard, and start from the clock's seconds, which exceed whatever we
 * had reached before a restart. A peer whose numbers fall back is a replay until it has heard us and counts on itself.
 */
export class Authenticator {
  /** What the Auth Type field must say. */
  readonly authType: number;
  readonly #data: Uint8Array;
  #sequence: number;
  #peerSpi = -1;
  #peerSequence = -1;

  constructor(config: VrrpInstance, sequenceStart: number) {
    const authentication = config.version === 2 && config.family === 4 ? config.authentication : undefined;
    this.authType =
      authentication === undefined ? AUTH_NONE : authentication.type === 'AH' ? AUTH_AH : AUTH_PASS;
    this.#data = authentication?.data.reveal() ?? new Uint8Array(AUTH_DATA_LENGTH);
    this.#sequence = sequenceStart;
  }

  /** What the packet codec needs to authenticate what we send. */
  get packetOption(): { authentication?: { type: 'PASS' | 'AH'; data: Uint8Array } } {
    if (this.authType === AUTH_NONE) return {};
    return { authentication: { type: this.authType === AUTH_AH ? 'AH' : 'PASS', data: this.#data } };
  }

  /** The next AH sequence number. */
  nextSequence(): number {
    this.#sequence = (this.#sequence + 1) >>> 0;
    return this.#sequence;
  }

  /** Takes over where another left off, when a reload changed the secret only. */
  continueFrom(other: Authenticator): void {
    this.#sequence = Math.max(this.#sequence, other.#sequence);
  }

  /** `auth_type PASS`: the 8 bytes at `offset` are the password. Takes as long for any difference. */
  passwordMatches(view: DataView, offset: number): boolean {
    let difference = 0;
    for (let i = 0; i < AUTH_DATA_LENGTH; i++) difference |= view.getUint8(offset + i) ^ (this.#data[i] ?? 0);
    return difference === 0;
  }

  /** `auth_type AH`: the packet in `bytes[0, end)`, from the IP header on, is authentic and no replay. */
  packetIsAuthentic(
    bytes: Uint8Array,
    ahOffset: number,
    end: number,
    cast: 'multicast' | 'unicast',
  ): boolean {
    if (ahOffset !== ipv4Header.length || end < ahOffset + authenticationHeader.length) return false;
    const ipHeader = bytes.slice(0, ahOffset);
    const payload = bytes.slice(ahOffset, end);
    const view = viewOf(payload);
    const claimed = AH_FIELD.icv.get(view, 0);
    zeroMutableFields(viewOf(ipHeader), cast);
    payload.fill(0, AH_FIELD.icv.offset, AH_FIELD.icv.offset + AH_FIELD.icv.length);
    if (!equalInConstantTime(claimed, integrityCheckValue(this.#data, ipHeader, payload))) return false;
    const spi = AH_FIELD.spi.get(view, 0);
    if (spi !== spiOf(ipHeader.subarray(ipv4Header.field.source.offset))) return false;
    const sequence = AH_FIELD.sequence.get(view, 0);
    if (spi === this.#peerSpi && sequence <= this.#peerSequence) return false;
    this.#peerSpi = spi;
    this.#peerSequence = sequence;
    this.#sequence = Math.max(this.#sequence, sequence);
    return true;
  }
}
