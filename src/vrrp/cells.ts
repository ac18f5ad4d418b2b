import { formatIp } from '#base/address.ts';
import { AssertionFailure } from '#base/assert.ts';
import { PRIORITY_OWNER } from '#wire/vrrp.ts';
import { addAgain, retryLater } from './address-keeping.ts';
import { groupWantsMaster } from './groups.ts';
import * as mastership from './mastership.ts';
import type { Heard, RouterEvent, RouterEventOf } from './router-event.ts';
import { NEVER, type VirtualRouter } from './state.ts';
import { activeDownInterval, minimalSkewOf, skewTimeOf } from './timers.ts';
import { advertise, announce, log, logSometimes, release, type Turn } from './turn.ts';

/**
 * What the cells of the transition table do, in the table's order: `transitions.ts` says when, and why.
 */

/** Can happen, changes nothing. */
export function ignored(): void {}

/** Cannot happen: our defect if it does. */
export function impossible(_turn: Turn, router: VirtualRouter, event: Pick<RouterEvent, 'kind'>): void {
  throw new AssertionFailure(`${event.kind} in state ${router.state} (${router.config.name})`);
}

// Initialize

/** The engine has armed `startAtMs` if there is a startup delay. */
export function armStart(turn: Turn, router: VirtualRouter): void {
  if (router.timers.startAtMs === NEVER) mastership.begin(turn, router, 'started');
}

export function beginAfterStart(turn: Turn, router: VirtualRouter): void {
  mastership.begin(turn, router, 'started, startup delay over');
}

export function anotherIsMaster(turn: Turn, router: VirtualRouter): void {
  mastership.dropLeftovers(turn, router);
}

export function stopQuietly(turn: Turn, router: VirtualRouter): void {
  mastership.dropLeftovers(turn, router);
  router.timers.startAtMs = NEVER;
}

// Backup

/** RFC 9568 §6.4.2; in a sync group all members must want it. */
export function declareMasterDown(turn: Turn, router: VirtualRouter): void {
  if (!router.group) {
    mastership.enterMaster(turn, router, masterDownReason(turn, router));
    return;
  }
  router.wantsMaster = true;
  // Long enough for the other members' timers to run out as well; the engine then moves all of them at once.
  router.timers.masterDownAtMs = turn.nowMs + router.masterAdverIntervalMs + minimalSkewOf(router);
  if (!groupWantsMaster(router.group))
    logSometimes(turn, router, 'group', () => 'the master is gone, waiting for the sync group', 'info');
}

function masterDownReason(turn: Turn, router: VirtualRouter): string {
  const { heard } = router;
  if (heard.priority < 0) return 'no master was heard';
  if (heard.priority === 0) return 'the master released its role (priority 0)';
  const silentMs = turn.nowMs - heard.atMs;
  if (heard.priority < router.effectivePriority && silentMs <= activeDownInterval(router))
    return `preempting ${formatIp(heard.address)}, priority ${heard.priority}`;
  return `nothing heard from ${formatIp(heard.address)} for ${silentMs.toFixed(0)} ms`;
}

/** RFC 9568 §6.4.2: the master resigns. */
export function waitForSkew(turn: Turn, router: VirtualRouter): void {
  router.timers.masterDownAtMs = turn.nowMs + skewTimeOf(router);
}

export function acceptMaster(turn: Turn, router: VirtualRouter, event: Heard): void {
  if (router.preemptAtMs > turn.nowMs) log(turn, router, 'preempt_delay ended: a better master was heard');
  router.preemptAtMs = 0;
  restartMasterDown(turn, router, event);
}

function restartMasterDown(turn: Turn, router: VirtualRouter, event: Heard): void {
  learnInterval(turn, router, event);
  router.wantsMaster = false;
  turn.yielded = router;
  router.timers.masterDownAtMs = turn.nowMs + activeDownInterval(router);
  mastership.dropLeftovers(turn, router);
}

/** Version 3 follows the master's interval (RFC 9568 §6.4.2). An interval of 0 would make us flap. */
function learnInterval(turn: Turn, router: VirtualRouter, event: Heard): void {
  const { adverIntervalMs } = event;
  if (router.config.version !== 3 || adverIntervalMs === 0) return;
  if (adverIntervalMs !== router.masterAdverIntervalMs)
    logSometimes(
      turn,
      router,
      'interval',
      () => `the master advertises every ${adverIntervalMs} ms, not ${router.config.advertIntervalMs} ms`,
      'info',
    );
  router.masterAdverIntervalMs = adverIntervalMs;
}

