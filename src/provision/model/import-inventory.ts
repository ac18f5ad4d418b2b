/** Hosts' configurations → the inventory that says the same. */
import type { Diagnostic } from '#base/errors.ts';
import { joinRouters, routerWords, type ImportedRouter } from './import-instances.ts';
import { SecretNames } from './import-secrets.ts';
import { shareBlocks, shareWords } from './import-share.ts';
import type { HostKnowledge, ImportedHost, ImportedRealServers, Words } from './import-types.ts';
import { loadImported } from './import-load.ts';
import { placeServers, type PlacedServers, type ServerEntry } from './import-servers.ts';
import { Block, printTree } from './import-yaml.ts';
import type { Secret } from './shell.ts';

export interface ImportedInventory {
  /** YAML, without secrets. */
  readonly text: string;
  /** The vars file with the values of the variables that {@link text} uses for secrets. */
  readonly secrets: Secret | undefined;
  /** Host → instance as its files name it → name in the inventory. */
  readonly names: ReadonlyMap<string, ReadonlyMap<string, string>>;
  readonly notes: readonly Diagnostic[];
}

export interface ImportOptions {
  /** For the first line: where all of it comes from. */
  readonly sources: readonly string[];
  readonly knowledge: ReadonlyMap<string, HostKnowledge>;
  /** Real servers that are to be built; the others stay addresses. */
  readonly realServers?: ImportedRealServers;
  /** What `vrrp_daemon` is to say. */
  readonly daemon: 'tandemd' | 'keepalived';
}

/** Makes one inventory of all hosts; those that share a virtual router are one cluster. */
export function importInventory(hosts: readonly ImportedHost[], options: ImportOptions): ImportedInventory {
  const all = inventoryOf(hosts, options, new Map());
  const refused = refusedServers(all, only => inventoryOf(hosts, options, only));
  return refused.size === 0 ? all : inventoryOf(hosts, options, refused);
}

type Built = ImportedInventory & { readonly servers: readonly string[] };

/** `refused`: entries of `virtual_servers` that are not to be there, and why. */
function inventoryOf(
  hosts: readonly ImportedHost[],
  options: ImportOptions,
  refused: ReadonlyMap<string, string>,
): Built {
  const { routers, notes } = joinRouters(hosts);
  const secrets = new SecretNames(routers, hosts);
  const clusters = clustersOf(hosts, routers).map(members => {
    const own = routers.filter(({ nodes }) =>
      nodes.some(({ host }) => members.some(one => one.name === host)),
    );
    const servers = placeServers(members, own, { realServers: options.realServers, refused });
    return { members, servers, topology: topologyOf(members, own, servers, secrets) };
  });
  const root = rootOf(clusters, options);
  return {
    text: `${heading(options, secrets)}${printTree(root)}`,
    secrets: secrets.file(),
    names: namesOf(routers),
    notes: [...notes, ...lonely(routers), ...clusters.flatMap(({ servers }) => servers.notes)],
    servers: clusters.flatMap(({ servers }) => servers.entries.map(({ name }) => name)),
  };
}

/** Virtual servers without which the inventory would be valid: each is tried by itself. */
function refusedServers(
  all: Built,
  build: (refused: ReadonlyMap<string, string>) => ImportedInventory,
): ReadonlyMap<string, string> {
  const errors = (imported: ImportedInventory): readonly string[] =>
    loadImported(imported, 'inventory.yml')
      .complaints.filter(({ severity }) => severity === 'error')
      .map(({ message }) => message);
  const refused = new Map<string, string>();
  if (all.servers.length === 0 || errors(all).length === 0) return refused;
  const without = (names: readonly string[]): ImportedInventory =>
    build(new Map(names.map(name => [name, ''])));
  const others = new Set(errors(without(all.servers)));
  for (const name of all.servers) {
    const found = errors(without(all.servers.filter(one => one !== name)));
    const why = found.find(message => !others.has(message));
    if (why !== undefined) refused.set(name, why);
  }
  return refused;
}

function heading({ sources }: ImportOptions, secrets: SecretNames): string {
  const lines = [`Imported from ${sources.join(', ')}.`];
  if (secrets.values.size > 0) lines.push('Passwords are in group_vars/all/secrets.yml.');
  return lines.map(line => `# ${line}\n`).join('');
}

