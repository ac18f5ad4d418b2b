/** Clusters as typed data: what the inventory's `topology` says, and what follows from it for each host. */
import type { Diagnostic } from '#base/errors.ts';
import type { Position } from '#base/position.ts';
import type {
  HostRole,
  Peer,
  ProxyDuties,
  RealServerDuties,
  ScriptFile,
  VirtualServerBlock,
} from './topology-types-servers.ts';

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
  readonly cluster: string;
}

/**
 * What must be let through for the cluster to work.
 *
 * - `vrrp`, `vrrp-ah`, `igmp`, `mld`: in, and out again.
 * - `lvs-sync`: datagrams of the connection table's synchronisation, in and out.
 * - `tunnel`: packets that directors send to a TUN real server, in.
 * - `service`: clients' packets to `destination` and `port`, in. On a director that does not see the answers (DR, TUN)
 *   `untracked` is true: conntrack calls them invalid, so the rule stands before any drop of those. With NAT `translated`
 *   is true: IPVS keeps those packets from conntrack as well, but sends them on to another address.
 * - `check`: health checks from the directors, in.
 * - `forward`: through a NAT director, to a real server (`destination`, `port`) or back (`peers`, `source_port`).
 */
export interface Opening {
  readonly kind:
    'vrrp' | 'vrrp-ah' | 'igmp' | 'mld' | 'lvs-sync' | 'tunnel' | 'service' | 'check' | 'forward';
  readonly family: 4 | 6;
  /** IP protocol number: 112, 51, 2, 58; 17, 4, 41; 6, 17 or 132. */
  readonly protocol: number;
  /** undefined: any interface. */
  readonly interface: string | undefined;
  /** Multicast group; undefined with unicast peers. */
  readonly group: string | undefined;
  /** Senders; empty: any. */
  readonly peers: readonly string[];
  /** Where the packets go, if to one address. */
  readonly destination?: string;
  /** Destination port; absent: every port. */
  readonly port?: number;
  /** Source port of `forward`'s answers; absent: every port. */
  readonly source_port?: number;
  readonly untracked?: true;
  readonly translated?: true;
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
  /** Which roles apply: what is empty or undefined below has none. */
  readonly roles: readonly HostRole[];
  /** Directors: one block per virtual address. */
  readonly virtual_servers: readonly VirtualServerBlock[];
  readonly real_server: RealServerDuties | undefined;
  readonly nginx: ProxyDuties | undefined;
  readonly haproxy: ProxyDuties | undefined;
  /** Scripts that are shipped to the host. */
  readonly script_files: readonly ScriptFile[];
  /** All hosts of the clusters, this one included. */
  readonly peers: readonly Peer[];
  /** Further blocks, as they stand. */
  readonly extra: readonly string[];
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
  /** Hosts that only serve behind the others, in the order of the virtual servers. */
  readonly realServers: readonly string[];
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

/** A host that no topology names: roles see empty lists. */
export function emptyHostTopology(host: string): HostTopology {
  return {
    host,
    clusters: [],
    daemon: 'tandemd',
    global_defs: [],
    scripts: [],
    sync_groups: [],
    instances: [],
    roles: [],
    extra: [],
    virtual_servers: [],
    real_server: undefined,
    nginx: undefined,
    haproxy: undefined,
    script_files: [],
    peers: [],
    openings: [],
    sysctls: [],
    interfaces: [],
  };
}
