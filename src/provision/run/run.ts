/** The orchestration of an apply over all hosts: side by side up to the turns, then cluster by cluster. */
import type { HostTally } from '#control/events.ts';
import { contextOf, type ApplyOptions, type RunContext, type RunReport } from './api.ts';
import { ClusterRun, type RollPolicy } from './cluster-run.ts';
import { Forks } from './forks.ts';
import { HostRun } from './host-run.ts';
import { retireWork } from './retire.ts';
import { rollingUnits, type RollingUnit } from './rolling.ts';
import { exitCodeOf, sumOf } from './tally.ts';
import { UnitOrder } from './unit-order.ts';

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
  const order = new UnitOrder(units, clusters, options.retire !== undefined);
  await Promise.all(units.map(unit => new UnitRun(unit, runs, order, { forks, context, options }).run()));
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

interface UnitScene {
  readonly forks: Forks;
  readonly context: RunContext;
  readonly options: ApplyOptions;
}

/** One unit of a run, from reading to its last turn. A slot of the forks is held while it works, not while it waits. */
class UnitRun {
  readonly #unit: RollingUnit;
  readonly #members: readonly HostRun[];
  readonly #order: UnitOrder;
  readonly #scene: UnitScene;
  readonly #retires: boolean;

  constructor(unit: RollingUnit, runs: ReadonlyMap<string, HostRun>, order: UnitOrder, scene: UnitScene) {
    this.#unit = unit;
    this.#members = unit.members.flatMap(name => runs.get(name) ?? []);
    this.#order = order;
    this.#scene = scene;
    const { retire } = scene.options;
    this.#retires = retire !== undefined && unit.clusters.some(name => retire.clusters.includes(name));
  }

  /** Never throws. */
  async run(): Promise<void> {
    const { forks, options } = this.#scene;
    const selected = this.#members.filter(host => host.selected);
    await Promise.all(selected.map(host => forks.run(() => host.prepare())));
    const cluster = new ClusterRun(this.#unit, this.#members, this.#scene.context, this.#policy());
    if (options.check ?? false) {
      cluster.foretell();
      await Promise.all(this.#members.map(host => host.finish()));
    } else await this.#roll(cluster);
    this.#order.done(
      this.#unit,
      selected.every(host => host.isComplete),
    );
  }

  #policy(): RollPolicy {
    const { options, context } = this.#scene;
    const { retire, teardown } = options;
    const letGo = async (): Promise<void> => {
      this.#order.release(this.#unit, true);
      await this.#order.behind(this.#unit);
    };
    return {
      forceDegraded: options.forceDegraded ?? false,
      allowUnprotectedSeconds: options.allowUnprotectedSeconds ?? 0,
      teardown: this.#retires ? undefined : teardown,
      ...(retire && this.#retires ? { work: retireWork(this.#unit, context, retire, letGo) } : {}),
    };
  }

  async #roll(cluster: ClusterRun): Promise<void> {
    const { forks, options } = this.#scene;
    // It waits for others in the midst of its work: a slot that it held could be theirs.
    if (this.#retires) return cluster.roll();
    if (options.teardown) {
      this.#order.release(this.#unit, cluster.mayGo());
      if (!(await this.#order.released(this.#unit))) cluster.stay('its directors do not let it go');
    }
    await this.#settleDepartures(await this.#order.behind(this.#unit));
    const due = this.#members.some(host => host.due);
    await (due ? forks.run(() => cluster.roll()) : cluster.roll());
  }

  /** A real server that was to come back and is not ready stays away. */
  async #settleDepartures(unready: readonly string[]): Promise<void> {
    const { departures } = this.#scene.options;
    if (!departures) return;
    const waiting = this.#members.filter(({ plan, selected }) =>
      plan?.departures?.returned.some(({ host }) => selected && unready.includes(host)),
    );
    for (const host of waiting) {
      host.depart({ ...departures, returns: one => departures.returns(one) && !unready.includes(one.host) });
      await host.planAgain('unlocked');
    }
  }
}
