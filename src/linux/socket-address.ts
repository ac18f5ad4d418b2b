import { familyOf } from '#base/address.ts';
import {
  bytes,
  i32host,
  layout,
  padding,
  u16be,
  u16host,
  u32be,
  u32host,
  u64host,
  u8,
  viewOf,
} from '#wire/layout.ts';
import { AF_INET, AF_INET6 } from '#wire/rtnetlink.ts';

/** Socket addresses and control messages as Linux lays them out on 64-bit machines. */

export const AF_UNIX = 1;
export const AF_NETLINK = 16;
export const AF_PACKET = 17;

const sockaddrIn = layout({ family: u16host, port: u16be, address: bytes(4), zero: padding(8) });
const sockaddrIn6 = layout({
  family: u16host,
  port: u16be,
  flowInfo: u32be,
  address: bytes(16),
  scopeId: u32host,
});
const sockaddrNl = layout({ family: u16host, pad: padding(2), portId: u32host, groups: u32host });
const sockaddrUn = layout({ family: u16host, path: bytes(108) });

/** `struct sockaddr_ll`. */
export const sockaddrLl = layout({
  family: u16host,
  protocol: u16be,
  ifindex: i32host,
  hardwareType: u16host,
  packetType: u8,
  addressLength: u8,
  address: bytes(8),
});

/** Where the address stands in `sockaddr_in` and `sockaddr_in6`. */
export const IPV6_ADDRESS_AT = 8;

/** An IP socket address with a port; a link-local one takes its zone from the socket's interface. */
export function inetSocketAddress(address: Uint8Array, port: number): Uint8Array {
  if (familyOf(address) === 4) return sockaddrIn.encode({ family: AF_INET, port, address });
  return sockaddrIn6.encode({ family: AF_INET6, port, flowInfo: 0, address, scopeId: 0 });
}

/** Reads what the kernel wrote as the address of a sender, into 28 bytes. */
export function readInetSocketAddress(bytes: Uint8Array): {
  readonly address: Uint8Array;
  readonly port: number;
} {
  const view = viewOf(bytes);
  const { family } = sockaddrIn.read(view, 0);
  return family === AF_INET6 ? sockaddrIn6.read(view, 0) : sockaddrIn.read(view, 0);
}

/** An IP socket address without port, as raw sockets take it; `ifindex` gives link-local addresses their zone. */
export function ipSocketAddress(address: Uint8Array, ifindex: number): Uint8Array {
  if (familyOf(address) === 4) return sockaddrIn.encode({ family: AF_INET, port: 0, address });
  return sockaddrIn6.encode({
    family: AF_INET6,
    port: 0,
    flowInfo: 0,
    address,
    scopeId: hasZone(address) ? ifindex : 0,
  });
}

// fe80::/10, and multicast of interface or link scope.
function hasZone(address: Uint8Array): boolean {
  const [first = 0, second = 0] = address;
  return (first === 0xfe && (second & 0xc0) === 0x80) || (first === 0xff && (second & 0x0f) <= 2);
}

export function netlinkSocketAddress(groups: number): Uint8Array {
  return sockaddrNl.encode({ family: AF_NETLINK, portId: 0, groups });
}

/** `@name` is in the abstract namespace. Undefined if the path is longer than the kernel takes. */
export function unixSocketAddress(path: string): Uint8Array | undefined {
  const name = new TextEncoder().encode(path.startsWith('@') ? `\0${path.slice(1)}` : path);
  if (name.length >= sockaddrUn.field.path.length) return undefined;
  return sockaddrUn.encode({ family: AF_UNIX, path: name }).subarray(0, 2 + name.length);
}

const IPPROTO_IP = 0;
const IP_PKTINFO = 8;
const IPPROTO_IPV6 = 41;
const IPV6_PKTINFO = 50;

const controlHead = { length: u64host, level: i32host, type: i32host } as const;
const ipv4PacketInfo = layout({
  ...controlHead,
  ifindex: i32host,
  source: bytes(4),
  destination: bytes(4),
  align: padding(4),
});
const ipv6PacketInfo = layout({ ...controlHead, source: bytes(16), ifindex: u32host, align: padding(4) });

/** The control message that makes a packet leave by `ifindex` with the source address `source`. */
export function packetInfo(source: Uint8Array, ifindex: number): Uint8Array {
  if (familyOf(source) === 4)
    return ipv4PacketInfo.encode({
      length: BigInt(ipv4PacketInfo.length - 4),
      level: IPPROTO_IP,
      type: IP_PKTINFO,
      ifindex,
      source,
      destination: new Uint8Array(4),
    });
  return ipv6PacketInfo.encode({
    length: BigInt(ipv6PacketInfo.length - 4),
    level: IPPROTO_IPV6,
    type: IPV6_PKTINFO,
    source,
    ifindex,
  });
}