export function acceptUnlessPreempting(turn: Turn, router: VirtualRouter, event: Heard): void {
  const { config } = router;
  mastership.dropLeftovers(turn, router);
  // The owner of the addresses knows neither nopreempt nor preempt_delay.
  const isOwner = config.priority === PRIORITY_OWNER;
  const mayPreempt = !router.handedOver && (isOwner || config.preempt === 'preempt');
  if (mayPreempt && !isOwner && config.preemptDelayMs > 0 && router.preemptAtMs === 0) {
    router.preemptAtMs = turn.nowMs + config.preemptDelayMs;
    log(turn, router, `a lower priority is master: preempting after ${config.preemptDelayMs / 1000} s`);
  }
  if (!mayPreempt || router.preemptAtMs > turn.nowMs) restartMasterDown(turn, router, event);
}

/** The running timer moves by as much as the skew has changed. */
export function shiftMasterDown(
  turn: Turn,
  router: VirtualRouter,
  event: RouterEventOf<'priorityChanged'>,
): void {
  const { timers } = router;
  timers.masterDownAtMs = Math.max(
    turn.nowMs,
    timers.masterDownAtMs + skewTimeOf(router) - event.skewBeforeMs,
  );
}

export function followGroupToMaster(turn: Turn, router: VirtualRouter): void {
  mastership.enterMaster(turn, router, `${masterDownReason(turn, router)} (sync group)`);
}

// Master

/** The phase is kept unless we were stalled for longer than an interval. */
export function sendAdvertisement(turn: Turn, router: VirtualRouter): void {
  advertise(turn, router);
  const { timers, config } = router;
  timers.adverAtMs += config.advertIntervalMs;
  if (timers.adverAtMs <= turn.nowMs) timers.adverAtMs = turn.nowMs + config.advertIntervalMs;
}

export function announceAgain(turn: Turn, router: VirtualRouter): void {
  router.timers.announceAtMs = NEVER;
  announce(turn, router, 'second', router.config.garp.masterRepeat);
}

export function refresh(turn: Turn, router: VirtualRouter): void {
  const { garp } = router.config;
  router.timers.refreshAtMs = garp.masterRefreshMs > 0 ? turn.nowMs + garp.masterRefreshMs : NEVER;
  announce(turn, router, 'refresh', garp.masterRefreshRepeat);
}

export function restoreMissing(turn: Turn, router: VirtualRouter): void {
  router.timers.restoreAtMs = NEVER;
  addAgain(turn, router);
}

/** RFC 9568 §6.4.3: say at once that there is a master. */
export function assertMastership(turn: Turn, router: VirtualRouter): void {
  advertise(turn, router);
  router.timers.adverAtMs = turn.nowMs + router.config.advertIntervalMs;
}

/** The lower one may not hear us, or has just announced our addresses as its own. */
export function outbidLower(turn: Turn, router: VirtualRouter, event: Heard): void {
  const { config, timers } = router;
  logSometimes(
    turn,
    router,
    'lower',
    () => `received priority ${event.priority} from ${formatIp(router.heard.address)} while MASTER`,
  );
  if (!config.lowerPrioNoAdvert) assertMastership(turn, router);
  announce(turn, router, 'lowerPriority', config.garp.lowerPrioRepeat);
  if (config.garp.lowerPrioDelayMs > 0) timers.announceAtMs = turn.nowMs + config.garp.lowerPrioDelayMs;
  const { effectivePriority: priority } = router;
  const reason = `priority ${event.priority} heard`;
  turn.actions.push({
    kind: 'notify',
    type: 'INSTANCE',
    router,
    state: 'MASTER_RX_LOWER_PRI',
    priority,
    reason,
  });
}

/** RFC 9568 §6.4.3: between masters of equal priority the higher source address stays. */
export function breakTie(turn: Turn, router: VirtualRouter, event: Heard): void {
  if (event.senderOrder > 0) yieldToHigher(turn, router, event);
  else outbidLower(turn, router, event);
}

