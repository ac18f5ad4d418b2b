import { familyOf } from '#base/address.ts';
import { checksumOf, sumWords } from '#wire/checksum.ts';
import { BROADCAST_MAC, ETHERTYPE, ethernetHeader } from '#wire/ethernet.ts';
import { viewOf } from '#wire/layout.ts';
import { ipv6Header } from '#wire/ndp.ts';
import { ipv4Header } from '#wire/vrrp.ts';

/** What the fake kernel puts into Ethernet frames and takes out of them. */
export interface IpPacket {
  readonly protocol: number;
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
  readonly ttl: number;
  readonly payload: Uint8Array;
}

const IP_AT = ethernetHeader.length;

/** A frame as a Linux host sends it. There is no neighbour resolution: unicast goes to the broadcast MAC. */
export function ipFrame(packet: IpPacket, sourceMac: Uint8Array): Uint8Array<ArrayBuffer> {
  const { protocol, source, destination, ttl, payload } = packet;
  const v4 = familyOf(destination) === 4;
  const header = v4 ? ipv4Header : ipv6Header;
  const frame = new Uint8Array(IP_AT + header.length + payload.length);
  const view = viewOf(frame);
  ethernetHeader.write(view, 0, {
    destination: macOf(destination),
    source: sourceMac,
    etherType: v4 ? ETHERTYPE.ipv4 : ETHERTYPE.ipv6,
  });
  if (v4) {
    const totalLength = header.length + payload.length;
    const constant = { versionIhl: 0x45, tos: 0xc0, identification: 0, flagsFragment: 0x4000, checksum: 0 };
    ipv4Header.write(view, IP_AT, { ...constant, totalLength, ttl, protocol, source, destination });
    const checksum = checksumOf(sumWords(view, IP_AT, IP_AT + header.length));
    ipv4Header.field.checksum.set(view, IP_AT, checksum);
  } else {
    const constant = { versionClassFlow: 0x6c000000, payloadLength: payload.length };
    ipv6Header.write(view, IP_AT, { ...constant, nextHeader: protocol, hopLimit: ttl, source, destination });
  }
  frame.set(payload, IP_AT + header.length);
  return frame;
}

/** Takes a frame apart; undefined if it holds no IP packet, or one that Linux would drop for its header. */
export function parseIpFrame(frame: Uint8Array): (IpPacket & { readonly header: Uint8Array }) | undefined {
  const view = viewOf(frame);
  const etherType = ethernetHeader.decode(view)?.etherType;
  if (etherType === ETHERTYPE.ipv4) {
    const header = ipv4Header.decode(view, IP_AT);
    if (!header || header.versionIhl >> 4 !== 4) return undefined;
    const start = IP_AT + (header.versionIhl & 15) * 4;
    const end = IP_AT + header.totalLength;
    if (start < IP_AT + ipv4Header.length || end > frame.length || start > end) return undefined;
    if (checksumOf(sumWords(view, IP_AT, start)) !== 0) return undefined;
    return { ...header, header: frame.subarray(IP_AT, start), payload: frame.subarray(start, end) };
  }
  const header = etherType === ETHERTYPE.ipv6 ? ipv6Header.decode(view, IP_AT) : undefined;
  if (!header) return undefined;
  const start = IP_AT + ipv6Header.length;
  const end = start + header.payloadLength;
  if (end > frame.length) return undefined;
  const { nextHeader: protocol, hopLimit: ttl, source, destination } = header;
  return {
    protocol,
    ttl,
    source,
    destination,
    header: frame.subarray(IP_AT, start),
    payload: frame.subarray(start, end),
  };
}

/** RFC 1112 §6.4 and RFC 2464 §7 for groups. */
function macOf(destination: Uint8Array): Uint8Array {
  const [first = 0, second = 0, third = 0, fourth = 0] = destination;
  if (destination.length === 4)
    return first >> 4 === 14 ? Uint8Array.of(1, 0, 0x5e, second & 0x7f, third, fourth) : BROADCAST_MAC;
  return first === 0xff ? Uint8Array.of(0x33, 0x33, ...destination.subarray(12)) : BROADCAST_MAC;
}
