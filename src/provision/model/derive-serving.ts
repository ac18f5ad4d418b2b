/** A cluster's virtual servers and proxies over all of its hosts, and what follows for each of them. */
import { formatIp } from '#base/address.ts';
import { directorOpenings, directorSysctls, serverBlocks } from './derive-director.ts';
import { gatewaysFor } from './derive-gateway.ts';
import type { InstanceModel } from './derive-instance.ts';
import { knownAddresses, type HostFacts } from './derive-interfaces.ts';
import { proxyDuties, proxyOpenings, proxySysctls, readProxies, type ProxyModel } from './derive-proxies.ts';
import { realServerDuties, realServerOpenings, type Service } from './derive-real-server.ts';
import { readServers, type ServerModel } from './derive-servers.ts';
import type { Inventory } from './inventory-types.ts';
import type { Json } from './module.ts';
import { doubtsAbout } from './topology-keywords.ts';
import type { ClusterDraft } from './topology-read.ts';
import type { Opening, SysctlSetting } from './topology-types.ts';
import type {
  Peer,
  ProxyDuties,
  RealServerDuties,
  ScriptFile,
  VirtualServerBlock,
} from './topology-types-servers.ts';
import { isJsonMap } from './topology-find.ts';
import type { SyncGroup } from './validate-cluster.ts';
import { validateServers } from './validate-servers.ts';

/** A host's part in what is served. */
export interface Serving {
  readonly virtualServers: readonly VirtualServerBlock[];
  /** Derived line of global_defs; undefined without. */
  readonly syncDaemon: string | undefined;
  readonly realServer: RealServerDuties | undefined;
  readonly nginx: ProxyDuties | undefined;
  readonly haproxy: ProxyDuties | undefined;
  readonly scriptFiles: readonly ScriptFile[];
  readonly peers: readonly Peer[];
  readonly openings: readonly Opening[];
  readonly sysctls: readonly SysctlSetting[];
}

export interface ServingContext {
  readonly inventory: Inventory;
  readonly draft: ClusterDraft;
  readonly instances: readonly InstanceModel[];
  readonly groups: readonly SyncGroup[];
  readonly factsOf: (host: string) => HostFacts;
  readonly defaultsOf: (host: string) => Json;
}

export class ClusterServing {
  readonly #context: ServingContext;
  readonly #models = new Map<Json, readonly ServerModel[]>();
  readonly #proxies = new Map<Json, readonly ProxyModel[]>();
  readonly #services = new Map<string, Service[]>();
  /** Hosts that serve and run no instance, in the order of the virtual servers. */
  readonly realServers: readonly string[];

  constructor(context: ServingContext) {
    this.#context = context;
    const { draft } = context;
    for (const host of draft.hosts) this.#serversOf(host);
    for (const host of draft.hosts) this.#proxiesOf(host);
    const [first] = draft.hosts;
    const servers = first === undefined ? [] : this.#serversOf(first);
    this.#enterServices(servers);
    const nodes = new Set(draft.hosts);
    this.realServers = [...this.#services.keys()].filter(host => !nodes.has(host));
    validateServers(servers, context);
    this.#checkKeywords(servers);
  }

  of(host: string): Serving {
    const { factsOf, draft } = this.#context;
    const isNode = draft.hosts.includes(host);
    const servers = isNode ? this.#serversOf(host).filter(one => one.directors.includes(host)) : [];
    const proxies = isNode ? this.#proxiesOf(host).filter(one => one.hosts.includes(host)) : [];
    const services = this.#services.get(host) ?? [];
    const syncDaemon = this.#syncDaemon(host, servers);
    return {
      virtualServers: servers.flatMap(server => serverBlocks(host, server)),
      syncDaemon: syncDaemon?.line,
      realServer: services.length > 0 ? realServerDuties(host, services, factsOf) : undefined,
      nginx: proxyDuties(host, 'nginx', proxies),
      haproxy: proxyDuties(host, 'haproxy', proxies),
      scriptFiles: isNode ? draft.scripts(host) : [],
      peers: this.#peers(host, isNode),
      openings: [
        ...servers.flatMap(server => directorOpenings(host, server)),
        ...(syncDaemon ? syncOpenings(syncDaemon.interface) : []),
        ...realServerOpenings(services, factsOf),
        ...proxyOpenings(proxies),
      ],
      sysctls: [
        ...servers.flatMap(server => directorSysctls(host, server, factsOf(host))),
        ...(proxies.length > 0 ? proxySysctls(proxies) : []),
      ],
    };
  }

  /** Hosts whose words render alike share one reading. */
  #serversOf(host: string): readonly ServerModel[] {
    const { draft } = this.#context;
    const rendered = draft.part('virtual_servers', host);
    if (rendered === undefined) return [];
    const known = this.#models.get(rendered);
    if (known) return known;
    const defaults = this.#context.defaultsOf(host);
    const models = readServers(rendered, draft.source.position, {
      ...this.#reading(),
      defaults: isJsonMap(defaults) ? (defaults['virtual_server'] ?? null) : null,
    });
    this.#models.set(rendered, models);
    return models;
  }