interface ClusterTree {
  readonly members: readonly ImportedHost[];
  readonly servers: PlacedServers;
  readonly topology: { readonly words: Block; readonly own: ReadonlyMap<string, Words> };
}

function rootOf(clusters: readonly ClusterTree[], { daemon, knowledge, realServers }: ImportOptions): Block {
  const vars = daemon === 'keepalived' ? { vrrp_daemon: daemon } : undefined;
  const hosts = ({ members, topology }: ClusterTree): Block =>
    new Block(
      Object.fromEntries(
        members.map(({ name }) => [name, hostOf(knowledge.get(name), topology.own.get(name))]),
      ),
    );
  const built = realServers ? { [realServers.group]: new Block({ hosts: builtHosts(realServers) }) } : {};
  const [only, ...others] = clusters;
  if (only && others.length === 0) {
    const children = realServers ? new Block(built) : undefined;
    return new Block({
      all: new Block({ vars, hosts: hosts(only), children }),
      topology: only.topology.words,
    });
  }
  const groups = clusters.map(cluster => [
    clusterName(cluster.members),
    new Block({ hosts: hosts(cluster), vars: new Block({ topology: cluster.topology.words }) }),
  ]);
  const children = new Block({ ...Object.fromEntries(groups), ...built });
  return new Block({ all: new Block({ vars, children }) });
}

function builtHosts({ knowledge }: ImportedRealServers): Block {
  return new Block(
    Object.fromEntries([...knowledge].map(([name, known]) => [name, hostOf(known, undefined)])),
  );
}

function clusterName(members: readonly ImportedHost[]): string {
  return members.map(({ name }) => name.replaceAll(/\W/g, '_')).join('_');
}

function hostOf(knowledge: HostKnowledge | undefined, own: Words | undefined): unknown {
  const interfaces =
    knowledge?.interfaces &&
    Object.fromEntries(
      Object.entries(knowledge.interfaces).map(([nic, list]) => [nic, list.length === 1 ? list[0] : list]),
    );
  const words = {
    ...knowledge?.variables,
    ...(interfaces ? { interfaces } : {}),
    ...(own ? { topology_defaults: own } : {}),
  };
  if (Object.keys(words).length === 0) return null;
  return Object.values(words).some(value => typeof value === 'object') ? blockOf(words) : words;
}

/** A text of several lines can stand in blocks only. */
function blockOf(words: Readonly<Record<string, unknown>>): unknown {
  const entries = Object.entries(words).map(([key, value]) => [
    key,
    typeof value === 'object' && value !== null && 'extra' in value
      ? new Block(value as Record<string, unknown>)
      : value,
  ]);
  return new Block(Object.fromEntries(entries));
}

/** The topology of a cluster, and what each host says differently (its `topology_defaults`). */
function topologyOf(
  members: readonly ImportedHost[],
  routers: readonly ImportedRouter[],
  { entries, carried }: PlacedServers,
  secrets: SecretNames,
): ClusterTree['topology'] {
  const per = <T>(part: (host: ImportedHost) => T): ReadonlyMap<string, T> =>
    new Map(members.map(host => [host.name, part(host)]));
  const globals = shareWords(per(host => globalsOf(host, entries)));
  const scripts = shareBlocks(per(host => host.scripts));
  const processes = shareBlocks(per(host => host.processes));
  const files = shareBlocks(per(host => host.files));
  const groups = shareBlocks(
    per(host => Object.fromEntries(Object.entries(host.groups).map(([name, group]) => [name, group.words]))),
  );
  const servers = shareBlocks(
    per(host =>
      Object.fromEntries(
        entries.flatMap(({ name, perHost }) => {
          const words = perHost.get(host.name);
          return words ? [[name, words]] : [];
        }),
      ),
    ),
  );
  const extra = shareWords(
    per((host): Words => {
      const blocks = [...host.extra, ...(carried.get(host.name) ?? [])];
      return blocks.length > 0 ? { extra: blocks.join('\n\n') } : {};
    }),
  );
  const part = (words: Words | undefined, key: string): Record<string, unknown> =>
    words && Object.keys(words).length > 0 ? { [key]: words } : {};
  const own = new Map<string, Words>();
  for (const { name } of members) {
    const words = {
      ...part(globals.own.get(name), 'global_defs'),
      ...part(scripts.own.get(name), 'vrrp_scripts'),
      ...part(processes.own.get(name), 'vrrp_track_processes'),
      ...part(files.own.get(name), 'track_files'),
      ...part(groups.own.get(name), 'vrrp_sync_groups'),
      ...part(servers.own.get(name), 'virtual_servers'),
      ...extra.own.get(name),
    } as Words;
    if (Object.keys(words).length > 0) own.set(name, words);
  }
  const named = (blocks: Readonly<Record<string, unknown>>): Block | undefined =>
    Object.keys(blocks).length > 0 ? new Block(blocks) : undefined;
  const words = new Block({
    global_defs: Object.keys(globals.shared).length > 0 ? globals.shared : undefined,
    vrrp_scripts: named(scripts.shared),
    vrrp_track_processes: named(processes.shared),
    track_files: named(files.shared),
    vrrp_instances: named(
      Object.fromEntries(
        routers.map(router => [
          router.name,
          new Block(routerWords(router, password => secrets.nameOf(password))),
        ]),
      ),
    ),
    vrrp_sync_groups: named(groupsOf(members, routers, groups)),
    virtual_servers: named(
      Object.fromEntries(Object.entries(servers.shared).map(([name, words]) => [name, new Block(words)])),
    ),
    extra: extra.shared['extra'],
  });
  return { words, own };
}

