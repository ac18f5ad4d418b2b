/** Clusters as typed data: what the inventory's `topology` says, and what follows from it for each host. */
import type { Diagnostic } from '#base/errors.ts';
import type { Position } from '#base/position.ts';

/** One `virtual_ipaddress` entry as keepalived writes it. */
export interface VirtualAddress {
  /** `172.16.8.100` or `172.16.8.100/24`. */
  readonly address: string;
  /** The whole line: address and its keywords (`dev`, `label`, `scope`, …). */
  readonly line: string;
}

/** A vrrp_instance on one host; names are keepalived's, so that templates read like keepalived.conf. */
export interface HostInstance {
  readonly name: string;
  readonly cluster: string;
  readonly state: 'MASTER' | 'BACKUP';
  readonly interface: string;
  readonly virtual_router_id: number;
  readonly priority: number;
  /** Seconds; undefined: keepalived's default, 1. */
  readonly advert_int: number | undefined;
  readonly family: 4 | 6;
  readonly version: 2 | 3;
  readonly authentication: { readonly auth_type: 'PASS' | 'AH'; readonly auth_pass: string } | undefined;
  readonly unicast_src_ip: string | undefined;
  /** Empty: multicast. */
  readonly unicast_peer: readonly string[];
  readonly virtual_ipaddress: readonly VirtualAddress[];
  readonly virtual_ipaddress_excluded: readonly VirtualAddress[];
  /** All other keywords, ready to stand in a vrrp_instance block, nested blocks indented by four spaces. */
  readonly keywords: readonly string[];
  /** Whether this host is first in the instance's order of preference. */
  readonly preferred: boolean;
  readonly position: Position;
}

/** A block that is rendered as it stands: `HEAD {`, lines, `}`. */
export interface HostBlock {
  /** Such as `vrrp_sync_group VG_1` or `vrrp_script chk_nginx`. */
  readonly head: string;
  readonly keywords: readonly string[];
}

/** What must be let in for the cluster to work. */
export interface Opening {
  readonly kind: 'vrrp' | 'vrrp-ah' | 'igmp' | 'mld';
  readonly family: 4 | 6;
  /** IP protocol number: 112, 51, 2, 58. */
  readonly protocol: number;
  readonly interface: string;
  /** Multicast group; undefined with unicast peers. */
  readonly group: string | undefined;
  /** Senders; empty: any (multicast). */
  readonly peers: readonly string[];
  readonly reason: string;
}

export interface SysctlSetting {
  readonly key: string;
  readonly value: string;
  readonly reason: string;
}

/** An interface that the topology names, and the address that must be on it (a unicast source). */
export interface NeededInterface {
  readonly name: string;
  readonly address: string | undefined;
  readonly position: Position;
}

/** All that a host must be, over all clusters it is in: templates see it as `tandem`. */
export interface HostTopology {
  readonly host: string;
  readonly clusters: readonly string[];
  /** `tandemd` or `keepalived` (`vrrp_daemon`). */
  readonly daemon: 'tandemd' | 'keepalived';
  /** Lines of global_defs. */
  readonly global_defs: readonly string[];
  readonly scripts: readonly HostBlock[];
  readonly sync_groups: readonly HostBlock[];
  readonly instances: readonly HostInstance[];
  readonly openings: readonly Opening[];
  readonly sysctls: readonly SysctlSetting[];
  /** Interfaces that must exist; check with `checkInterfaces` once facts are known. */
  readonly interfaces: readonly NeededInterface[];
}

/** An instance over its cluster. */
interface ClusterInstance {
  readonly name: string;
  readonly virtual_router_id: number;
  /** Order of preference, the first is MASTER. */
  readonly nodes: readonly string[];
  /** By host. */
  readonly priorities: Readonly<Record<string, number>>;
  readonly vips: readonly string[];
  readonly position: Position;
}

/** The unit of locking, rolling and sharding. */
export interface Cluster {
  readonly name: string;
  /** Hosts that run an instance, in inventory order. */
  readonly hosts: readonly string[];
  /** Hosts in the order in which a new cluster starts: by preference over all instances. */
  readonly startOrder: readonly string[];
  readonly instances: readonly ClusterInstance[];
  readonly syncGroups: readonly { readonly name: string; readonly instances: readonly string[] }[];
  readonly position: Position;
}

export interface DerivedTopology {
  readonly clusters: readonly Cluster[];
  readonly hosts: ReadonlyMap<string, HostTopology>;
  /** Errors and warnings; a host of a cluster with errors has no entry in {@link hosts}. */
  readonly diagnostics: readonly Diagnostic[];
}
