/** What follows for one host from one cluster: blocks of keepalived.conf, firewall openings, sysctls, interfaces. */
import { formatIp, parseIp } from '#base/address.ts';
import type { BlockName } from '#conf/keyword.ts';
import type { DecidedNode, InstanceModel } from './derive-instance.ts';
import type { Serving } from './derive-serving.ts';
import type { Json } from './module.ts';
import { ValueError } from './template-values.ts';
import { isJsonMap } from './topology-find.ts';
import { doubtsAbout, keywordLines, word } from './topology-keywords.ts';
import type { ClusterDraft } from './topology-read.ts';
import type { Keyword } from './topology-schema-words.ts';
import type { HostBlock, HostInstance, NeededInterface, Opening, SysctlSetting } from './topology-types.ts';
import { type Elsewhere, globalWord, type SyncGroup } from './validate-cluster.ts';
import { copyPlaces, positionAt } from './yaml.ts';

/** A sync group whose members are known once the host's other clusters are. */
interface HostSyncGroup extends Omit<HostBlock, 'keywords'> {
  readonly name: string;
  /** Instances that run on the host. */
  readonly members: readonly string[];
  readonly elsewhere: readonly Elsewhere[];
  /** All lines but its members. */
  readonly keywords: readonly string[];
}

/** A host's share of one cluster. */
export interface HostShare extends Omit<Serving, 'syncDaemon'> {
  readonly globals: ReadonlyMap<string, readonly string[]>;
  readonly scripts: readonly HostBlock[];
  readonly syncGroups: readonly HostSyncGroup[];
  readonly instances: readonly HostInstance[];
  /** What each instance's adverts need, in the same order. */
  readonly adverts: readonly (readonly Opening[])[];
  readonly extra: readonly string[];
  readonly interfaces: readonly NeededInterface[];
}

/** An instance and the host's node of it. */
export interface OwnInstance {
  readonly instance: InstanceModel;
  readonly node: DecidedNode;
}

/** Derives a host's share of a cluster. `groups` are those of its instances. Complaints go to the draft's report. */
export function shareOf(
  host: string,
  draft: ClusterDraft,
  own: readonly OwnInstance[],
  groups: readonly SyncGroup[],
  serving: Serving,
): HostShare {
  const globals = draft.part('global_defs', host);
  const { syncDaemon, ...served } = serving;
  const written = own.length > 0 ? globalLines(draft, globals, host) : new Map<string, readonly string[]>();
  return {
    ...served,
    globals: syncDaemon === undefined ? written : new Map([...written, ['lvs_sync_daemon', [syncDaemon]]]),
    scripts:
      own.length === 0
        ? []
        : [
            ...blocks(draft, 'vrrp_scripts', 'vrrp_script', host),
            ...blocks(draft, 'vrrp_track_processes', 'vrrp_track_process', host),
            ...blocks(draft, 'track_files', 'track_file', host),
          ],
    syncGroups: groupBlocks(
      draft,
      groups,
      own.map(({ instance }) => instance.name),
      host,
    ),
    instances: own.map(({ instance, node }) => hostInstance(instance, node)),
    extra: extraText(draft, host),
    adverts: own.map(({ instance, node }) => openingsOf(instance, node, globals)),
    sysctls: [...own.flatMap(({ instance, node }) => sysctlsOf(instance, node)), ...serving.sysctls],
    interfaces: own.flatMap(({ node }) => interfacesOf(node)),
  };
}

/** Lines of a map of keywords; what cannot be written is complained about. */
function safeLines(
  draft: ClusterDraft,
  words: Json | undefined,
  what: string,
  within: BlockName,
): Map<string, readonly string[]> {
  const lines = new Map<string, readonly string[]>();
  if (!isJsonMap(words)) return lines;
  for (const { keyword, reason, hint } of doubtsAbout(words, within)) {
    draft.report.warn('keyword-unknown', `${what}: ${reason}`, placeOf(words, keyword, draft), hint);
  }
  for (const [key, value] of Object.entries(words)) {
    try {
      lines.set(key, keywordLines({ [key]: value as Keyword }, within));
    } catch (thrown) {
      if (!(thrown instanceof ValueError)) throw thrown;
      draft.report.error(
        'keyword-value',
        `${what}: ${thrown.message}`,
        placeOf(words, key, draft),
        thrown.hint,
      );
    }
  }
  return lines;
}

function globalLines(
  draft: ClusterDraft,
  globals: Json | undefined,
  host: string,
): ReadonlyMap<string, readonly string[]> {
  const { lvs_sync_daemon: sync, ...others } = isJsonMap(globals) ? globals : {};
  const words = isJsonMap(globals) && sync === false ? copyPlaces(others, globals) : globals;
  const lines = safeLines(draft, words, `global_defs of ${host}`, 'global_defs');
  return lines.has('router_id') ? lines : new Map([['router_id', [`router_id ${word(host)}`]], ...lines]);
}

function blocks(
  draft: ClusterDraft,
  part: 'vrrp_scripts' | 'vrrp_track_processes' | 'track_files',
  keyword: 'vrrp_script' | 'vrrp_track_process' | 'track_file',
  host: string,
): HostBlock[] {
  const defined = draft.part(part, host);
  if (!isJsonMap(defined)) return [];
  return Object.entries(defined).map(([name, words]) => ({
    head: `${keyword} ${word(name)}`,
    cluster: draft.source.name,
    keywords: [...safeLines(draft, words, `${part} ${name}`, keyword).values()].flat(),
  }));
}

