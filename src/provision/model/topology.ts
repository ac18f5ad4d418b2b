/** Clusters of an inventory: read, checked, and worked out for every host. */
import type { Diagnostic } from '#base/errors.ts';
import { decideInstance, type InstanceModel } from './derive-instance.ts';
import { shareOf, type HostShare, type OwnInstance } from './derive-host.ts';
import { mergeShares } from './derive-merge.ts';
import { NO_FACTS, readHost, type HostFacts } from './derive-interfaces.ts';
import { ClusterServing } from './derive-serving.ts';
import { readNode, toFlag, toNumber, type GlobalWords } from './derive-node.ts';
import type { Inventory, RawVariables } from './inventory-types.ts';
import { ValueError, type Variables } from './template-values.ts';
import { Defaults, findClusters, type ClusterSource } from './topology-find.ts';
import { readCluster, type ClusterDraft } from './topology-read.ts';
import { Report } from './topology-rules.ts';
import type { Cluster, DerivedTopology, HostTopology } from './topology-types.ts';
import { checkMulticast, globalWord, readSyncGroups, type SyncGroup } from './validate-cluster.ts';
import { validateInstance } from './validate-instance.ts';
import { SiteRegister } from './validate-site.ts';
import { hostVariables } from './variables.ts';
import { positionAt } from './yaml.ts';

export { checkInterfaces } from './derive-interfaces.ts';
export { ERRORS as TOPOLOGY_ERRORS, WARNINGS as TOPOLOGY_WARNINGS } from './topology-rules.ts';
export { emptyHostTopology } from './topology-types.ts';
export type { DerivedTopology, HostTopology } from './topology-types.ts';

/** Clusters that are done, with what is needed to put hosts together. */
interface Finished {
  readonly cluster: Cluster;
  readonly draft: ClusterDraft;
  readonly instances: readonly InstanceModel[];
  readonly groups: readonly SyncGroup[];
  readonly serving: ClusterServing;
}

/**
 * Reads, checks and derives every cluster. Never throws for what a user wrote. A cluster with an error is left out of
 * `clusters`, and its hosts out of `hosts`; the others are complete.
 */
export function deriveTopology(inventory: Inventory, extraVars: RawVariables = {}): DerivedTopology {
  return new Derivation(inventory, extraVars).run();
}

class Derivation {
  readonly #inventory: Inventory;
  readonly #extraVars: RawVariables;
  readonly #defaults: Defaults;
  readonly #variables = new Map<string, Variables>();
  readonly #facts = new Map<string, HostFacts>();
  readonly #site = new SiteRegister();

  constructor(inventory: Inventory, extraVars: RawVariables) {
    this.#inventory = inventory;
    this.#extraVars = extraVars;
    this.#defaults = new Defaults(inventory);
  }

  run(): DerivedTopology {
    const diagnostics: Diagnostic[] = [];
    const finished: Cluster[] = [];
    const names = new Map<string, ClusterSource>();
    for (const source of findClusters(this.#inventory)) {
      const report = new Report();
      const other = names.get(source.name);
      if (other) {
        report.error(
          'cluster-duplicate',
          `there are two clusters named ${source.name}`,
          source.position,
          `see ${other.position.file}:${other.position.line}; rename the file or the group`,
        );
      }
      names.set(source.name, source);
      const done = this.#cluster(source, report);
      const shares = done && !report.failed ? sharesOf(done) : undefined;
      if (done && shares && !report.failed) {
        finished.push(done.cluster);
        for (const [host, share] of shares) this.#addShare(host, done.cluster, share);
      }
      diagnostics.push(...report.diagnostics);
      // Thousands of hosts' variables at once are hundreds of megabytes.
      this.#variables.clear();
    }
    const hosts = this.#hosts(diagnostics);
    const clusters = finished.filter(cluster =>
      [...cluster.hosts, ...cluster.realServers].every(host => hosts.has(host)),
    );
    return { clusters, hosts, diagnostics };
  }

  #variablesOf(host: string): Variables {
    const known =
      this.#variables.get(host) ?? hostVariables(this.#inventory, host, { extraVars: this.#extraVars });
    this.#variables.set(host, known);
    return known;
  }

  #cluster(source: ClusterSource, report: Report): Finished | undefined {
    const draft = readCluster(source, report, {
      inventory: this.#inventory,
      defaults: this.#defaults,
      variablesOf: host => this.#variablesOf(host),
    });
    if (!draft) return undefined;
    const readFacts = (host: string): HostFacts => this.#readFacts(host, report);
    for (const host of draft.hosts) readFacts(host);
    const instances = this.#instances(draft);
    const { topology } = draft;
    for (const instance of instances)
      validateInstance(instance, topology, host => this.#factsOf(host), report);
    const groups = readSyncGroups(source.name, topology, instances, source.topology, report);
    this.#site.enter(instances, topology, host => this.#factsOf(host), report);
    const serving = new ClusterServing({
      inventory: this.#inventory,
      draft,
      instances,
      groups,
      factsOf: readFacts,
      defaultsOf: host => this.#defaults.of(host),
    });
    const cluster = { ...summary(source, draft, instances, groups), realServers: serving.realServers };
    return { cluster, draft, instances, groups, serving };
  }

