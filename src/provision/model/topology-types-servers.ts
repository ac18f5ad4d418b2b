/** What a host is beside VRRP: director, real server, proxy. Part of {@link HostTopology}. */
import type { Family } from '#base/address.ts';
import type { HostBlock, SysctlSetting } from './topology-types.ts';

/** keepalived's `lvs_method`. */
export type LvsMethod = 'NAT' | 'DR' | 'TUN';

/** A real server or upstream as its director or proxy sees it. */
interface Upstream {
  /** The inventory's name. */
  readonly host: string;
  /** Without brackets or prefix. */
  readonly address: string;
  /** 0: the port of the virtual server's packets (every port). */
  readonly port: number;
  /** 0 to 65535; 0: no new connections. */
  readonly weight: number;
}

/** One `virtual_server` block: a virtual address (or firewall mark) of one entry of `virtual_servers`. */
export interface VirtualServerBlock extends HostBlock {
  /** The entry's name in the inventory. */
  readonly name: string;
  readonly cluster: string;
  readonly family: Family;
  readonly protocol: 'TCP' | 'UDP' | 'SCTP';
  /** undefined with `fwmark` and `group`. */
  readonly address: string | undefined;
  readonly port: number;
  /** The `virtual_server_group` that it is about, written before it. */
  readonly group: HostBlock | undefined;
  readonly fwmark: number | undefined;
  readonly method: LvsMethod;
  /** The vrrp_instance that brings the address here. */
  readonly instance: string;
  readonly real_servers: readonly Upstream[];
}

/** A virtual address that a DR or TUN real server holds without answering ARP for it. */
export interface RealServerVip {
  readonly address: string;
  /** 32 or 128. */
  readonly prefix: number;
  readonly family: Family;
  /** `lo` with DR, `tunl0` or `ip6tnl0` with TUN. */
  readonly interface: 'lo' | 'tunl0' | 'ip6tnl0';
  readonly method: 'DR' | 'TUN';
  /** Further words of `ip address add`: `nodad preferred_lft 0` with IPv6, so that it is never a source address. */
  readonly options: string;
  readonly port: number;
  readonly protocol: 'TCP' | 'UDP' | 'SCTP';
}

/**
 * How a NAT real server's answers get back to the director: `from FROM sport PORT` looks into a table of its own, which
 * has the subnet on the interface and a default route through the director's virtual address.
 */
export interface RealServerGateway {
  readonly family: Family;
  /** The real server's address. */
  readonly from: string;
  /** The subnet that stays on the link, such as 172.16.8.0/24. */
  readonly subnet: string;
  /** The interface that has `from`; undefined: to be looked for on the host. */
  readonly interface: string | undefined;
  /** The director's virtual address in that subnet. */
  readonly address: string;
  /** Its vrrp_instance, as CLUSTER/INSTANCE. */
  readonly instance: string;
  /** Number of the routing table. */
  readonly table: number;
  /** True: the host's default route goes through `address`, and there is no table. */
  readonly default_route: boolean;
  /** Whose answers: distinct protocols and ports of the services here; port 0 is every port. */
  readonly services: readonly { readonly protocol: 'TCP' | 'UDP' | 'SCTP'; readonly port: number }[];
}

/** What a host must be to serve behind a director. */
export interface RealServerDuties {
  readonly methods: readonly LvsMethod[];
  /** By order of the inventory, each address once. */
  readonly vips: readonly RealServerVip[];
  readonly gateways: readonly RealServerGateway[];
  /** Kernel modules that must be loaded first: `ipip`, `ip6_tunnel`. */
  readonly modules: readonly string[];
  /** ARP and rp_filter settings: in force before the VIPs are added, taken back after they are gone. Not in `tandem.sysctls`. */
  readonly sysctls: readonly SysctlSetting[];
  /** Hosts that send to it, for draining. */
  readonly directors: readonly string[];
}

/** One entry of `proxies` on a host. */
export interface ProxyFrontend {
  readonly name: string;
  readonly cluster: string;
  readonly mode: 'http' | 'tcp';
  /** Where it listens: the virtual addresses of its instances. */
  readonly binds: readonly {
    readonly address: string;
    readonly port: number;
    readonly family: Family;
  }[];
  /** Empty with `respond`. */
  readonly upstreams: readonly Upstream[];
  /** nginx's load balancing method or haproxy's `balance`; undefined: the program's default, round robin. */
  readonly balance: string | undefined;
  /** haproxy: path of `option httpchk`; undefined: a TCP connection. */
  readonly check_path: string | undefined;
  /** A fixed answer instead of upstreams, such as a sorry page. */
  readonly respond: { readonly status: number; readonly body: string } | undefined;
  /** Lines as they stand for the program's server (nginx) or listen (haproxy) section. */
  readonly keywords: readonly string[];
}

/** What nginx or haproxy does on a host. */
export interface ProxyDuties {
  readonly frontends: readonly ProxyFrontend[];
  /** haproxy's statistics page. */
  readonly stats: { readonly port: number; readonly uri: string } | undefined;
}

/** A script of `scripts:` that is put on the host. */
export interface ScriptFile {
  readonly name: string;
  /** Where it is on the host. */
  readonly path: string;
  /** `copy`'s src: a path from the controller's working directory; undefined with `content`. */
  readonly src: string | undefined;
  readonly content: string | undefined;
  /** Octal, such as `0755`. */
  readonly mode: string;
}

/** A host of the same clusters. */
export interface Peer {
  readonly name: string;
  /** The address we connect to first, then those of its `interfaces`. */
  readonly addresses: readonly string[];
}

/** Which roles apply to a host. */
export type HostRole = 'vrrp' | 'lvs_director' | 'real_server' | 'nginx' | 'haproxy';
