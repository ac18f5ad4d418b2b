/** A planned switchover by the daemons themselves: what a roll-out and `tandem failover` have in common. */
import type { DaemonStatus } from '#control/status.ts';
import { lines, sh } from '#provision/model/shell.ts';
import { lowerKeepalived, raisedFragment } from './keepalived-handover.ts';
import type { RemoteHost } from './remote-host.ts';

/** How long `tandemd handover` and `tandemd await` may take, seconds. */
const HANDOVER_SECONDS = 30;

/** False if the daemon can only be stopped: that gives everything away with priority 0. */
export function canHandOver(status: DaemonStatus | undefined, instances: readonly string[]): boolean {
  return !status?.instances.some(
    ({ name, canHandOver }) => canHandOver === false && instances.includes(name),
  );
}

/**
 * The host gives `instances` away and does not preempt until {@link endHandover}, until its daemon restarts, or until it
 * becomes MASTER because its successor died. A keepalived's sync group may preempt at once. False if nobody took over:
 * the host fails, is MASTER again and may preempt.
 */
export async function handOver(
  host: RemoteHost,
  instances: readonly string[],
  status: DaemonStatus | undefined,
): Promise<boolean> {
  const command = sh`PATH=/opt/tandem/current/bin:$PATH; tandemd handover --timeout ${HANDOVER_SECONDS} ${instances}`;
  try {
    if (status?.program === 'keepalived') await lowerKeepalived(host, status, instances);
    else await host.must(command, 'hand over to the backup');
    return true;
  } catch (error) {
    await endHandover(host, instances);
    host.fail(error, 'hand over to the backup');
    return false;
  }
}

/** The host may preempt again, whichever daemon runs. Never throws. */
export async function endHandover(host: RemoteHost, instances: readonly string[]): Promise<void> {
  if (!host.connected) return;
  const command = sh`PATH=/opt/tandem/current/bin:$PATH; ! command -v tandemd >/dev/null || tandemd handover --end ${instances}`;
  await host.ask(lines([raisedFragment(instances), command]), 'end the switchover').catch(() => undefined);
}

/** Waits until the host is MASTER and holds every VIP. False if it does not in time, which the host then says. */
export async function awaitMaster(
  host: RemoteHost,
  instances: readonly string[],
  step: string,
  status: DaemonStatus | undefined,
): Promise<boolean> {
  const expected = instances.map(name => `--expect=${name}=MASTER`);
  const command = sh`PATH=/opt/tandem/current/bin:$PATH; tandemd await --timeout ${HANDOVER_SECONDS} ${expected}`;
  try {
    if (status?.program === 'keepalived') await awaitKeepalived(host, instances, step);
    else await host.must(command, step);
    return true;
  } catch (error) {
    host.fail(error, step);
    return false;
  }
}

async function awaitKeepalived(host: RemoteHost, instances: readonly string[], step: string): Promise<void> {
  const wanted = new Map(instances.map(name => [name, ['MASTER'] as const]));
  const missing = await host.awaitLive(wanted, HANDOVER_SECONDS * 1000);
  if (missing.length > 0) throw host.error(step, missing.join('; '));
}
