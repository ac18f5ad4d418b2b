/** Whether a cluster is well, from what all its members' daemons say of themselves. Pure: `tandem status` prints it. */
import type { DaemonStatus, InstanceStatus } from '#control/status.ts';
import type { Departure } from './departures.ts';

/** From best to worst. */
const HEALTHS = ['healthy', 'degraded', 'vip-misplaced', 'no-master', 'split-brain'] as const;
export type Health = (typeof HEALTHS)[number];

/** What could be learnt from one member. */
export type Sight =
  | {
      readonly kind: 'status';
      readonly status: DaemonStatus;
      /** What the inventory says that runs there. */
      readonly daemon: 'tandemd' | 'keepalived';
      /** Who has left it, and whether it has left itself; absent: nobody. */
      readonly departures?: readonly Departure[];
    }
  /** It could not be asked; `reason` in the transport's words. */
  | { readonly kind: 'unreachable'; readonly reason: string }
  /** Reached, but no VRRP daemon answers there. */
  | { readonly kind: 'silent'; readonly reason: string };

/** The part of a cluster that the verdict needs. */
export interface ExpectedCluster {
  readonly name: string;
  readonly instances: readonly { readonly name: string; readonly nodes: readonly string[] }[];
}

interface InstanceVerdict {
  readonly instance: string;
  readonly health: Health;
  /** Members that say that they are MASTER. */
  readonly masters: readonly string[];
  /** Full sentences; empty when healthy. */
  readonly reasons: readonly string[];
}

export interface ClusterVerdict {
  readonly cluster: string;
  readonly health: Health;
  readonly instances: readonly InstanceVerdict[];
}

interface Finding {
  readonly health: Health;
  readonly reason: string;
}

/** Judges one cluster; a member that is not in `sights` counts as unreachable. */
export function judgeCluster(cluster: ExpectedCluster, sights: ReadonlyMap<string, Sight>): ClusterVerdict {
  const instances = cluster.instances.map(({ name, nodes }) => judgeInstance(name, nodes, sights));
  return { cluster: cluster.name, health: worst(instances.map(verdict => verdict.health)), instances };
}

/** 0 healthy, 2 degraded, 1 for what needs somebody now. */
export function exitCodeOfHealth(health: Health): 0 | 1 | 2 {
  if (health === 'healthy') return 0;
  return health === 'degraded' ? 2 : 1;
}

function worst(healths: readonly Health[]): Health {
  return HEALTHS[Math.max(0, ...healths.map(health => HEALTHS.indexOf(health)))] ?? 'healthy';
}

function judgeInstance(
  name: string,
  nodes: readonly string[],
  sights: ReadonlyMap<string, Sight>,
): InstanceVerdict {
  const seen = nodes.map(host => ({ host, sight: sights.get(host) ?? ABSENT }));
  const instances = seen.flatMap(({ host, sight }) => {
    const instance =
      sight.kind === 'status' ? sight.status.instances.find(one => one.name === name) : undefined;
    return instance ? [{ host, instance }] : [];
  });
  const masters = instances.filter(({ instance }) => instance.state === 'MASTER').map(({ host }) => host);
  const findings = [
    ...mastership(masters, instances),
    ...instances.flatMap(({ host, instance }) => ofInstance(host, instance)),
    ...seen.flatMap(({ host, sight }) => ofSight(host, name, sight)),
  ];
  return {
    instance: name,
    health: worst(findings.map(finding => finding.health)),
    masters,
    reasons: findings.map(finding => finding.reason),
  };
}

const ABSENT: Sight = { kind: 'unreachable', reason: 'it was not asked' };

/** Exactly one MASTER; a living one that is only heard (unreachable to us) counts too. */
function mastership(
  masters: readonly string[],
  instances: readonly { readonly host: string; readonly instance: InstanceStatus }[],
): Finding[] {
  if (masters.length > 1)
    return [{ health: 'split-brain', reason: `${masters.join(' and ')} are MASTER at the same time` }];
  if (masters.length === 1) return [];
  const ears = instances.find(({ instance }) => instance.state === 'BACKUP' && hears(instance));
  if (ears) return [];
  return [{ health: 'no-master', reason: 'nobody is MASTER' }];
}

function hears({ heard, masterDownIntervalMs }: InstanceStatus): boolean {
  return heard !== null && heard.priority > 0 && heard.ageMs <= masterDownIntervalMs;
}

function ofInstance(host: string, instance: InstanceStatus): Finding[] {
  const { state, vips, faults } = instance;
  const misplaced = vips
    .filter(vip => vip.present !== (state === 'MASTER'))
    .map((vip): Finding => ({
      health: 'vip-misplaced',
      reason:
        state === 'MASTER'
          ? `${host} is MASTER without ${vip.address} on ${vip.dev}`
          : `${host} is ${state} and has ${vip.address} on ${vip.dev}`,
    }));
  if (state === 'FAULT' || state === 'INIT') {
    const why = faults.length > 0 ? `: ${faults.join('; ')}` : '';
    return [...misplaced, { health: 'degraded', reason: `${host} is in ${state}${why}` }];
  }
  if (state === 'BACKUP' && !hears(instance))
    return [...misplaced, { health: 'degraded', reason: `${host} is BACKUP and hears no MASTER` }];
  return misplaced;
}

function ofSight(host: string, name: string, sight: Sight): Finding[] {
  const degraded = (reason: string): Finding => ({ health: 'degraded', reason });
  switch (sight.kind) {
    case 'unreachable':
      return [degraded(`${host} cannot be reached: ${sight.reason}`)];
    case 'silent':
      return [degraded(`${host} runs no VRRP daemon that answers: ${sight.reason}`)];
    case 'status': {
      const { instances, reload, worker } = sight.status;
      const findings: Finding[] = [];
      const program = sight.status.program ?? 'tandemd';
      if (program !== sight.daemon)
        findings.push(
          degraded(`${host} runs ${program}, and the inventory says vrrp_daemon: ${sight.daemon}`),
        );
      if (!instances.some(instance => instance.name === name))
        findings.push(degraded(`${host} does not have ${name} configured`));
      if (reload.outcome === 'rejected')
        findings.push(
          degraded(
            `${host} runs an old configuration: the last one was rejected (${reload.diagnostics[0] ?? 'no reason given'})`,
          ),
        );
      if (worker.state === 'backing-off')
        findings.push(
          degraded(
            `${host} keeps losing its worker, so its checks and trackers stand still (${worker.lastLoss ?? 'unknown'})`,
          ),
        );
      return findings;
    }
  }
}