/** Blocks that only keepalived.conf has words for; a brace too many would change the blocks around them. */
function extraText(draft: ClusterDraft, host: string): readonly string[] {
  const text = draft.part('extra', host);
  if (typeof text !== 'string' || text.trim() === '') return [];
  const bare = text.replaceAll(/"[^"\n]*"|[#!].*/g, '');
  if (bare.split('{').length !== bare.split('}').length)
    draft.report.error(
      'keyword-value',
      `extra of ${host}: its braces do not match`,
      positionAt(draft.source.topology, ['extra']) ?? draft.source.position,
      'each block that begins must end there too',
    );
  return [text.trimEnd()];
}

/** A group on a host joins those of its instances that run there; fewer than two need none. */
function groupBlocks(
  draft: ClusterDraft,
  groups: readonly SyncGroup[],
  present: readonly string[],
  host: string,
): HostSyncGroup[] {
  const written = draft.part('vrrp_sync_groups', host);
  return groups.flatMap(({ name, instances, elsewhere }): HostSyncGroup[] => {
    const members = instances.filter(instance => present.includes(instance));
    if (members.length === 0) return [];
    const words = isJsonMap(written) ? written[name] : undefined;
    const { group: _members, ...rest } = isJsonMap(words) ? words : {};
    const keywords = [...safeLines(draft, rest, `the sync group ${name}`, 'vrrp_sync_group').values()].flat();
    const head = `vrrp_sync_group ${word(name)}`;
    return [{ name, head, cluster: draft.source.name, members, elsewhere, keywords }];
  });
}

function hostInstance(instance: InstanceModel, node: DecidedNode): HostInstance {
  const preemption = node.nopreempt ? ['nopreempt'] : [];
  const delay = node.preemptDelaySeconds === undefined ? [] : [`preempt_delay ${node.preemptDelaySeconds}`];
  return {
    name: instance.name,
    cluster: instance.cluster,
    state: node.decidedState,
    interface: node.interface,
    virtual_router_id: node.virtualRouterId,
    priority: node.priority,
    advert_int: node.advertIntSeconds,
    family: node.family,
    version: node.version,
    authentication: authenticationOf(node),
    unicast_src_ip: node.source,
    unicast_peer: node.peerLines,
    virtual_ipaddress: node.vips.map(({ address, line }) => ({ address, line })),
    virtual_ipaddress_excluded: node.excluded.map(({ address, line }) => ({ address, line })),
    keywords: [...preemption, ...delay, ...node.keywords],
    preferred: instance.nodes[0]?.host === node.host,
    position: instance.position,
  };
}

/** Version 3 has none (RFC 9568 §9): a file with one is an error to both daemons. */
function authenticationOf({ version, authentication }: DecidedNode): HostInstance['authentication'] {
  if (!authentication || version === 3) return undefined;
  return { ...authentication, auth_pass: word(authentication.auth_pass) };
}

/** VRRP itself (RFC 9568 §5.1.1.4: protocol 112; AH: 51), and the queries that keep a multicast group alive. */
function openingsOf(instance: InstanceModel, node: DecidedNode, globals: Json | undefined): Opening[] {
  const { family } = node;
  const ah = node.authentication?.auth_type === 'AH' && node.version === 2;
  const multicast = node.peers.length === 0;
  const given = globalWord(globals, family === 4 ? 'vrrp_mcast_group4' : 'vrrp_mcast_group6');
  const group = multicast ? (given ?? (family === 4 ? '224.0.0.18' : 'ff02::12')) : undefined;
  const { interface: name } = node;
  const reason = `advertisements of ${instance.name}`;
  const common = { family, interface: name, group, peers: node.peers.map(canonical) };
  const vrrp: Opening = { kind: ah ? 'vrrp-ah' : 'vrrp', protocol: ah ? 51 : 112, ...common, reason };
  if (!multicast) return [vrrp];
  const queries: Opening =
    family === 4
      ? {
          kind: 'igmp',
          family,
          protocol: 2,
          interface: name,
          group: undefined,
          peers: [],
          reason: 'IGMP queries, so that a snooping switch keeps sending the group',
        }
      : {
          kind: 'mld',
          family,
          protocol: 58,
          interface: name,
          group: undefined,
          peers: [],
          reason: 'MLD queries, so that a snooping switch keeps sending the group',
        };
  return [vrrp, queries];
}

function canonical(peer: string): string {
  const address = parseIp(peer);
  return address ? formatIp(address) : peer;
}

/**
 * Two-node VRRP with addresses of /32 needs no sysctl. An address with the subnet's prefix can be the interface's
 * primary one, and Linux removes an interface's secondaries with it unless promote_secondaries is set.
 */
function sysctlsOf(instance: InstanceModel, node: DecidedNode): SysctlSetting[] {
  return [...node.vips, ...node.excluded]
    .filter(vip => vip.cidr.address.length === 4 && vip.prefixed && vip.cidr.prefix < 32)
    .map(vip => ({
      key: `net.ipv4.conf.${(vip.device ?? node.interface).replaceAll('.', '/')}.promote_secondaries`,
      value: '1',
      reason: `${instance.name}: removing ${vip.address} must not remove the host's own addresses`,
    }));
}

function interfacesOf(node: DecidedNode): NeededInterface[] {
  const devices = [...node.vips, ...node.excluded].flatMap(vip =>
    vip.device === undefined ? [] : [{ name: vip.device, address: undefined, position: vip.position }],
  );
  return [{ name: node.interface, address: node.source, position: node.place('interface') }, ...devices];
}

function placeOf(words: Json, key: string, draft: ClusterDraft): ReturnType<typeof positionAt> {
  return positionAt(words, [key]) ?? draft.source.position;
}
