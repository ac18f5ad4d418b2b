/** A host's shares of its clusters, put together: one daemon runs on it, and one kernel. */
import { vmacNames, vmacWords } from '#conf/vmac-name.ts';
import type { HostShare } from './derive-host.ts';
import { word } from './topology-keywords.ts';
import type { Report } from './topology-rules.ts';
import type { Cluster, HostBlock, HostTopology, Opening } from './topology-types.ts';
import type { HostRole, ProxyDuties, RealServerDuties } from './topology-types-servers.ts';

/** Puts a host together. Clusters that contradict each other on it are complained about. */
export function mergeShares(
  host: string,
  daemon: HostTopology['daemon'],
  shares: readonly { readonly cluster: Cluster; readonly share: HostShare }[],
  report: Report,
): HostTopology {
  const globals = mergeGlobals(host, shares, report);
  checkNames(host, shares, report);
  const all = shares.map(({ share }) => share);
  const parts = {
    instances: all.flatMap(share => share.instances),
    extra: all.flatMap(share => share.extra),
    virtual_servers: all.flatMap(share => share.virtualServers),
    real_server: mergeRealServers(all.flatMap(share => share.realServer ?? [])),
    nginx: mergeProxies(all.flatMap(share => share.nginx ?? [])),
    haproxy: mergeProxies(all.flatMap(share => share.haproxy ?? [])),
  };
  return {
    host,
    clusters: shares.map(({ cluster }) => cluster.name),
    daemon,
    global_defs: [...globals.values()].flat(),
    scripts: distinct(
      all.flatMap(share => share.scripts),
      block => block.head,
    ),
    sync_groups: mergeSyncGroups(host, shares, report),
    ...parts,
    roles: rolesOf(parts),
    script_files: distinct(
      all.flatMap(share => share.scriptFiles),
      script => script.path,
    ),
    peers: distinct(
      all.flatMap(share => share.peers),
      peer => peer.name,
    ),
    openings: distinct(openingsOf(all, globals), ({ reason: _reason, ...opening }) =>
      JSON.stringify(opening),
    ),
    sysctls: distinct(
      all.flatMap(share => share.sysctls),
      setting => setting.key,
    ),
    interfaces: distinct(
      all.flatMap(share => share.interfaces),
      one => `${one.name} ${one.address}`,
    ),
  };
}

/**
 * With `use_vmac` adverts come and go by the macvlan, and the NIC under it is opened besides: before the daemon has the
 * macvlan it hears them there, and IGMP always. Under `vmac_xmit_base` the macvlan is opened too: strict mode ignores it.
 */
function openingsOf(
  shares: readonly HostShare[],
  globals: ReadonlyMap<string, readonly string[]>,
): Opening[] {
  const [, prefix = 'vrrp'] = wordsOf(globals.get('vmac_prefix')?.[0] ?? '');
  const instances = shares.flatMap(share => share.instances);
  const wanting = instances.flatMap(({ name, family, virtual_router_id: virtualRouterId, keywords }) => {
    const line = keywords.find(keyword => /^use_vmac(?: |$)/.test(keyword));
    if (line === undefined) return [];
    const words = wordsOf(line).slice(1);
    const given = vmacWords(words.map(text => ({ text }))).find(({ kind }) => kind === 'name')?.word.text;
    return [{ name, given, family, virtualRouterId }];
  });
  const names = vmacNames(prefix, wanting);
  const vmacOf = new Map(wanting.map(({ name }, i) => [name, names[i]]));
  return shares.flatMap(share => [
    ...share.instances.flatMap(({ name, unicast_peer: peers }, i): Opening[] => {
      const needed = share.adverts[i] ?? [];
      const vmac = peers.length > 0 ? undefined : vmacOf.get(name);
      return vmac === undefined
        ? [...needed]
        : [...needed, ...needed.map(one => ({ ...one, interface: vmac }))];
    }),
    ...share.openings,
  ]);
}

/** Of a line as `word` writes it. */
function wordsOf(line: string): string[] {
  return line.split(/\s+/).map(text => text.replaceAll('"', ''));
}