  #readFacts(host: string, report: Report): HostFacts {
    const facts = this.#facts.get(host) ?? readHost(host, this.#variablesOf(host), report);
    this.#facts.set(host, facts);
    return facts;
  }

  #factsOf(host: string): HostFacts {
    return this.#facts.get(host) ?? NO_FACTS;
  }

  #instances(draft: ClusterDraft): InstanceModel[] {
    const { report, topology, source } = draft;
    const globals = new Map(draft.hosts.map(host => [host, this.#globals(draft, host)]));
    const definitions = {
      ...topology.vrrp_scripts,
      ...topology.vrrp_track_processes,
      ...topology.track_files,
    };
    return draft.instances.map(instance => {
      const nodes = instance.nodes.flatMap(
        node =>
          readNode(
            instance.name,
            node,
            globals.get(node.host) ?? { version: undefined, strict: false },
            report,
          ) ?? [],
      );
      return decideInstance(
        instance.name,
        source.name,
        instance.position,
        nodes,
        definitions,
        host => this.#factsOf(host),
        report,
      );
    });
  }

  #globals(draft: ClusterDraft, host: string): GlobalWords {
    const globals = draft.part('global_defs', host);
    for (const name of ['vrrp_mcast_group4', 'vrrp_mcast_group6']) {
      const group = globalWord(globals, name);
      if (group !== undefined) checkMulticast(group, name, positionAt(globals, [name]), draft.report);
    }
    const version = toNumber(globalWord(globals, 'vrrp_version'));
    const strict = globalWord(globals, 'vrrp_strict');
    const bare =
      strict === undefined && typeof globals === 'object' && globals !== null && 'vrrp_strict' in globals;
    return { version: version === 2 ? 2 : version === 3 ? 3 : undefined, strict: bare || toFlag(strict) };
  }

  readonly #shares = new Map<string, { readonly cluster: Cluster; readonly share: HostShare }[]>();

  #addShare(host: string, cluster: Cluster, share: HostShare): void {
    const known = this.#shares.get(host);
    if (known) known.push({ cluster, share });
    else this.#shares.set(host, [{ cluster, share }]);
  }

  #hosts(diagnostics: Diagnostic[]): ReadonlyMap<string, HostTopology> {
    const hosts = new Map<string, HostTopology>();
    for (const [host, shares] of this.#shares) {
      const report = new Report();
      const topology = mergeShares(host, this.#factsOf(host).daemon, shares, report);
      diagnostics.push(...report.diagnostics);
      if (!report.failed) hosts.set(host, topology);
    }
    return hosts;
  }
}

function sharesOf(done: Finished): ReadonlyMap<string, HostShare> {
  const { draft, instances, groups, cluster, serving } = done;
  const members = [...cluster.hosts, ...cluster.realServers];
  const own = new Map<string, OwnInstance[]>(members.map(host => [host, []]));
  for (const instance of instances) {
    for (const node of instance.nodes) own.get(node.host)?.push({ instance, node });
  }
  const groupOf = new Map(groups.flatMap(group => group.instances.map(name => [name, group] as const)));
  try {
    return new Map(
      [...own].map(([host, mine]) => {
        const joined = new Set(mine.flatMap(({ instance }) => groupOf.get(instance.name) ?? []));
        return [host, shareOf(host, draft, mine, [...joined], serving.of(host))];
      }),
    );
  } catch (thrown) {
    if (!(thrown instanceof ValueError)) throw thrown;
    draft.report.error('keyword-value', `${cluster.name}: ${thrown.message}`, cluster.position, thrown.hint);
    return new Map();
  }
}

function summary(
  source: ClusterSource,
  draft: ClusterDraft,
  instances: readonly InstanceModel[],
  groups: readonly SyncGroup[],
): Cluster {
  const best = new Map<string, number>();
  for (const { nodes } of instances) {
    for (const [index, { host }] of nodes.entries()) best.set(host, Math.min(best.get(host) ?? index, index));
  }
  const rank = (host: string): number => best.get(host) ?? 0;
  return {
    name: source.name,
    hosts: draft.hosts,
    realServers: [],
    startOrder: draft.hosts.toSorted((a, b) => rank(a) - rank(b)),
    instances: instances.map(instance => ({
      name: instance.name,
      virtual_router_id: instance.nodes[0]?.virtualRouterId ?? 0,
      nodes: instance.nodes.map(node => node.host),
      priorities: Object.fromEntries(instance.nodes.map(node => [node.host, node.priority])),
      vips: (instance.nodes[0]?.vips ?? []).map(vip => vip.address),
      position: instance.position,
    })),
    syncGroups: groups.map(({ name, instances: members }) => ({ name, instances: members })),
    position: source.position,
  };
}