/** A topology's directors synchronise their connections unless it says that they do not. */
function globalsOf({ name, globals }: ImportedHost, entries: readonly ServerEntry[]): Words {
  const derived = entries.some(({ perHost }) => perHost.size > 1 && perHost.has(name));
  return derived && !('lvs_sync_daemon' in globals) ? { ...globals, lvs_sync_daemon: false } : globals;
}

/** Sync groups with the members of all hosts, by their names in the inventory. */
function groupsOf(
  members: readonly ImportedHost[],
  routers: readonly ImportedRouter[],
  words: ReturnType<typeof shareBlocks>,
): Readonly<Record<string, unknown>> {
  const names = namesOf(routers);
  return Object.fromEntries(
    Object.entries(words.shared).map(([name, shared]) => {
      const joined = members.flatMap(host =>
        (host.groups[name]?.members ?? []).map(member => names.get(host.name)?.get(member) ?? member),
      );
      const group = [...new Set(joined)];
      const differs = [...words.own.values()].some(blocks => blocks[name]);
      return [name, differs || Object.keys(shared).length > 0 ? { group, ...shared } : group];
    }),
  );
}

function namesOf(routers: readonly ImportedRouter[]): ReadonlyMap<string, ReadonlyMap<string, string>> {
  const names = new Map<string, Map<string, string>>();
  for (const { name, nodes } of routers) {
    for (const { host, instance } of nodes)
      names.set(host, (names.get(host) ?? new Map<string, string>()).set(instance.name, name));
  }
  return names;
}

/** Hosts that share virtual routers, directly or through others; in the order given. */
function clustersOf(
  hosts: readonly ImportedHost[],
  routers: readonly ImportedRouter[],
): readonly (readonly ImportedHost[])[] {
  const clusterOf = new Map(hosts.map(({ name }) => [name, name]));
  for (const { nodes } of routers) {
    const joined = new Set(nodes.map(({ host }) => clusterOf.get(host) ?? host));
    const [first] = joined;
    for (const [host, cluster] of clusterOf)
      if (first !== undefined && joined.has(cluster)) clusterOf.set(host, first);
  }
  const clusters = Map.groupBy(hosts, ({ name }) => clusterOf.get(name) ?? name);
  return [...clusters.values()];
}

/** A virtual router of one host: most often the other host's file was not given. */
function lonely(routers: readonly ImportedRouter[]): Diagnostic[] {
  return routers.flatMap(({ name, nodes: [node, ...others] }): Diagnostic[] => {
    if (!node || others.length > 0) return [];
    return [
      {
        id: 'single-node',
        severity: 'warning',
        message: `${name} is on ${node.host} only`,
        position: node.instance.position,
        hint: 'import the files of all its hosts at once',
      },
    ];
  });
}
