/** The orchestration of an apply over all hosts: side by side up to the turns, then cluster by cluster. */
import type { HostTally } from '#control/events.ts';
import { contextOf, type ApplyOptions, type RunContext, type RunReport } from './api.ts';
import { ClusterRun } from './cluster-run.ts';
import { Forks } from './forks.ts';
import { HostRun } from './host-run.ts';
import { rollingUnits, type RollingUnit } from './rolling.ts';
import { exitCodeOf, sumOf } from './tally.ts';

/**
 * `tandem apply`, with `check` `tandem plan`, and with `teardown` `tandem teardown`. Never throws for what a host does: each failure is an event and a
 * part of the report, and the other hosts go on. docs/decisions/0005-remote-session.md has the order of things.
 */
export async function run(options: ApplyOptions): Promise<RunReport> {
  const startedAtMs = performance.now();
  const { emit, hosts, clusters } = options;
  const check = options.check ?? false;
  const context = contextOf(options);
  const runs = new Map(hosts.map(host => [host.access.name, new HostRun(host, context, check)]));
  const selected = hosts.filter(host => host.selected).map(host => host.access.name);
  emit({
    type: 'run-start',
    command: options.command,
    check,
    hosts: selected,
    clusters: clusters.map(({ name, members }) => ({ name, hosts: members })),
  });
  const forks = new Forks(context.settings.forks);
  const units = rollingUnits(clusters, [...runs.keys()]);
  await Promise.all(units.map(unit => runUnit(unit, runs, forks, context, options)));
  const reports = [...runs.values()].filter(host => host.selected || host.remote.failure);
  const totals: HostTally = sumOf(reports.map(host => host.tally));
  const failures = reports.flatMap(host => host.remote.failure ?? []);
  const exitCode = exitCodeOf({
    invalid: failures.some(failure => failure.invalid),
    unreachable: failures.some(failure => failure.unreachable),
    failed: failures.length > 0 || totals.failed > 0,
    pending: totals.pending + totals.unknown > 0 || reports.some(host => host.plan?.withheld),
  });
  const elapsedMs = Math.round(performance.now() - startedAtMs);
  emit({ type: 'run-done', exitCode, elapsedMs, totals });
  return { exitCode, elapsedMs, hosts: new Map(reports.map(host => [host.name, host.report])) };
}

/** A slot of the forks is held while a host or a cluster works, not while it waits for others. */
async function runUnit(
  unit: RollingUnit,
  runs: ReadonlyMap<string, HostRun>,
  forks: Forks,
  context: RunContext,
  options: ApplyOptions,
): Promise<void> {
  const members = unit.members.flatMap(name => runs.get(name) ?? []);
  const selected = members.filter(host => host.selected);
  await Promise.all(selected.map(host => forks.run(() => host.prepare())));
  const policy = {
    forceDegraded: options.forceDegraded ?? false,
    allowUnprotectedSeconds: options.allowUnprotectedSeconds ?? 0,
    teardown: options.teardown,
  };
  const cluster = new ClusterRun(unit, members, context, policy);
  if (options.check ?? false) {
    cluster.foretell();
    await Promise.all(members.map(host => host.finish()));
    return;
  }
  const due = members.some(host => host.due);
  await (due ? forks.run(() => cluster.roll()) : cluster.roll());
}
