import { checksumOf, pseudoHeaderSum, sumWords } from '#wire/checksum.ts';
import { viewOf } from '#wire/layout.ts';
import {
  adverIntervalMs,
  AUTH_AH,
  AUTH_DATA_LENGTH,
  AUTH_PASS,
  authenticationHeader,
  IPPROTO_AH,
  IPPROTO_VRRP,
  ipv4Header,
  messageLength,
  TYPE_ADVERTISEMENT,
  VRRP_HEADER_LENGTH,
  VRRP_TTL,
  vrrpV2Header,
} from '#wire/vrrp.ts';
import type { RouterCounters } from './counters.ts';
import type { ReceivedDatagram, VirtualRouter } from './state.ts';

/**
 * The receive ladder: what a packet must pass to be an advertisement for a router (RFC 3768 §7.1, RFC 9568 §7.1, and
 * what keepalived adds). Rungs are climbed in order; the first that fails is counted and ends the climb, except the
 * last: an address list that differs is counted and accepted, because rejecting it makes a rolling change of VIPs
 * produce two masters. No rung may throw or allocate (AH excepted, which allocates), whatever the bytes are.
 */
export interface Rung {
  /** Its counter, and its name. */
  readonly counter: keyof RouterCounters;
  /** What was wrong, for the log. */
  readonly reason: string;
  /** Failing is counted and logged only. */
  readonly tolerated?: true;
  passes(router: VirtualRouter, packet: PacketReader): boolean;
}

const V2 = vrrpV2Header.field;
/** 60-byte minimum of an Ethernet frame less its header: shorter datagrams are padded to this. */
const ETHERNET_MINIMUM_PAYLOAD = 46;
const IPV6_HEADER_LENGTH = 40;

/** A cursor over one received packet, reused for the next; fields are read where they lie. */
export class PacketReader {
  datagram: ReceivedDatagram | undefined;
  view: DataView = new DataView(new ArrayBuffer(0));
  /** Where the VRRP message starts and ends. */
  base = 0;
  end = 0;
  isAh = false;
  #bytes: Uint8Array | undefined;

  /** Points at `datagram`; false if it is too short to hold a VRRP header. */
  read(datagram: ReceivedDatagram): boolean {
    if (this.#bytes !== datagram.bytes) {
      this.#bytes = datagram.bytes;
      this.view = viewOf(datagram.bytes);
    }
    this.datagram = datagram;
    const isIpv4 = datagram.source.length === 4;
    this.isAh = isIpv4 && datagram.offset >= ipv4Header.length && this.#protocol() === IPPROTO_AH;
    this.base = datagram.offset + (this.isAh ? authenticationHeader.length : 0);
    this.end = Math.min(datagram.end, datagram.bytes.length);
    return this.base + VRRP_HEADER_LENGTH <= this.end;
  }

  #protocol(): number {
    return this.view.byteLength < ipv4Header.length ? 0 : ipv4Header.field.protocol.get(this.view, 0);
  }

  get version(): number {
    return V2.versionType.get(this.view, this.base) >> 4;
  }
  get type(): number {
    return V2.versionType.get(this.view, this.base) & 0x0f;
  }
  get vrid(): number {
    return V2.vrid.get(this.view, this.base);
  }
  get priority(): number {
    return V2.priority.get(this.view, this.base);
  }
  get addressCount(): number {
    return V2.addressCount.get(this.view, this.base);
  }
  get authType(): number {
    return V2.authType.get(this.view, this.base);
  }
  get adverIntervalMs(): number {
    return adverIntervalMs(this.view, this.base, this.version);
  }
}

/** All rungs, in order. Their position + 1 is the number that logs and the documentation use. */
export const LADDER: readonly Rung[] = [
  {
    counter: 'ahPresence',
    reason: 'an authentication header where none is expected, or none where one is (auth_type AH)',
    passes: (router, packet) => packet.isAh === (router.authenticator.authType === AUTH_AH),
  },
  { counter: 'packetLength', reason: 'its length does not match its address count', passes: hasExactLength },
  { counter: 'ttl', reason: 'its TTL or hop limit shows that it was forwarded', passes: hasGoodTtl },
  {
    counter: 'version',
    reason: 'its VRRP version is not the configured one',
    passes: (router, packet) => packet.version === router.config.version,
  },
  {
    counter: 'type',
    reason: 'it is not an advertisement',
    passes: (_, packet) => packet.type === TYPE_ADVERTISEMENT,
  },
  {
    counter: 'authTypeInvalid',
    reason: 'its authentication type is unknown',
    passes: (router, packet) => router.config.version === 3 || packet.authType <= AUTH_AH,
  },
  {
    counter: 'authTypeMismatch',
    reason: 'its authentication type is not the configured one',
    passes: (router, packet) =>
      router.config.version === 3 || packet.authType === router.authenticator.authType,
  },
  { counter: 'authFailure', reason: 'its password or check value is wrong', passes: isAuthentic },
  { counter: 'checksum', reason: 'its checksum is wrong', passes: hasGoodChecksum },
  {
    counter: 'vrid',
    reason: 'it is for another virtual router',
    passes: (router, packet) => packet.vrid === router.config.virtualRouterId,
  },
  {
    counter: 'cast',
    reason: 'it is multicast where unicast is configured, or the reverse',
    passes: hasRightCast,
  },
  { counter: 'unknownPeer', reason: 'its sender is not a configured unicast peer', passes: isFromPeer },
  {
    counter: 'ownAddress',
    reason: 'it carries our own source address (a loop, or a duplicate address)',
    passes: (router, packet) => !sameBytes(packet.datagram?.source, router.source),
  },
  {
    counter: 'adverInterval',
    reason: 'its advertisement interval is not the configured one (RFC 3768 §7.1)',
    passes: (router, packet) =>
      router.config.version === 3 || packet.adverIntervalMs === router.config.advertIntervalMs,
  },
  {
    counter: 'addressList',
    reason: 'its addresses are not the configured ones',
    tolerated: true,
    passes: hasSameAddresses,
  },
];

