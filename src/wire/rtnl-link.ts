import { i32host, layout, padding, u16host, u32host, u8, viewOf } from './layout.ts';
import { bytesOf, type NetlinkWriter, numberOf, parseAttributes, textOf } from './netlink.ts';

/** Network interfaces in rtnetlink: `struct ifinfomsg` and its attributes (Linux `include/uapi/linux/if_link.h`). */

const ifinfomsg = layout({
  family: u8,
  pad: padding(1),
  hardwareType: u16host,
  ifindex: i32host,
  flags: u32host,
  change: u32host,
});

const IFLA = { address: 1, name: 3, mtu: 4, link: 5, master: 10, linkInfo: 18, alias: 20 } as const;
const IFLA_INFO_KIND = 1;
const IFLA_INFO_DATA = 2;
const IFLA_MACVLAN_MODE = 1;
const MACVLAN_MODE_PRIVATE = 1;

/** Interface flags (`include/uapi/linux/if.h`). */
const IFF = {
  up: 0x1,
  loopback: 0x8,
  pointToPoint: 0x10,
  running: 0x40,
  noArp: 0x80,
  multicast: 0x1000,
} as const;

/** A network interface as the kernel sees it. */
export interface Link {
  readonly ifindex: number;
  readonly name: string;
  /** IFF_UP: set up by an administrator. */
  readonly up: boolean;
  /** IFF_RUNNING: up and with carrier. keepalived's notion of a working interface is both. */
  readonly running: boolean;
  readonly loopback: boolean;
  readonly multicast: boolean;
  /** IFF_NOARP: no gratuitous ARP makes sense here. */
  readonly noArp: boolean;
  readonly pointToPoint: boolean;
  readonly mtu: number;
  /** Hardware address, 6 bytes on Ethernet, empty if none. */
  readonly mac: Uint8Array;
  /** ARPHRD_*: 1 is Ethernet, 772 loopback. */
  readonly hardwareType: number;
  /** Index of the bridge or bond it is enslaved to, or 0. */
  readonly masterIfindex: number;
  /** Index of the interface it stands on (VLAN, macvlan), or 0. */
  readonly lowerIfindex: number;
  /** IFLA_INFO_KIND: `veth`, `macvlan`, `bridge`; empty for hardware. */
  readonly kind: string;
  /** `ip link set alias`; absent if none. */
  readonly alias?: string;
}

/** A macvlan to be made. */
export interface MacvlanSpec {
  readonly name: string;
  /** The interface that it stands on. */
  readonly lowerIfindex: number;
  /** 6 bytes. */
  readonly mac: Uint8Array;
}

/** Writes the body of RTM_NEWLINK for a macvlan in private mode: it hears nothing of its siblings. */
export function writeMacvlan(writer: NetlinkWriter, spec: MacvlanSpec): void {
  writer
    .struct(linkDumpRequest())
    .text(IFLA.name, spec.name)
    .u32(IFLA.link, spec.lowerIfindex)
    .attribute(IFLA.address, spec.mac)
    .nested(IFLA.linkInfo, info =>
      info
        .text(IFLA_INFO_KIND, 'macvlan')
        .nested(IFLA_INFO_DATA, data => data.u32(IFLA_MACVLAN_MODE, MACVLAN_MODE_PRIVATE)),
    );
}

/** Writes the body of RTM_NEWLINK that sets the link `name` up and gives it an alias. */
export function writeLinkUp(writer: NetlinkWriter, name: string, alias: string): void {
  writer
    .struct(ifinfomsg.encode({ family: 0, hardwareType: 0, ifindex: 0, flags: IFF.up, change: IFF.up }))
    .text(IFLA.name, name)
    .attribute(IFLA.alias, new TextEncoder().encode(alias));
}

/** Writes the body of RTM_DELLINK. */
export function writeLinkRemoval(writer: NetlinkWriter, ifindex: number): void {
  writer.struct(ifinfomsg.encode({ family: 0, hardwareType: 0, ifindex, flags: 0, change: 0 }));
}

/** The fixed part of a dump request. */
export function linkDumpRequest(): Uint8Array {
  return ifinfomsg.encode({ family: 0, hardwareType: 0, ifindex: 0, flags: 0, change: 0 });
}

/**
 * Reads the body of RTM_NEWLINK or RTM_DELLINK; undefined if it is not about an interface as such: bridges also send
 * their port changes in such messages, with family AF_BRIDGE.
 */
export function parseLink(body: Uint8Array): Link | undefined {
  const head = ifinfomsg.decode(viewOf(body));
  if (!head || head.family !== 0) return undefined;
  const attributes = parseAttributes(body, ifinfomsg.length);
  const info = attributes.get(IFLA.linkInfo);
  const flag = (bit: number) => (head.flags & bit) !== 0;
  return {
    ifindex: head.ifindex,
    name: textOf(attributes.get(IFLA.name)),
    up: flag(IFF.up),
    running: flag(IFF.running),
    loopback: flag(IFF.loopback),
    multicast: flag(IFF.multicast),
    noArp: flag(IFF.noArp),
    pointToPoint: flag(IFF.pointToPoint),
    mtu: numberOf(attributes.get(IFLA.mtu)) ?? 0,
    mac: bytesOf(attributes.get(IFLA.address)) ?? new Uint8Array(0),
    hardwareType: head.hardwareType,
    masterIfindex: numberOf(attributes.get(IFLA.master)) ?? 0,
    lowerIfindex: numberOf(attributes.get(IFLA.link)) ?? 0,
    ...(attributes.has(IFLA.alias) ? { alias: textOf(attributes.get(IFLA.alias)) } : {}),
    kind: info ? textOf(parseAttributes(info).get(IFLA_INFO_KIND)) : '',
  };
}
