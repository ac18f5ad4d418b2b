import { PRIORITY_OWNER } from '#wire/vrrp.ts';
import type { NotifyState } from './action.ts';
import { NEVER, type RouterState, type VirtualRouter } from './state.ts';
import { activeDownInterval, HANDOVER_LINGER_MS, minimalSkewOf, skewTimeOf } from './timers.ts';
import { advertise, announce, log, release, removeAddresses, type Turn } from './turn.ts';

/**
 * Entering and leaving states: the order of actions here is part of the contract (RFC 9568 §6.4 and
 * keepalived) and is tested as such.
 */

function stopTimers(router: VirtualRouter): void {
  const { timers } = router;
  timers.startAtMs = NEVER;
  timers.masterDownAtMs = NEVER;
  timers.adverAtMs = NEVER;
  timers.announceAtMs = NEVER;
  timers.refreshAtMs = NEVER;
  timers.releaseAtMs = NEVER;
  timers.restoreAtMs = NEVER;
}

function enter(turn: Turn, router: VirtualRouter, state: RouterState, reason: string): void {
  stopTimers(router);
  router.state = state;
  router.sinceMs = turn.nowMs;
  router.reason = reason;
  router.wantsMaster = false;
  router.successorHeard = false;
}

function notify(turn: Turn, router: VirtualRouter, state: NotifyState): void {
  const { effectivePriority: priority, reason } = router;
  turn.actions.push({ kind: 'notify', type: 'INSTANCE', router, state, priority, reason });
}

/** Initialize → whatever the faults, the priority and the group allow (RFC 9568 §6.4.1). Also the way out of Fault. */
export function begin(turn: Turn, router: VirtualRouter, reason: string): void {
  if (router.faults.length > 0) {
    enterFault(turn, router);
    return;
  }
  const isOwner = router.config.priority === PRIORITY_OWNER;
  if (isOwner && !router.group) {
    enterMaster(turn, router, `${reason}, with priority 255`);
    return;
  }
  enterBackup(turn, router, reason, beginDelayMs(router, isOwner));
}

/**
 * A group's owners ask the group first. A member with `state MASTER` in a group that is BACKUP need not wait long, nor
 * need one that a reload adds to a group that is MASTER. A master that a reload gives another identity has its addresses
 * still, and listens for an interval whether the new identity has a master; one without them waits for its skew only.
 */
function beginDelayMs(router: VirtualRouter, isOwner: boolean): number {
  if (isOwner) return 0;
  if (router.succeedsMaster) {
    router.succeedsMaster = false;
    const hasAll = router.addresses.every(address => address.leftover);
    return hasAll ? router.masterAdverIntervalMs + minimalSkewOf(router) : skewTimeOf(router);
  }
  const { group } = router;
  if (group?.state === 'Master' || (group?.state === 'Backup' && router.config.state === 'MASTER'))
    return router.masterAdverIntervalMs + minimalSkewOf(router);
  return activeDownInterval(router);
}

/** → Backup, from a state in which it is not master. */
function enterBackup(
  turn: Turn,
  router: VirtualRouter,
  reason: string,
  masterDownMs = activeDownInterval(router),
): void {
  enter(turn, router, 'Backup', reason);
  router.timers.masterDownAtMs = turn.nowMs + masterDownMs;
  router.preemptAtMs = 0;
  log(turn, router, `entering BACKUP: ${reason}`);
  notify(turn, router, 'BACKUP');
}

/** Backup → Master: the advertisement goes first, so that the other side yields while we still configure. */
export function enterMaster(turn: Turn, router: VirtualRouter, reason: string): void {
  enter(turn, router, 'Master', reason);
  const { config, timers } = router;
  router.masterAdverIntervalMs = config.advertIntervalMs;
  router.handedOver = false;
  router.preemptAtMs = 0;
  router.counters.becomeMaster++;
  log(turn, router, `entering MASTER: ${reason}`);
  advertise(turn, router);
  if (dropsTraffic(router)) turn.actions.push({ kind: 'setAccept', router, dropping: true });
  addMissingAddresses(turn, router);
  if (config.virtualRoutes.length > 0)
    turn.actions.push({ kind: 'addRoutes', router, routes: config.virtualRoutes });
  if (config.virtualRules.length > 0)
    turn.actions.push({ kind: 'addRules', router, rules: config.virtualRules });
  announce(turn, router, 'becameMaster', config.garp.masterRepeat);
  notify(turn, router, 'MASTER');
  timers.adverAtMs = turn.nowMs + config.advertIntervalMs;
  if (config.garp.masterDelayMs > 0) timers.announceAtMs = turn.nowMs + config.garp.masterDelayMs;
  if (config.garp.masterRefreshMs > 0) timers.refreshAtMs = turn.nowMs + config.garp.masterRefreshMs;
}