  #proxiesOf(host: string): readonly ProxyModel[] {
    const { draft } = this.#context;
    const rendered = draft.part('proxies', host);
    if (rendered === undefined) return [];
    const known = this.#proxies.get(rendered);
    if (known) return known;
    const models = readProxies(rendered, draft.source.position, this.#reading());
    this.#proxies.set(rendered, models);
    return models;
  }

  #reading() {
    const { inventory, draft, instances, factsOf } = this.#context;
    return { inventory, cluster: draft.source.name, instances, factsOf, report: draft.report };
  }

  #enterServices(servers: readonly ServerModel[]): void {
    const context = { ...this.#context, report: this.#context.draft.report };
    for (const server of servers) {
      for (const real of server.reals.filter(one => one.managed)) {
        const service = { server, real, gateways: gatewaysFor(server, real, context) };
        const known = this.#services.get(real.host);
        if (known) known.push(service);
        else this.#services.set(real.host, [service]);
      }
    }
  }

  #checkKeywords(servers: readonly ServerModel[]): void {
    const { report } = this.#context.draft;
    for (const { name, words, checkers, reals, place, accept } of servers) {
      const doubts = [
        ...doubtsAbout(words, 'virtual_server'),
        ...Object.values(checkers).flatMap(one => (isJsonMap(one) ? doubtsAbout(one, 'checker') : [])),
        ...(reals[0] ? doubtsAbout(reals[0].words, 'real_server') : []),
      ];
      for (const { keyword, reason, hint } of doubts)
        report.warn('keyword-unknown', `virtual_servers ${name}: ${reason}`, place(keyword), hint, accept);
    }
  }

  /** For two or more directors, unless the inventory says otherwise: connections outlive the director. */
  #syncDaemon(
    host: string,
    servers: readonly ServerModel[],
  ): { readonly line: string; readonly interface: string } | undefined {
    const server = servers.find(one => one.directors.length > 1);
    const instance = server?.instances.find(one => one.nodes.some(node => node.host === host));
    const node = instance?.nodes.find(one => one.host === host);
    const globals = this.#context.draft.part('global_defs', host);
    if (!instance || !node || (isJsonMap(globals) && 'lvs_sync_daemon' in globals)) return undefined;
    return {
      line: `lvs_sync_daemon ${node.interface} ${instance.name} id ${node.virtualRouterId}`,
      interface: node.interface,
    };
  }

  /** Nodes know everybody; those behind them know the nodes and themselves. */
  #peers(host: string, isNode: boolean): Peer[] {
    const { draft, factsOf } = this.#context;
    const others = isNode ? this.realServers : [host];
    return [...draft.hosts, ...others].map(name => {
      const facts = factsOf(name);
      const known = knownAddresses(facts).map(formatIp);
      const login =
        facts.ansibleHost !== undefined && /^[\d.]+$|:/.test(facts.ansibleHost) ? [facts.ansibleHost] : [];
      return { name, addresses: [...new Set([...login, ...known])] };
    });
  }
}

/** The kernel's synchronisation: UDP 8848 to 224.0.0.81, and the queries that keep the group alive. */
function syncOpenings(name: string): Opening[] {
  const common = { family: 4, interface: name, peers: [] } as const;
  return [
    {
      kind: 'lvs-sync',
      ...common,
      protocol: 17,
      group: '224.0.0.81',
      port: 8848,
      reason: 'synchronisation of the connection table',
    },
    {
      kind: 'igmp',
      ...common,
      protocol: 2,
      group: undefined,
      reason: 'IGMP queries, so that a snooping switch keeps sending the group',
    },
  ];
}
