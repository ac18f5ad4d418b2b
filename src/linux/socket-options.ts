import { i32host, layout } from '#wire/layout.ts';
import { kernelFailure } from './failure.ts';
import type { Native } from './native.ts';
import type { KernelFailure } from './ports.ts';

/** Socket options by level and number (Linux on x64 and arm64). */
const OPTION = {
  SO_PRIORITY: [1, 12],
  SO_BINDTODEVICE: [1, 25],
  SO_RCVBUF: [1, 8],
  SO_RCVBUFFORCE: [1, 33],
  SO_MARK: [1, 36],
  IP_TOS: [0, 1],
  IP_TTL: [0, 2],
  IP_PKTINFO: [0, 8],
  IP_MTU_DISCOVER: [0, 10],
  IP_RECVERR: [0, 11],
  IP_RECVTTL: [0, 12],
  IP_MULTICAST_IF: [0, 32],
  IP_MULTICAST_TTL: [0, 33],
  IP_MULTICAST_LOOP: [0, 34],
  IP_ADD_MEMBERSHIP: [0, 35],
  IP_MULTICAST_ALL: [0, 49],
  IPV6_UNICAST_HOPS: [41, 16],
  IPV6_MULTICAST_IF: [41, 17],
  IPV6_MULTICAST_HOPS: [41, 18],
  IPV6_MULTICAST_LOOP: [41, 19],
  IPV6_ADD_MEMBERSHIP: [41, 20],
  IPV6_RECVERR: [41, 25],
  IPV6_MULTICAST_ALL: [41, 29],
  IPV6_RECVPKTINFO: [41, 49],
  IPV6_RECVHOPLIMIT: [41, 51],
  IPV6_TCLASS: [41, 67],
  ICMP_FILTER: [255, 1],
  ICMPV6_FILTER: [58, 1],
  NETLINK_CAP_ACK: [270, 10],
  NETLINK_EXT_ACK: [270, 11],
} as const satisfies Record<string, readonly [level: number, name: number]>;

/** An option and its value: a number (a C int), a text, or a structure's bytes. */
export type OptionSetting = readonly [name: keyof typeof OPTION, value: number | string | Uint8Array];

const int = layout({ value: i32host });

/** Sets options in order; stops at the first that the kernel refuses. */
export function setOptions(
  native: Native,
  fd: number,
  settings: readonly OptionSetting[],
): KernelFailure | undefined {
  for (const [name, value] of settings) {
    const result = setOption(native, fd, name, value);
    if (result < 0) return kernelFailure(`setsockopt ${name}`, -result);
  }
  return undefined;
}

/** Sets one option; -errno if the kernel refuses, for options that are better to have but not needed. */
export function setOption(native: Native, fd: number, ...[name, value]: OptionSetting): number {
  const [level, number] = OPTION[name];
  return native.setOption(fd, level, number, encode(value));
}

function encode(value: number | string | Uint8Array): Uint8Array {
  if (typeof value === 'number') return int.encode({ value });
  return typeof value === 'string' ? new TextEncoder().encode(value) : value;
}

/** Enlarges the receive queue beyond `net.core.rmem_max` where we may, else up to it. */
export function enlargeReceiveQueue(native: Native, fd: number, sizeBytes: number): void {
  if (setOption(native, fd, 'SO_RCVBUFFORCE', sizeBytes) < 0) setOption(native, fd, 'SO_RCVBUF', sizeBytes);
}