/** Whether a filter drops traffic to the VIPs while this router is master (RFC 9568 §6.1, Accept_Mode). */
export function dropsTraffic(router: VirtualRouter): boolean {
  return !router.config.accept && router.config.priority !== PRIORITY_OWNER;
}

/** Asks for every address that is not held. */
export function addMissingAddresses(turn: Turn, router: VirtualRouter): void {
  const missing = router.addresses.filter(state => !state.held);
  if (missing.length === 0) return;
  for (const state of missing) {
    state.held = true;
    state.leftover = false;
    state.error = undefined;
  }
  turn.actions.push({ kind: 'addAddresses', router, addresses: missing.map(state => state.address) });
}

/** Undoes what a master has: rules, routes, addresses, filter, each in the reverse order of the taking. */
function giveUpAddresses(turn: Turn, router: VirtualRouter): void {
  const { config } = router;
  if (config.virtualRules.length > 0)
    turn.actions.push({ kind: 'removeRules', router, rules: config.virtualRules });
  if (config.virtualRoutes.length > 0)
    turn.actions.push({ kind: 'removeRoutes', router, routes: config.virtualRoutes });
  removeAddresses(
    turn,
    router,
    router.addresses.filter(state => state.held || state.leftover),
  );
  if (dropsTraffic(router)) turn.actions.push({ kind: 'setAccept', router, dropping: false });
}

/** Removes addresses that a killed predecessor left, once it is known that another router is master or we cannot be. */
export function dropLeftovers(turn: Turn, router: VirtualRouter): void {
  if (!hasLeftovers(router)) return;
  const leftovers = router.addresses.filter(state => state.leftover);
  log(turn, router, 'removing addresses that a previous run left behind');
  removeAddresses(turn, router, leftovers);
}

/** Asked for every advertisement that is heard: allocates nothing. */
function hasLeftovers(router: VirtualRouter): boolean {
  for (const { leftover } of router.addresses) if (leftover) return true;
  return false;
}

/** Master or Releasing → Backup. `sendsRelease` when nobody is known to have taken over. */
export function stepDown(turn: Turn, router: VirtualRouter, reason: string, sendsRelease: boolean): void {
  router.counters.releaseMaster++;
  if (sendsRelease) release(turn, router);
  giveUpAddresses(turn, router);
  enterBackup(turn, router, reason);
  turn.yielded = router;
}

/** Whatever it holds, it gives up; priority 0 unless a successor was heard. */
function resign(turn: Turn, router: VirtualRouter): void {
  if (!isMaster(router)) {
    dropLeftovers(turn, router);
    return;
  }
  router.counters.releaseMaster++;
  if (!router.successorHeard) release(turn, router);
  giveUpAddresses(turn, router);
}

/** Any state → Fault (a state of keepalived's: RFC 5798 has only Initialize). */
export function enterFault(turn: Turn, router: VirtualRouter): void {
  const reason = router.faults.map(fault => fault.reason).join(', ');
  resign(turn, router);
  enter(turn, router, 'Fault', reason);
  router.faultTold = false;
  tellFault(turn, router);
}

/** Logs and notifies a fault, unless only first results of trackers are awaited. */
export function tellFault(turn: Turn, router: VirtualRouter): void {
  router.reason = router.faults.map(fault => fault.reason).join(', ');
  if (router.faults.every(fault => fault.pending)) return;
  log(turn, router, `${router.faultTold ? 'still at fault' : 'entering FAULT'}: ${router.reason}`, 'warning');
  if (!router.faultTold) notify(turn, router, 'FAULT');
  router.faultTold = true;
}

/** Any state → Initialize, for good. `told` is what the outside hears. */
export function enterInitialize(turn: Turn, router: VirtualRouter, reason: string, told: NotifyState): void {
  resign(turn, router);
  enter(turn, router, 'Initialize', reason);
  notify(turn, router, told);
}

/** Master → Releasing: priority 0, and then silence but for its repetition. */
export function enterReleasing(turn: Turn, router: VirtualRouter): void {
  enter(turn, router, 'Releasing', 'handover asked for by an operator');
  router.handedOver = true;
  log(turn, router, 'handing over: priority 0 sent, addresses kept until the next master is heard');
  release(turn, router);
  router.timers.adverAtMs = turn.nowMs + router.config.advertIntervalMs;
  router.timers.releaseAtMs = turn.nowMs + activeDownInterval(router);
}

/** Releasing: the next master has been heard; its addresses get a moment to arrive. */
export function hearSuccessor(turn: Turn, router: VirtualRouter): void {
  if (router.successorHeard) return;
  router.successorHeard = true;
  router.timers.adverAtMs = NEVER;
  router.timers.releaseAtMs = turn.nowMs + HANDOVER_LINGER_MS;
}

/** It holds the addresses: MASTER to the outside. */
export function isMaster(router: VirtualRouter): boolean {
  return router.state === 'Master' || router.state === 'Releasing';
}
