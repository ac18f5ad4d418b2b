import { formatIp } from '#base/address.ts';
import type { Cause, Explanation } from '#control/status.ts';
import { keepalivedState } from '#vrrp/names.ts';
import type { VirtualRouter, VrrpEngine } from '#vrrp/state.ts';
import { activeDownInterval } from '#vrrp/timers.ts';
import { effectsOn } from '#vrrp/tracking.ts';
import { describeAddress } from './address-spec.ts';

/** Why `router` is in its state, as far as this host can know: a tree of sentences. */
export function explain(engine: VrrpEngine, router: VirtualRouter, nowMs: number): Explanation {
  const state = keepalivedState(router.state);
  const since = `It is ${state} since ${seconds(nowMs - router.sinceMs)}: ${router.reason}.`;
  const causes = [
    cause(since),
    ...stateCauses(router, nowMs),
    ...groupCauses(router),
    ...priorityCauses(engine, router),
  ];
  return { instance: router.config.name, state, causes };
}

function stateCauses(router: VirtualRouter, nowMs: number): Cause[] {
  switch (router.state) {
    case 'Initialize':
      return [cause('It is not MASTER because it has not started: vrrp_startup_delay is not over.')];
    case 'Fault':
      return [
        cause(
          'It is not MASTER because it is at fault.',
          router.faults.map(fault => cause(`${fault.reason}.`)),
        ),
      ];
    case 'Backup':
      return [backupCause(router, nowMs)];
    case 'Releasing':
      return [cause('It is being handed over, and keeps its addresses until the next master is heard.')];
    case 'Master':
      return router.addresses
        .filter(each => !each.held)
        .map(each => {
          const refusal = each.error === undefined ? [] : [cause(`The kernel refused it: ${each.error}.`)];
          return cause(`${describeAddress(each.address)} is missing on ${each.interface}.`, refusal);
        });
  }
}

function backupCause(router: VirtualRouter, nowMs: number): Cause {
  const { heard } = router;
  const wait = seconds(Math.max(0, router.timers.masterDownAtMs - nowMs));
  if (heard.priority < 0)
    return cause(
      `It has heard nobody yet and takes over in ${wait} unless it does (master down interval ${seconds(activeDownInterval(router))}).`,
    );
  const from = `${formatIp(heard.address)} with priority ${heard.priority}`;
  return cause('It is not MASTER because another router is.', [
    cause(
      `It hears ${from}, last ${seconds(nowMs - heard.atMs)} ago, and takes over in ${wait} if that ends.`,
    ),
    electionCause(router),
  ]);
}

function electionCause(router: VirtualRouter): Cause {
  const { heard, effectivePriority, config } = router;
  if (router.handedOver) return cause('It was handed over on request and does not preempt.');
  if (heard.priority > effectivePriority)
    return cause(`${heard.priority} is above its own priority ${effectivePriority}.`);
  if (heard.priority === effectivePriority)
    return cause(`Both have priority ${effectivePriority}: who is master stays it.`);
  if (config.preempt === 'nopreempt') return cause('Its own priority is higher, but nopreempt is set.');
  if (router.preemptAtMs > 0) return cause('Its own priority is higher, but preempt_delay is not over.');
  return cause(`Its own priority ${effectivePriority} is higher: it takes over when its timer has run out.`);
}

function groupCauses(router: VirtualRouter): Cause[] {
  const { group } = router;
  if (!group) return [];
  const members = group.members.map(({ config, state, reason }) =>
    cause(`${config.name} is ${keepalivedState(state)}: ${reason}.`),
  );
  const text = `It shares the fate of sync group ${group.config.name}, which is ${keepalivedState(group.state)}.`;
  return [cause(text, members)];
}

function priorityCauses(engine: VrrpEngine, router: VirtualRouter): Cause[] {
  const { config, effectivePriority } = router;
  if (effectivePriority === config.priority) return [];
  const effects = effectsOn(engine, router).filter(effect => effect.delta !== 0);
  return [
    cause(
      `Its priority is ${effectivePriority}, not the configured ${config.priority}.`,
      effects.map(({ kind, name, delta }) => cause(`${kind} ${name} contributes ${delta}.`)),
    ),
  ];
}

function cause(text: string, because: readonly Cause[] = []): Cause {
  return { text, because };
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(ms < 10_000 ? 3 : 0)} s`;
}