function hasExactLength(router: VirtualRouter, packet: PacketReader): boolean {
  const { datagram } = packet;
  if (!datagram || datagram.truncated) return false;
  const actual = packet.end - packet.base;
  const expected = messageLength(packet.version, router.family, packet.addressCount);
  if (actual === expected) return true;
  const ipLength = router.family === 4 ? packet.end : IPV6_HEADER_LENGTH + packet.end - datagram.offset;
  return actual > expected && ipLength <= ETHERNET_MINIMUM_PAYLOAD;
}

function hasGoodTtl(router: VirtualRouter, packet: PacketReader): boolean {
  const ttl = packet.datagram?.ttl ?? 0;
  if (router.segment.cast === 'multicast') return ttl === VRRP_TTL;
  for (const peer of router.config.unicastPeers)
    if (sameBytes(peer.address, packet.datagram?.source))
      return ttl >= (peer.minTtl ?? 0) && ttl <= (peer.maxTtl ?? 255);
  return true;
}

function isAuthentic(router: VirtualRouter, packet: PacketReader): boolean {
  const { authType } = router.authenticator;
  if (router.config.version === 3 || !packet.datagram) return true;
  if (authType === AUTH_PASS) {
    const length = messageLength(2, router.family, packet.addressCount);
    return router.authenticator.passwordMatches(packet.view, packet.base + length - AUTH_DATA_LENGTH);
  }
  if (authType !== AUTH_AH) return true;
  const { bytes, offset } = packet.datagram;
  return router.authenticator.packetIsAuthentic(bytes, offset, packet.end, router.segment.cast);
}

/** v2 over IPv4 without a pseudo-header, v3 over IPv4 with or without, IPv6 with. */
function hasGoodChecksum(router: VirtualRouter, packet: PacketReader): boolean {
  const { datagram, version } = packet;
  if (!datagram) return false;
  const length = messageLength(version, router.family, packet.addressCount);
  const sum = sumWords(packet.view, packet.base, packet.base + length);
  if (router.family === 4 && checksumOf(sum) === 0) return true;
  if (router.family === 4 && version === 2) return false;
  return checksumOf(sum + pseudoHeaderSum(datagram.source, datagram.destination, IPPROTO_VRRP, length)) === 0;
}

function hasRightCast(router: VirtualRouter, packet: PacketReader): boolean {
  const first = packet.datagram?.destination[0] ?? 0;
  const isMulticast = router.family === 4 ? first >= 224 && first <= 239 : first === 0xff;
  return isMulticast === (router.segment.cast === 'multicast');
}

function isFromPeer(router: VirtualRouter, packet: PacketReader): boolean {
  if (router.segment.cast === 'multicast' || !router.config.checkUnicastSrc) return true;
  for (const peer of router.config.unicastPeers)
    if (sameBytes(peer.address, packet.datagram?.source)) return true;
  return false;
}

function hasSameAddresses(router: VirtualRouter, packet: PacketReader): boolean {
  const expected = router.config.virtualAddresses;
  if (expected.length !== packet.addressCount) return false;
  const start = packet.base + VRRP_HEADER_LENGTH;
  const width = router.family === 4 ? 4 : 16;
  for (let i = 0; i < expected.length; i++) {
    const address = expected[i]?.address;
    if (!address) return false;
    // Nearly always in the same order; otherwise anywhere in the list.
    if (sameAt(packet.view, start + i * width, address)) continue;
    let found = false;
    for (let j = 0; j < expected.length && !found; j++)
      found = sameAt(packet.view, start + j * width, address);
    if (!found) return false;
  }
  return true;
}

function sameAt(view: DataView, offset: number, bytes: Uint8Array): boolean {
  for (let i = 0; i < bytes.length; i++) if (view.getUint8(offset + i) !== bytes[i]) return false;
  return true;
}

function sameBytes(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  if (a === undefined || b === undefined || a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** Climbs the ladder and counts. Returns the rung that a packet fell off, or undefined if it was accepted. */
export function climb(router: VirtualRouter, packet: PacketReader): Rung | undefined {
  for (const rung of LADDER) {
    if (rung.passes(router, packet)) continue;
    router.counters[rung.counter]++;
    if (!rung.tolerated) return rung;
  }
  return undefined;
}
