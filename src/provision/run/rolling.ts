/** Who is disturbed when: units of hosts that roll together, their order, and whether a host may be disturbed at all. */
import type { DaemonStatus } from '#control/status.ts';
import { must } from '#base/assert.ts';
import type { HostPlan } from '#provision/model/plan.ts';
import type { RunCluster } from './ports.ts';

/** Hosts of which one is disturbed at a time: a cluster, several that share a host, or a host of no cluster. */
export interface RollingUnit {
  /** For messages: the clusters' names, or the host's. */
  readonly name: string;
  readonly clusters: readonly string[];
  /** In order of preference. */
  readonly members: readonly string[];
}

/** Every host is in exactly one unit. */
export function rollingUnits(clusters: readonly RunCluster[], hosts: readonly string[]): RollingUnit[] {
  let units: { names: string[]; members: string[] }[] = [];
  for (const { name, members } of clusters) {
    const joined = units.filter(unit => unit.members.some(member => members.includes(member)));
    units = units.filter(unit => !joined.includes(unit));
    const all = [...joined.flatMap(unit => unit.members), ...members];
    units.push({ names: [...joined.flatMap(unit => unit.names), name], members: [...new Set(all)] });
  }
  const inClusters = new Set(units.flatMap(unit => unit.members));
  return [
    ...units.map(({ names, members }) => ({ name: names.join('+'), clusters: names, members })),
    ...hosts
      .filter(host => !inClusters.has(host))
      .map(host => ({ name: host, clusters: [], members: [host] })),
  ];
}

/** The instances of which a host is MASTER. */
export function mastered(status: DaemonStatus | undefined): string[] {
  return (status?.instances ?? [])
    .filter(instance => instance.state === 'MASTER')
    .map(instance => instance.name);
}

/** Who is MASTER of the same instances as `host`. */
export function rivalsOf(
  host: string,
  live: ReadonlyMap<string, DaemonStatus | undefined>,
): { readonly instance: string; readonly rival: string }[] {
  return mastered(live.get(host)).flatMap(instance =>
    [...live].flatMap(([rival, status]) =>
      rival !== host && mastered(status).includes(instance) ? { instance, rival } : [],
    ),
  );
}

/**
 * One instance of each sync group, and every instance without one: a sync group is handed over as a whole, so that a
 * second request for it would come too late.
 */
export function representatives(status: DaemonStatus | undefined, instances: readonly string[]): string[] {
  const groupOf = (name: string): string | undefined =>
    status?.syncGroups.find(group => group.members.includes(name))?.name;
  return instances.filter((name, index) => {
    const group = groupOf(name);
    return group === undefined || instances.findIndex(other => groupOf(other) === group) === index;
  });
}

/**
 * The order in which `due` hosts are disturbed. A running cluster: who is MASTER of least comes first, so that backups
 * are done and verified before any master. Without a MASTER the order of preference: the first becomes MASTER.
 */
export function rollingOrder(
  due: readonly string[],
  preference: readonly string[],
  live: ReadonlyMap<string, DaemonStatus | undefined>,
): string[] {
  const rank = (host: string): number => preference.indexOf(host);
  const weight = (host: string): number => mastered(live.get(host)).length;
  const running = preference.some(host => weight(host) > 0);
  if (!running) return [...due].sort((a, b) => rank(a) - rank(b));
  return [...due].sort((a, b) => weight(a) - weight(b) || rank(b) - rank(a));
}

/** True if a host's turn stops the daemon for a moment; a reload keeps the VIPs where they are. */
export function turnRestarts(plan: HostPlan): boolean {
  return plan.turn.some(step => {
    if (step.kind === 'apply') return step.change.effect === 'restart';
    return step.kind === 'handler' && step.effect === 'restart';
  });
}

/**
 * Instances of which `host` is MASTER and nobody could take over: no other member is a BACKUP of it that hears its
 * master. Empty means that the host may be disturbed.
 */
export function unprotected(host: string, live: ReadonlyMap<string, DaemonStatus | undefined>): string[] {
  return mastered(must(live.get(host), `${host} is MASTER, so it has said so`)).filter(name => {
    const others = [...live].filter(([other]) => other !== host);
    return !others.some(([, status]) =>
      status?.instances.some(
        instance =>
          instance.name === name &&
          instance.state === 'BACKUP' &&
          instance.heard !== null &&
          instance.heard.ageMs <= instance.masterDownIntervalMs,
      ),
    );
  });
}
