/** Rules across the instances of a cluster: sync groups and global settings. */
import type { Position } from '#base/position.ts';
import { cidrContains, parseCidr, parseIp } from '#base/address.ts';
import type { InstanceModel } from './derive-instance.ts';
import type { Json } from './module.ts';
import { isJsonMap } from './topology-find.ts';
import type { Report } from './topology-rules.ts';
import type { Topology } from './topology-schema.ts';
import { similarName } from './template-registry.ts';
import { positionAt } from './yaml.ts';

export interface SyncGroup {
  readonly name: string;
  /** Of the group's own cluster. */
  readonly instances: readonly string[];
  /** Members that are addressed as CLUSTER/INSTANCE. */
  readonly elsewhere: readonly Elsewhere[];
}

/** An instance of another cluster: whether there is one is known once all clusters are read. */
export interface Elsewhere {
  readonly cluster: string;
  readonly instance: string;
  readonly position: Position | undefined;
}

/** Sync groups of the cluster `own` with the instances that exist. `raw` is its topology, for places. */
export function readSyncGroups(
  own: string,
  topology: Topology,
  instances: readonly InstanceModel[],
  raw: Json,
  report: Report,
): readonly SyncGroup[] {
  const byName = new Map(instances.map(instance => [instance.name, instance]));
  const groupOf = new Map<string, string>();
  return Object.entries(topology.vrrp_sync_groups ?? {}).map(([name, value]) => {
    const written = Array.isArray(value) ? value : value.group;
    const at = positionAt(raw, ['vrrp_sync_groups', name]);
    const { listed, elsewhere } = addressed(own, written, at);
    for (const member of listed) {
      if (!byName.has(member) && !Object.hasOwn(topology.vrrp_instances ?? {}, member)) {
        const similar = similarName(member, byName.keys());
        report.error(
          'sync-group-unknown',
          `the sync group ${name} names ${member}, which is no instance`,
          at,
          similar === undefined
            ? `the instances are ${[...byName.keys()].join(', ')}`
            : `did you mean ${similar}?`,
        );
      }
      const other = groupOf.get(member);
      if (other !== undefined)
        report.error(
          'sync-group-twice',
          `${member} is in the sync groups ${other} and ${name}`,
          at,
          'an instance belongs to one group at most',
        );
      groupOf.set(member, name);
    }
    const members = listed.flatMap(member => byName.get(member) ?? []);
    checkSyncGroup(
      name,
      members,
      written.length,
      !Array.isArray(value) && value['sync_group_tracking_weight'] === true,
      raw,
      report,
    );
    return { name, instances: members.map(member => member.name), elsewhere };
  });
}

/** Members by INSTANCE or CLUSTER/INSTANCE. */
function addressed(
  own: string,
  written: readonly string[],
  position: Position | undefined,
): { readonly listed: readonly string[]; readonly elsewhere: readonly Elsewhere[] } {
  const listed: string[] = [];
  const elsewhere: Elsewhere[] = [];
  for (const member of written) {
    const slash = member.indexOf('/');
    const cluster = slash < 0 ? own : member.slice(0, slash);
    const instance = member.slice(slash + 1);
    if (cluster === own) listed.push(instance);
    else elsewhere.push({ cluster, instance, position });
  }
  return { listed, elsewhere };
}

function checkSyncGroup(
  name: string,
  members: readonly InstanceModel[],
  listed: number,
  weighted: boolean,
  raw: Json,
  report: Report,
): void {
  const at = positionAt(raw, ['vrrp_sync_groups', name]);
  if (listed < 2)
    report.warn(
      'sync-group-single',
      `the sync group ${name} has one instance`,
      at,
      'a group joins two or more; leave it out',
    );
  const first = members[0];
  const different = members.find(member => member.nodes[0]?.host !== first?.nodes[0]?.host);
  if (first && different) {
    report.warn(
      'sync-group-order',
      `the sync group ${name} joins ${first.name}, which prefers ${first.nodes[0]?.host}, and ${different.name}, which prefers ${different.nodes[0]?.host}`,
      at,
      'name the nodes of its instances in the same order',
    );
  }
  const tracked = members.find(member => member.nodes.some(node => node.weights.up + node.weights.down > 0));
  if (tracked && !weighted) {
    report.warn(
      'sync-group-weight',
      `the weighted trackers of ${tracked.name} are ignored in the sync group ${name}`,
      at,
      'give them weight 0, or set sync_group_tracking_weight: true in the group',
    );
  }
}

const LOCAL_NETWORK = parseCidr('224.0.0.0/24');
const MULTICAST = parseCidr('224.0.0.0/4');

/** The multicast groups: `vrrp_mcast_group4` in global_defs, and `mcast_dst_ip` of instances. */
export function checkMulticast(
  text: string,
  what: string,
  position: ReturnType<typeof positionAt>,
  report: Report,
): void {
  const address = parseIp(text);
  if (
    !address ||
    (address.length === 4 ? !MULTICAST || !cidrContains(MULTICAST, address) : address[0] !== 0xff)
  ) {
    report.error(
      'multicast-invalid',
      `${what} is ${text}, which is not a multicast address`,
      position,
      'VRRP uses 224.0.0.18, or another one of 224.0.0.0/24',
    );
  } else if (LOCAL_NETWORK && address.length === 4 && !cidrContains(LOCAL_NETWORK, address)) {
    report.warn(
      'multicast-group',
      `${what} is ${text}, outside 224.0.0.0/24: a switch that snoops IGMP drops it unless a querier runs`,
      position,
      'choose one of 224.0.0.0/24',
    );
  }
}

/** A word of `global_defs` as text; undefined if it is absent or not one word. */
export function globalWord(globals: Json | undefined, name: string): string | undefined {
  const value = isJsonMap(globals) ? globals[name] : undefined;
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
    ? String(value)
    : undefined;
}