/** Members from other clusters must run on the host too, and an instance is in one group at most. */
function mergeSyncGroups(host: string, shares: Shares, report: Report): HostBlock[] {
  const groupOf = new Map<string, string>();
  const running = (cluster: string): readonly string[] =>
    shares
      .filter(share => share.cluster.name === cluster)
      .flatMap(({ share }) => share.instances.map(instance => instance.name));
  return shares
    .flatMap(({ share }) => share.syncGroups)
    .map(({ name, head, cluster, members, elsewhere, keywords }) => {
      const absent = elsewhere.filter(one => !running(one.cluster).includes(one.instance));
      for (const one of absent)
        report.error(
          'sync-group-unknown',
          `the sync group ${name} names ${one.cluster}/${one.instance}, which does not run on ${host}`,
          one.position,
          'a group joins instances that run on the same hosts',
        );
      const joined = [...members, ...elsewhere.map(one => one.instance)];
      for (const one of elsewhere) {
        const other = groupOf.get(one.instance);
        if (other !== undefined)
          report.error(
            'sync-group-twice',
            `${one.instance} is in the sync groups ${other} and ${name}`,
            one.position,
            'an instance belongs to one group at most',
          );
      }
      for (const member of joined) groupOf.set(member, name);
      const lines = joined.map(member => `    ${word(member)}`);
      return { head, cluster, keywords: ['group {', ...lines, '}', ...keywords] };
    });
}

function rolesOf(
  host: Pick<HostTopology, 'instances' | 'virtual_servers' | 'real_server' | 'nginx' | 'haproxy'>,
): HostRole[] {
  const roles: readonly (readonly [HostRole, boolean])[] = [
    ['vrrp', host.instances.length > 0],
    ['lvs_director', host.virtual_servers.length > 0],
    ['real_server', host.real_server !== undefined],
    ['nginx', host.nginx !== undefined],
    ['haproxy', host.haproxy !== undefined],
  ];
  return roles.flatMap(([role, applies]) => (applies ? [role] : []));
}

type Shares = readonly { readonly cluster: Cluster; readonly share: HostShare }[];

function mergeGlobals(host: string, shares: Shares, report: Report): ReadonlyMap<string, readonly string[]> {
  const globals = new Map<string, readonly string[]>();
  for (const { cluster, share } of shares) {
    for (const [key, lines] of share.globals) {
      const known = globals.get(key);
      if (known && known.join('\n') !== lines.join('\n')) {
        report.error(
          'global-conflict',
          `${host} is in clusters that disagree about ${key}: ${known.join(' ')} and ${lines.join(' ')}`,
          cluster.position,
          'one daemon runs on a host, so global_defs must be equal',
        );
      }
      globals.set(key, lines);
    }
  }
  return globals;
}

function checkNames(host: string, shares: Shares, report: Report): void {
  const names = new Map<string, string>();
  for (const { cluster, share } of shares) {
    for (const instance of share.instances) {
      const other = names.get(instance.name);
      if (other !== undefined)
        report.error(
          'instance-duplicate',
          `${host} runs two instances named ${instance.name}, of the clusters ${other} and ${cluster.name}`,
          instance.position,
          'give one of them another name',
        );
      names.set(instance.name, cluster.name);
    }
  }
}

function mergeRealServers(parts: readonly RealServerDuties[]): RealServerDuties | undefined {
  if (parts.length === 0) return undefined;
  return {
    methods: [...new Set(parts.flatMap(part => part.methods))],
    vips: distinct(
      parts.flatMap(part => part.vips),
      vip => `${vip.interface} ${vip.address}`,
    ),
    gateways: distinct(
      parts.flatMap(part => part.gateways),
      gateway => `${gateway.from} ${gateway.address}`,
    ),
    modules: [...new Set(parts.flatMap(part => part.modules))],
    sysctls: distinct(
      parts.flatMap(part => part.sysctls),
      setting => setting.key,
    ),
    directors: [...new Set(parts.flatMap(part => part.directors))],
  };
}

function mergeProxies(parts: readonly ProxyDuties[]): ProxyDuties | undefined {
  if (parts.length === 0) return undefined;
  return {
    frontends: parts.flatMap(part => part.frontends),
    stats: parts.find(part => part.stats)?.stats,
  };
}

/** Each thing once, where it stands first, as it was said last. */
export function distinct<T>(items: readonly T[], key: (item: T) => string): readonly T[] {
  return [...new Map(items.toReversed().map(item => [key(item), item])).values()].toReversed();
}
