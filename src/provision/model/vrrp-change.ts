/** What a new keepalived.conf means for the routers that speak with each other: can old and new understand one another? */
import { diffConfigs, instanceIdentity } from '#conf/identity.ts';
import { loadConfig } from '#conf/load.ts';
import { memorySource } from '#conf/memory-source.ts';
import type { Config, VrrpInstance } from '#conf/model.ts';

/** An instance whose routers do not understand each other while one has the old configuration and one the new. */
export interface WireBreak {
  readonly instance: string;
  /** keepalived's keywords; never empty. */
  readonly keywords: readonly string[];
}

/** What an instance brings to its election, before and after. */
export interface ElectionChange {
  readonly instance: string;
  /** Configured priorities, 1–255. */
  readonly before: number;
  readonly after: number;
  /** With the new configuration it takes over from a lower priority. */
  readonly preempts: boolean;
  /** Everybody in the sync group that it comes into: all become MASTER together, or none does. */
  readonly joins?: readonly string[];
}

export interface VrrpChange {
  readonly breaks: readonly WireBreak[];
  /** Every instance that is in both configurations. */
  readonly elections: readonly ElectionChange[];
  /**
   * For a file without instances: keywords that its global_defs change for those of the files that it includes, as
   * {@link WireBreak.keywords}. Which these are only the daemon knows.
   */
  readonly ofAll: readonly string[];
}

/** Takes from global_defs what an instance can take from there. */
const ANY_INSTANCE = [
  ['any4', '192.0.2.1'],
  ['any6', '2001:db8::1'],
]
  .map(
    ([name, address]) =>
      `\nvrrp_instance ${name} {\ninterface eth0\nvirtual_router_id 1\nvirtual_ipaddress {\n${address}\n}\n}\n`,
  )
  .join('');

/** Compares two texts of one file. A text that cannot be read counts for the instances that can be. */
export function vrrpChange(
  path: string,
  texts: { readonly before: string; readonly after: string },
  hostname: string,
): VrrpChange {
  const load = (text: string): Config =>
    loadConfig(path, memorySource({ [path]: text }), { hostname }).config;
  const before = load(texts.before);
  if (before.vrrpInstances.length > 0) return { ...changeBetween(before, load(texts.after)), ofAll: [] };
  if (texts.before.trim() === '') return { breaks: [], elections: [], ofAll: [] };
  const { breaks } = changeBetween(load(texts.before + ANY_INSTANCE), load(texts.after + ANY_INSTANCE));
  return { breaks: [], elections: [], ofAll: [...new Set(breaks.flatMap(({ keywords }) => keywords))] };
}

function changeBetween(before: Config, after: Config): Omit<VrrpChange, 'ofAll'> {
  const { added, removed, changed, unchanged } = diffConfigs(before, after);
  const replaced = removed.flatMap(old => {
    const successor =
      added.find(each => each.name === old.name) ?? added.find(each => sharesAddress(old, each));
    return successor ? [{ before: old, after: successor, keywords: identityKeywords(old, successor) }] : [];
  });
  const kept = changed.map(each => ({
    ...each,
    keywords: each.keywords.filter(word => breaksWire(word, each)),
  }));
  const breaks = [...kept, ...replaced]
    .filter(({ keywords }) => keywords.length > 0)
    .map(({ before: { name: instance }, keywords }) => ({ instance, keywords }));
  const both = [
    ...changed,
    ...replaced,
    ...unchanged.map(instance => ({ before: instance, after: instance })),
  ];
  return { breaks, elections: both.map(pair => ({ ...electionOf(pair), ...joining(pair, before, after) })) };
}

function electionOf(pair: { readonly before: VrrpInstance; readonly after: VrrpInstance }): ElectionChange {
  return {
    instance: pair.before.name,
    before: pair.before.priority,
    after: pair.after.priority,
    preempts: pair.after.preempt === 'preempt',
  };
}

function joining(
  pair: { readonly before: VrrpInstance; readonly after: VrrpInstance },
  before: Config,
  after: Config,
): Pick<ElectionChange, 'joins'> {
  const groupOf = ({ vrrpSyncGroups }: Config, name: string): readonly string[] =>
    vrrpSyncGroups.find(({ group }) => group.includes(name))?.group ?? [];
  const [old, current] = [groupOf(before, pair.before.name), groupOf(after, pair.after.name)];
  return current.every(member => old.includes(member)) ? {} : { joins: current };
}

/** RFC 3768 §7.1 and RFC 9568 §7.1: what makes a receiver drop an advertisement that it took before. */
function breaksWire(
  keyword: string,
  { before, after }: { readonly before: VrrpInstance; readonly after: VrrpInstance },
): boolean {
  switch (keyword) {
    case 'version':
      return true;
    case 'authentication':
      // Version 3 has none, whatever is configured.
      return before.version === 2 || after.version === 2;
    case 'advert_int':
      // Version 3 follows the master's interval.
      return before.version === 2 || after.version === 2;
    case 'v3_checksum_as_v2':
      return after.version === 3 && after.family === 4;
    case 'mcast_dst_ip':
      return true;
    case 'vmac_xmit_base':
      // Who has it listens below its macvlan, and there the kernel delivers nothing from the virtual MAC address.
      return before.vmac !== undefined && after.vmac !== undefined && after.unicastPeers.length === 0;
    default:
      return false;
  }
}

function identityKeywords(before: VrrpInstance, after: VrrpInstance): string[] {
  const [old, current] = [instanceIdentity(before), instanceIdentity(after)];
  return [
    ...(old.virtualRouterId === current.virtualRouterId ? [] : ['virtual_router_id']),
    ...(old.interface === current.interface ? [] : ['interface']),
    ...(old.cast === current.cast ? [] : ['unicast_peer']),
    ...(old.family === current.family ? [] : ['virtual_ipaddress']),
  ];
}

function sharesAddress(a: VrrpInstance, b: VrrpInstance): boolean {
  const texts = (instance: VrrpInstance): string[] =>
    [...instance.virtualAddresses, ...instance.virtualAddressesExcluded].map(({ address }) =>
      address.join('.'),
    );
  const held = new Set(texts(a));
  return texts(b).some(text => held.has(text));
}
