/** The changes of a plan that may cut our own connection: armed before, called off once a NEW connection works. */
import { messageOf } from '#base/errors.ts';
import type { HostPlan } from '#provision/model/plan.ts';
import { armFragment, disarmFragment, revertNowFragment } from './connectivity.ts';
import type { RemoteHost } from './remote-host.ts';

const STEP = 'changes that may cut the connection';

/** How often a new connection is tried after the change. */
const RECONNECT_RETRY_MS = 500;

/**
 * `apply` runs the steps. Throws RemoteError if they fail (the host is told to take them back), or if no new connection
 * comes about in time (the host takes them back by itself).
 */
export async function runGuarded(
  remote: RemoteHost,
  plan: HostPlan,
  apply: () => Promise<void>,
): Promise<void> {
  if (!plan.selfRevert) throw remote.error(STEP, 'there is no way back, so nothing was done');
  const { selfRevertMs } = remote.context.settings;
  const deadlineAtMs = performance.now() + selfRevertMs;
  await remote.must(armFragment(plan.selfRevert, selfRevertMs / 1000), 'arm the way back');
  let failure: unknown;
  try {
    await apply();
  } catch (error) {
    failure = error;
  }
  await comeInAnew(remote, deadlineAtMs, failure);
  if (failure === undefined) {
    const { exit } = await remote.ask(disarmFragment(), 'call the way back off');
    if (exit === 0) return;
    throw remote.error(
      STEP,
      'no new connection came about in time, and the host has taken the change back by itself',
    );
  }
  await remote.must(revertNowFragment(), 'take the change back');
  throw remote.error(STEP, `${withoutHost(remote, failure)}; the change was taken back`);
}

function withoutHost(remote: RemoteHost, failure: unknown): string {
  return messageOf(failure).replace(`${remote.name}: `, '');
}

/** `failure`: what became of the change itself, if it did not go well. */
async function comeInAnew(remote: RemoteHost, deadlineAtMs: number, failure: unknown): Promise<void> {
  let last = failure;
  while (performance.now() < deadlineAtMs) {
    try {
      await remote.reconnect('connect anew');
      return;
    } catch (error) {
      last = error;
      await new Promise(resolve => setTimeout(resolve, RECONNECT_RETRY_MS));
    }
  }
  const seconds = Math.ceil(remote.context.settings.selfRevertMs / 1000);
  const message = `no new connection within ${seconds} s, and the host takes the change back by itself`;
  throw remote.error(
    'connect anew after a change that may cut the connection',
    message,
    last === undefined ? '' : messageOf(last),
  );
}
