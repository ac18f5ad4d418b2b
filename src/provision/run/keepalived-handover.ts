/** A planned switchover of a stock keepalived's instances, by the files that they track. */
import type { DaemonStatus } from '#control/status.ts';
import { GIVEN_UP, handoverFile, LOWERED } from '#provision/model/keepalived-handover.ts';
import { type Fragment, lines, sh } from '#provision/model/shell.ts';
import type { RemoteHost } from './remote-host.ts';

/** A BACKUP that may preempt does so within three intervals and a skew, which is at most one. */
const INTERVALS = 4;
/** What a busy machine may take beyond that. */
const PATIENCE_MS = 2000;

/**
 * Has the host give `instances` away. A lowered priority loses nothing: the peer preempts while the VIPs are still here.
 * Where it may not preempt, and for sync groups, where weights do not count, the instance is given up with priority 0,
 * which costs the peer's skew. Ungrouped instances stay lowered; a group goes back to its own priority as soon as
 * somebody else is MASTER, as a fault would leave nobody to take over. Throws RemoteError, with nothing changed, where
 * that is not possible.
 */
export async function lowerKeepalived(
  host: RemoteHost,
  status: DaemonStatus,
  instances: readonly string[],
): Promise<void> {
  const step = 'hand over to the backup';
  const own = status.instances.filter(({ name }) => instances.includes(name));
  const groups = own.filter(({ syncGroup }) => syncGroup !== null).map(({ name }) => name);
  const single = own.filter(({ syncGroup }) => syncGroup === null).map(({ name }) => name);
  const given = new Map(instances.map(name => [name, ['BACKUP', 'FAULT'] as const]));
  await host.must(present(instances), step);
  try {
    await host.must(written(single, LOWERED), step);
    if (groups.length > 0) await host.must(written(groups, GIVEN_UP), step);
    // Version 2's skew is a part of a second, whatever the interval is.
    const intervalMs = Math.max(1000, ...own.map(({ advertIntervalMs }) => advertIntervalMs));
    const preempted = new Map(single.map(name => [name, ['BACKUP', 'FAULT'] as const]));
    const left = await host.awaitLive(preempted, INTERVALS * intervalMs + PATIENCE_MS);
    if (left.length > 0) await host.must(written(single, GIVEN_UP), step);
    const missing = left.length > 0 || groups.length > 0 ? await host.awaitLive(given, PATIENCE_MS) : [];
    if (missing.length > 0) throw host.error(step, missing.join('; '));
    await host.must(lines([written(single, LOWERED), written(groups, 0)]), step);
  } catch (error) {
    await host.ask(written(instances, 0), step).catch(() => undefined);
    throw error;
  }
}

/** The instances have their own priority again. */
export function raisedFragment(instances: readonly string[]): Fragment {
  return lines(instances.map(name => sh`[ ! -e ${handoverFile(name)} ] || echo 0 >${handoverFile(name)}`));
}

function present(instances: readonly string[]): Fragment {
  return lines(
    instances.map(
      name =>
        sh`[ -e ${handoverFile(name)} ] || { echo ${`keepalived does not track ${handoverFile(name)}: its configuration is not Tandem's, or has not been loaded`} >&2; exit 1; }`,
    ),
  );
}

function written(instances: readonly string[], value: number): Fragment {
  return lines(instances.map(name => sh`echo ${value} >${handoverFile(name)}`));
}
