/** A planned switchover by the daemons themselves: what a roll-out and `tandem failover` have in common. */
import { sh } from '#provision/model/shell.ts';
import type { RemoteHost } from './remote-host.ts';

/** How long `tandemd handover` and `tandemd await` may take, seconds. */
const HANDOVER_SECONDS = 30;

/**
 * The host gives `instances` away and does not preempt until {@link endHandover}, until its daemon restarts, or until it
 * becomes MASTER because its successor died. False if nobody took over: the host fails, is MASTER again and may preempt.
 */
export async function handOver(host: RemoteHost, instances: readonly string[]): Promise<boolean> {
  const command = sh`PATH=/opt/tandem/current/bin:$PATH; tandemd handover --timeout ${HANDOVER_SECONDS} ${instances}`;
  try {
    await host.must(command, 'hand over to the backup');
    return true;
  } catch (error) {
    await endHandover(host, instances);
    host.fail(error, 'hand over to the backup');
    return false;
  }
}

/** The host may preempt again. Never throws. */
export async function endHandover(host: RemoteHost, instances: readonly string[]): Promise<void> {
  if (!host.connected) return;
  const command = sh`PATH=/opt/tandem/current/bin:$PATH; tandemd handover --end ${instances}`;
  await host.ask(command, 'end the switchover').catch(() => undefined);
}

/** Waits until the host is MASTER and holds every VIP. False if it does not in time, which the host then says. */
export async function awaitMaster(
  host: RemoteHost,
  instances: readonly string[],
  step: string,
): Promise<boolean> {
  const expected = instances.map(name => `--expect=${name}=MASTER`);
  const command = sh`PATH=/opt/tandem/current/bin:$PATH; tandemd await --timeout ${HANDOVER_SECONDS} ${expected}`;
  try {
    await host.must(command, step);
    return true;
  } catch (error) {
    host.fail(error, step);
    return false;
  }
}
