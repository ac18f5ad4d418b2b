import { instanceEntries, type Entries } from './entries-instance.ts';
import type { Config, InstanceIdentity, VrrpInstance } from './model.ts';
import { fileEntries, processEntries, scriptEntries } from './print.ts';
import { globalEntries, topEntries } from './print-global.ts';
import { keywordsOf } from './tables.ts';

/** What a reload recognises an instance by; its name is not part of it. */
export function instanceIdentity(instance: VrrpInstance): InstanceIdentity {
  const unicast = instance.unicastPeers.length > 0;
  return {
    virtualRouterId: instance.virtualRouterId,
    family: instance.family,
    interface: instance.interface,
    cast: unicast ? 'unicast' : 'multicast',
  };
}

/** A key for maps; equal exactly for equal identities. */
export function identityKey(identity: InstanceIdentity): string {
  return `${identity.virtualRouterId} IPv${identity.family} ${identity.cast} ${identity.interface ?? ''}`;
}

/** An instance in both configurations. */
interface ChangedInstance {
  readonly before: VrrpInstance;
  readonly after: VrrpInstance;
  /** Keywords whose values differ, `vrrp_instance` standing for the name; never empty. */
  readonly keywords: readonly string[];
}

/** What a reload has to do. */
export interface ConfigDifference {
  readonly added: readonly VrrpInstance[];
  readonly removed: readonly VrrpInstance[];
  readonly changed: readonly ChangedInstance[];
  readonly unchanged: readonly VrrpInstance[];
  /** Names of scripts, processes and files that are new, gone or different. */
  readonly trackables: {
    readonly scripts: readonly string[];
    readonly processes: readonly string[];
    readonly files: readonly string[];
  };
  /** Keywords of global_defs and of the top level whose values differ. */
  readonly globalKeywords: readonly string[];
  /** Those of `globalKeywords` that only a restart can apply. */
  readonly restartKeywords: readonly string[];
}

/**
 * Compares two configurations instance by instance. Several instances can share an identity (different groups or
 * peers): those of one name belong together first, the others in their order.
 */
export function diffConfigs(before: Config, after: Config): ConfigDifference {
  return {
    ...diffInstances(before, after),
    ...diffGlobals(before, after),
    trackables: diffTrackables(before, after),
  };
}

function diffInstances(
  before: Config,
  after: Config,
): Pick<ConfigDifference, 'added' | 'removed' | 'changed' | 'unchanged'> {
  const added: VrrpInstance[] = [];
  const changed: ChangedInstance[] = [];
  const unchanged: VrrpInstance[] = [];
  const left = new Map<string, VrrpInstance[]>();
  for (const instance of before.vrrpInstances) {
    const key = identityKey(instanceIdentity(instance));
    left.set(key, [...(left.get(key) ?? []), instance]);
  }
  const pending: VrrpInstance[] = [];
  const match = (instance: VrrpInstance, old: VrrpInstance): void => {
    const candidates = left.get(identityKey(instanceIdentity(instance))) ?? [];
    candidates.splice(candidates.indexOf(old), 1);
    const keywords = changedKeywords(old, instance);
    if (keywords.length > 0) changed.push({ before: old, after: instance, keywords });
    else unchanged.push(instance);
  };
  for (const instance of after.vrrpInstances) {
    const candidates = left.get(identityKey(instanceIdentity(instance))) ?? [];
    const old = candidates.find(candidate => candidate.name === instance.name);
    if (old) match(instance, old);
    else pending.push(instance);
  }
  for (const instance of pending) {
    const [old] = left.get(identityKey(instanceIdentity(instance))) ?? [];
    if (old) match(instance, old);
    else added.push(instance);
  }
  return { added, removed: [...left.values()].flat(), changed, unchanged };
}

function changedKeywords(before: VrrpInstance, after: VrrpInstance): string[] {
  const differing = differingKeywords(instanceEntries(before), instanceEntries(after));
  return before.name === after.name ? differing : ['vrrp_instance', ...differing];
}

function differingKeywords(before: Entries, after: Entries): string[] {
  const keywords = new Set([...before.keys(), ...after.keys()]);
  return [...keywords].filter(keyword => before.get(keyword)?.text !== after.get(keyword)?.text);
}

function diffGlobals(
  before: Config,
  after: Config,
): Pick<ConfigDifference, 'globalKeywords' | 'restartKeywords'> {
  const globals = differingKeywords(globalEntries(before.globalDefs), globalEntries(after.globalDefs));
  const top = differingKeywords(topEntries(before.globalDefs), topEntries(after.globalDefs));
  const restart = (block: '' | 'global_defs') => (keyword: string) =>
    keywordsOf(block).get(keyword)?.reload === 'restart';
  return {
    globalKeywords: [...top, ...globals],
    restartKeywords: [...top.filter(restart('')), ...globals.filter(restart('global_defs'))],
  };
}

function diffTrackables(before: Config, after: Config): ConfigDifference['trackables'] {
  const diff = <T extends { readonly name: string }>(
    old: readonly T[],
    current: readonly T[],
    entries: (object: T) => Entries,
  ): string[] => {
    const names = new Set([...old, ...current].map(({ name }) => name));
    return [...names].filter(name => {
      const [a, b] = [old, current].map(list => list.find(object => object.name === name));
      return !a || !b || differingKeywords(entries(a), entries(b)).length > 0;
    });
  };
  return {
    scripts: diff(before.vrrpScripts, after.vrrpScripts, scriptEntries),
    processes: diff(before.trackProcesses, after.trackProcesses, processEntries),
    files: diff(before.trackFiles, after.trackFiles, fileEntries),
  };
}
