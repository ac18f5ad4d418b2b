import type { Cidr, Family } from '#base/address.ts';
import type { Position } from '#base/position.ts';

/** A number, or a name that the host's /etc/iproute2 tables resolve. */
export type NumberOrName = number | string;

/** One line of `virtual_ipaddress`, `virtual_ipaddress_excluded` or `static_ipaddress`. */
export interface VirtualAddress {
  /** 4 or 16 bytes. */
  readonly address: Uint8Array;
  /** Default /32 or /128. */
  readonly prefix: number;
  /** undefined: the instance's interface (`default_interface` for static addresses). */
  readonly dev: string | undefined;
  readonly label: string | undefined;
  /** rtnetlink scope: 0 global, 200 site, 253 link, 254 host, 255 nowhere; undefined: by the address. */
  readonly scope: NumberOrName | undefined;
  /** `brd`: an address, or computed from the prefix (`+`), or none (`-`). */
  readonly broadcast: Uint8Array | '+' | '-' | undefined;
  /** The other end of a point-to-point address; the prefix is the full width. */
  readonly peer: Cidr | undefined;
  readonly home: boolean;
  /** False with `-nodad`; keepalived adds IPv6 VIPs without duplicate address detection by default. */
  readonly nodad: boolean;
  readonly mngtmpaddr: boolean;
  readonly noprefixroute: boolean;
  readonly autojoin: boolean;
  readonly useVmac: boolean;
  /** `preferred_lft`; undefined: 0 for a /128, else forever. */
  readonly preferredLifetimeS: number | 'forever' | undefined;
  /** `no_track`: its loss does not matter. */
  readonly noTrack: boolean;
  readonly position: Position;
}

export type RouteType =
  | 'unicast'
  | 'blackhole'
  | 'unreachable'
  | 'prohibit'
  | 'throw'
  | 'local'
  | 'broadcast'
  | 'anycast'
  | 'multicast';

export interface NextHop {
  readonly via: Uint8Array | undefined;
  readonly dev: string | undefined;
  /** 1–256. */
  readonly weight: number;
  readonly onlink: boolean;
}

/** One line of `virtual_routes` or `static_routes`. */
export interface VirtualRoute {
  readonly family: Family;
  readonly type: RouteType;
  /** `default` is a prefix of 0. */
  readonly destination: Cidr;
  readonly via: Uint8Array | undefined;
  readonly dev: string | undefined;
  readonly src: Uint8Array | undefined;
  /** Default 254, main. */
  readonly table: NumberOrName | undefined;
  readonly scope: NumberOrName | undefined;
  readonly protocol: NumberOrName | undefined;
  readonly tos: number | undefined;
  /** `priority`, `preference` or `metric`. */
  readonly metric: number | undefined;
  readonly onlink: boolean;
  readonly nexthops: readonly NextHop[];
  /** `mtu`, `advmss`, `rtt`, `window`, … by keyword. `lock` forbids the kernel to change it. */
  readonly metrics: readonly { readonly name: string; readonly value: number; readonly lock: boolean }[];
  /** `append` instead of prepend. */
  readonly append: boolean;
  readonly noTrack: boolean;
  readonly position: Position;
}

type RuleAction = 'table' | 'goto' | 'nop' | 'blackhole' | 'unreachable' | 'prohibit';

interface PortRange {
  readonly first: number;
  readonly last: number;
}

/** One line of `virtual_rules` or `static_rules`. */
export interface VirtualRule {
  readonly family: Family;
  readonly action: RuleAction;
  /** With action `table`. */
  readonly table: NumberOrName | undefined;
  /** Preference of the target rule, with action `goto`. */
  readonly goto: number | undefined;
  readonly not: boolean;
  readonly from: Cidr | undefined;
  readonly to: Cidr | undefined;
  readonly iif: string | undefined;
  readonly oif: string | undefined;
  readonly tos: number | undefined;
  readonly fwmark: { readonly mark: number; readonly mask: number | undefined } | undefined;
  /** `priority` or `preference`. */
  readonly preference: number | undefined;
  readonly suppressPrefixlength: number | undefined;
  readonly suppressIfgroup: NumberOrName | undefined;
  readonly uidRange: PortRange | undefined;
  readonly l3mdev: boolean;
  readonly protocol: NumberOrName | undefined;
  readonly ipProto: NumberOrName | undefined;
  readonly sport: PortRange | undefined;
  readonly dport: PortRange | undefined;
  readonly noTrack: boolean;
  readonly position: Position;
}

/** `track_group` names the group whose instances fault when the object cannot be restored. */
interface OwnedByHost {
  readonly trackGroup: string | undefined;
}

export interface StaticAddress extends VirtualAddress, OwnedByHost {}
export interface StaticRoute extends VirtualRoute, OwnedByHost {}
export interface StaticRule extends VirtualRule, OwnedByHost {}
