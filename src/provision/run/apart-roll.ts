/** Rolls a change that the routers cannot speak across: backups stop, masters reload with their VIPs, backups start. */
import type { RunEvent } from '#control/events.ts';
import type { DaemonStatus } from '#control/status.ts';
import type { RunContext } from './api.ts';
import type { HostRun } from './host-run.ts';
import { representatives, type RollingUnit } from './rolling.ts';
import type { WireRoll } from './wire-roll.ts';

type LivePicture = ReadonlyMap<string, DaemonStatus | undefined>;

/** What every roll of a cluster can do. */
export interface ApartParts {
  /** One host's turn after the other; gives the one at which it stopped. */
  readonly turns: (due: readonly HostRun[], order: readonly string[]) => Promise<string | undefined>;
  /** False if it failed, which the host then says. */
  readonly handOver: (
    host: HostRun,
    instances: readonly string[],
    status: DaemonStatus | undefined,
  ) => Promise<boolean>;
  readonly livePicture: () => Promise<LivePicture>;
}

interface ApartRoll extends ApartParts {
  readonly unit: RollingUnit;
  readonly context: RunContext;
  readonly due: readonly HostRun[];
  /** Before anything was disturbed. */
  readonly live: LivePicture;
  readonly roll: WireRoll;
}

type WireEvent = Extract<RunEvent, { type: 'wire-breaking' }>;

/** Says what becomes of a change that the routers cannot speak across. */
export function reportWire(
  context: RunContext,
  unit: RollingUnit,
  roll: WireRoll,
  status: WireEvent['status'],
  more: Pick<WireEvent, 'elapsedMs'> = {},
): void {
  const { breaks: instances, expectedSeconds } = roll;
  context.emit({ type: 'wire-breaking', cluster: unit.name, instances, expectedSeconds, status, ...more });
}

/** Never throws: hosts say what failed. */
export async function rollApart(apart: ApartRoll): Promise<void> {
  const { context, unit, roll, due } = apart;
  const startedAtMs = performance.now();
  reportWire(context, unit, roll, 'started');
  const stopped: HostRun[] = [];
  for (const host of roll.stop.flatMap(name => due.find(each => each.name === name) ?? [])) {
    if (!(await pause(apart, host))) {
      await resume(stopped);
      for (const each of due) each.postpone(`${host.name} could not be stopped`);
      return;
    }
    stopped.push(host);
  }
  const failedAt = await apart.turns(due, roll.order);
  if (failedAt === undefined)
    reportWire(context, unit, roll, 'done', { elapsedMs: Math.round(performance.now() - startedAtMs) });
  else await afterFailure(apart, failedAt, stopped);
}

async function pause(apart: ApartRoll, host: HostRun): Promise<boolean> {
  const wire = host.plan?.wire;
  if (!wire) return true;
  const instances = apart.roll.handovers.get(host.name) ?? [];
  if (instances.length > 0) {
    apart.context.emit({ type: 'switchover', cluster: apart.unit.name, from: host.name, instances });
    const status = apart.live.get(host.name);
    if (!(await apart.handOver(host, representatives(status, instances), status))) return false;
  }
  try {
    await host.remote.must(wire.pause, 'stop the daemon until its turn');
    return true;
  } catch (error) {
    host.remote.fail(error, 'stop the daemon until its turn');
    return false;
  }
}

async function resume(stopped: readonly HostRun[]): Promise<void> {
  for (const host of stopped) {
    const start = host.plan?.wire?.resume;
    if (!start || !host.remote.connected) continue;
    await host.remote
      .must(start, 'start the daemon again')
      .catch((error: unknown) => host.remote.fail(error, 'start the daemon again'));
  }
}

/**
 * Where no daemon has taken up anything new, the stopped ones go on as before. Otherwise they would be masters beside
 * it, and stay stopped.
 */
async function afterFailure(apart: ApartRoll, failedAt: string, stopped: readonly HostRun[]): Promise<void> {
  const { order } = apart.roll;
  const done = order.slice(0, order.indexOf(failedAt) + 1);
  const waiting = stopped.filter(host => !host.remote.failure && !done.includes(host.name));
  if (waiting.length === 0) return;
  const now = await apart.livePicture();
  const isAsBefore = done.every(name => {
    const running = now.get(name)?.configurationSha256;
    return running !== undefined && running === apart.live.get(name)?.configurationSha256;
  });
  if (isAsBefore) {
    await resume(waiting);
    return;
  }
  const names = waiting.map(host => host.name).join(', ');
  const message = `the daemon of ${names} stays stopped, as it would not understand ${failedAt}: mend ${failedAt} and apply again`;
  apart.context.emit({ type: 'warning', message });
}
