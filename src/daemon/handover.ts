import { Refusal } from '#control/server.ts';
import type { HandoverResult } from '#control/status.ts';
import { keepalivedState } from '#vrrp/names.ts';
import type { VirtualRouter } from '#vrrp/state.ts';
import type { Clocks } from './clock.ts';
import type { VrrpRuntime } from './runtime.ts';
import { reportHeard } from './status-report.ts';

/** Longest wait that a client may ask for. */
const TIMEOUT_MAX_MS = 600_000;

/**
 * Planned switchover: asks the engine to hand the instance over (its sync group goes with it) and waits until another
 * router is heard as MASTER and our addresses are gone. Throws {@link Refusal} when nobody takes over in time; the
 * instance is then MASTER again.
 */
export function handOver(
  runtime: VrrpRuntime,
  router: VirtualRouter,
  timeoutMs: number,
  clocks: Clocks,
): Promise<HandoverResult> {
  const { name } = router.config;
  const startedAtMs = clocks.monotonicMs();
  const failuresBefore = router.counters.handoversFailed;
  if (router.state !== 'Master')
    throw new Refusal(
      'not-master',
      `${name} is ${keepalivedState(router.state)}: only a MASTER can be handed over`,
    );
  return new Promise((resolve, reject) => {
    const finish = (settle: () => void): void => {
      clearTimeout(timer);
      stopWatching();
      settle();
    };
    const giveUp = (why: string): void =>
      finish(() => {
        runtime.deliver({ kind: 'handoverEnd', router });
        reject(new Refusal('no-peer', `${name}: ${why}; it stays MASTER here`));
      });
    const check = (): void => {
      if (router.counters.handoversFailed > failuresBefore) {
        giveUp('no other router took over');
        return;
      }
      const master = reportHeard(router, clocks);
      const isHeard = master !== null && master.priority > 0 && router.heard.atMs >= startedAtMs;
      if (router.state !== 'Backup' || !isHeard) return;
      const tookMs = clocks.monotonicMs() - startedAtMs;
      finish(() => resolve({ instance: name, master, tookMs }));
    };
    const stopWatching = runtime.afterEach(check);
    const timer = setTimeout(
      () => giveUp(`no other router was heard as MASTER within ${timeoutMs} ms`),
      Math.min(timeoutMs, TIMEOUT_MAX_MS),
    );
    runtime.deliver({ kind: 'handover', router });
  });
}

/** Lets an instance that was handed over preempt again. */
export function endHandOver(runtime: VrrpRuntime, router: VirtualRouter, clocks: Clocks): HandoverResult {
  runtime.deliver({ kind: 'handoverEnd', router });
  return { instance: router.config.name, master: reportHeard(router, clocks), tookMs: 0 };
}