export function yieldToHigher(turn: Turn, router: VirtualRouter, event: Heard): void {
  if (router.config.higherPrioSendAdvert) advertise(turn, router);
  learnInterval(turn, router, event);
  const from = formatIp(router.heard.address);
  mastership.stepDown(turn, router, `${from} is MASTER with priority ${event.priority}`, false);
}

export function fault(turn: Turn, router: VirtualRouter): void {
  mastership.enterFault(turn, router);
}

export function restoreLost(turn: Turn, router: VirtualRouter, event: RouterEventOf<'addressLost'>): void {
  const { address: lost } = event;
  lost.held = false;
  lost.lostCount++;
  const text = formatIp(lost.address.address);
  if (lost.address.noTrack) {
    log(turn, router, `${text} was removed from ${lost.interface} by someone else (no_track)`);
    return;
  }
  logSometimes(
    turn,
    router,
    `lost ${text}`,
    () =>
      `${text} was removed from ${lost.interface} by someone else (${lost.lostCount} times); putting it back`,
  );
  retryLater(turn, router, lost);
}

export function retryAddress(
  turn: Turn,
  router: VirtualRouter,
  event: RouterEventOf<'addressAddFailed'>,
): void {
  const { address: failed, error } = event;
  failed.held = false;
  failed.error = error;
  failed.restoredAtMs = turn.nowMs;
  router.counters.addressAddFailures++;
  const text = formatIp(failed.address.address);
  logSometimes(turn, router, `add ${text}`, () => `${text} cannot be added: ${error}`, 'error');
  retryLater(turn, router, failed);
}

export function countSendFailure(
  turn: Turn,
  router: VirtualRouter,
  event: RouterEventOf<'sendFailed'>,
): void {
  router.counters.sendFailures++;
  logSometimes(turn, router, 'send', () => `an advertisement could not be sent: ${event.error}`);
}

export function handOver(turn: Turn, router: VirtualRouter): void {
  mastership.enterReleasing(turn, router);
}

export function followGroupToBackup(
  turn: Turn,
  router: VirtualRouter,
  event: RouterEventOf<'groupBackup'>,
): void {
  mastership.stepDown(turn, router, `${event.member} of the sync group became BACKUP`, true);
}

// Releasing

/** The first priority 0 may have been lost. */
export function repeatRelease(turn: Turn, router: VirtualRouter): void {
  release(turn, router);
  router.timers.adverAtMs = turn.nowMs + router.config.advertIntervalMs;
}

/** The linger is over, or nobody came. */
export function endRelease(turn: Turn, router: VirtualRouter): void {
  if (router.successorHeard) {
    finishRelease(turn, router);
    return;
  }
  router.counters.handoversFailed++;
  log(turn, router, 'the handover failed: nobody took over', 'warning');
  if (router.group?.members.some(member => member.state === 'Backup'))
    mastership.stepDown(turn, router, 'the sync group was handed over', false);
  else mastership.enterMaster(turn, router, 'the handover failed: nobody took over');
}

function finishRelease(turn: Turn, router: VirtualRouter): void {
  const from = formatIp(router.heard.address);
  mastership.stepDown(turn, router, `handed over to ${from}`, false);
}

/** A third router's goodbye means nothing; the successor's means that it is our turn after the skew. */
export function successorReleases(turn: Turn, router: VirtualRouter): void {
  if (!router.successorHeard) return;
  finishRelease(turn, router);
  waitForSkew(turn, router);
}

export function successorHeard(turn: Turn, router: VirtualRouter, event: Heard): void {
  learnInterval(turn, router, event);
  mastership.hearSuccessor(turn, router);
}

// Fault

export function anotherFault(turn: Turn, router: VirtualRouter): void {
  mastership.tellFault(turn, router);
}

export function beginAfterFault(turn: Turn, router: VirtualRouter): void {
  mastership.begin(turn, router, 'no fault is left');
}

// Several states

export function stop(turn: Turn, router: VirtualRouter, event: RouterEventOf<'stop'>): void {
  const reason = event.told === undefined ? 'stopped' : 'removed from the configuration';
  mastership.enterInitialize(turn, router, reason, event.told ?? 'STOP');
}

export function refuseHandover(turn: Turn, router: VirtualRouter): void {
  log(turn, router, `not handed over: it is ${router.state}, not MASTER`);
}

export function endHandover(turn: Turn, router: VirtualRouter): void {
  if (router.handedOver) log(turn, router, 'the handover is over: it may preempt again');
  router.handedOver = false;
}
