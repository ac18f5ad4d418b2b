import { formatIp } from '#base/address.ts';

/** One frame. Addresses are undefined where the frame has none. */
export interface FrameRecord {
  /** Epoch milliseconds with microseconds as fraction. */
  readonly timeMs: number;
  readonly srcMac: string;
  readonly dstMac: string;
  /** EtherType, after VLAN tags: 0x0800, 0x0806, 0x86dd. */
  readonly etherType: number;
  /** IPv4 or IPv6 source, or ARP's sender protocol address. */
  readonly srcIp?: string;
  /** IPv4 or IPv6 destination, or ARP's target protocol address. */
  readonly dstIp?: string;
  /** IP protocol number (112 is VRRP) or the last IPv6 next header; undefined for ARP. */
  readonly proto?: number;
  /** IPv4 TTL or IPv6 hop limit. */
  readonly ttl?: number;
  /** What follows the IP header (of a fragment: its part); the whole message for ARP. */
  readonly payload: Uint8Array;
}

const VLAN_TAG = 0x8100;
const IPV4 = 0x0800;
const ARP = 0x0806;
const IPV6 = 0x86dd;
/** IPv6 extension headers of the common shape (RFC 8200 §4): hop-by-hop, routing, destination options. */
const IPV6_OPTION_HEADERS = new Set([0, 43, 60]);

/** Splits an Ethernet frame; what is cut short or malformed keeps the fields that could be read. */
export function parseFrame(timeMs: number, frame: Uint8Array): FrameRecord {
  let at = 12;
  while (word(frame, at) === VLAN_TAG) at += 4;
  const etherType = word(frame, at) ?? 0;
  const link = { timeMs, dstMac: formatMac(frame, 0), srcMac: formatMac(frame, 6), etherType };
  const packet = frame.subarray(at + 2);
  if (etherType === IPV4) return { ...link, ...parseIpv4(packet) };
  if (etherType === IPV6) return { ...link, ...parseIpv6(packet) };
  if (etherType === ARP) return { ...link, ...parseArp(packet) };
  return { ...link, payload: packet };
}

type Network = Omit<FrameRecord, 'timeMs' | 'srcMac' | 'dstMac' | 'etherType'>;

/** RFC 791 §3.1. The total length cuts Ethernet's padding off. */
function parseIpv4(packet: Uint8Array): Network {
  const headerBytes = ((packet[0] ?? 0) & 0x0f) * 4;
  if (headerBytes < 20 || packet.length < headerBytes) return { payload: packet };
  return {
    srcIp: formatIp(packet.subarray(12, 16)),
    dstIp: formatIp(packet.subarray(16, 20)),
    proto: packet[9] ?? 0,
    ttl: packet[8] ?? 0,
    payload: packet.subarray(headerBytes, Math.max(headerBytes, word(packet, 2) ?? 0)),
  };
}

/** RFC 8200 §3. */
function parseIpv6(packet: Uint8Array): Network {
  if (packet.length < 40) return { payload: packet };
  const end = 40 + (word(packet, 4) ?? 0);
  let proto = packet[6] ?? 0;
  let at = 40;
  while (IPV6_OPTION_HEADERS.has(proto) && at + 2 <= packet.length) {
    proto = packet[at] ?? 0;
    at += ((packet[at + 1] ?? 0) + 1) * 8;
  }
  return {
    srcIp: formatIp(packet.subarray(8, 24)),
    dstIp: formatIp(packet.subarray(24, 40)),
    proto,
    ttl: packet[7] ?? 0,
    payload: packet.subarray(at, end),
  };
}

/** RFC 826, for Ethernet and IPv4. */
function parseArp(packet: Uint8Array): Network {
  if (packet.length < 28) return { payload: packet };
  return {
    srcIp: formatIp(packet.subarray(14, 18)),
    dstIp: formatIp(packet.subarray(24, 28)),
    payload: packet.subarray(0, 28),
  };
}

/** Big-endian 16 bits at `at`; undefined beyond the end. */
function word(bytes: Uint8Array, at: number): number | undefined {
  const low = bytes[at + 1];
  return low === undefined ? undefined : ((bytes[at] ?? 0) << 8) | low;
}

function formatMac(frame: Uint8Array, at: number): string {
  return Array.from(frame.subarray(at, at + 6), byte => byte.toString(16).padStart(2, '0')).join(':');
}
