import { must } from '#base/assert.ts';
import type { RouterEvent } from './router-event.ts';
import { groupFaults, hasNewFault, ownFaults } from './faults.ts';
import { groupStateOf, groupWantsMaster } from './groups.ts';
import { same, sourceOf } from './interfaces.ts';
import { keepalivedState } from './names.ts';
import { buildPackets } from './router.ts';
import type { Fault, GroupState, SyncGroup, VirtualRouter, VrrpEngine } from './state.ts';
import { skewTimeOf } from './timers.ts';
import { effectivePriority } from './tracking.ts';
import { dispatch } from './transitions.ts';
import { log, type Turn } from './turn.ts';

/**
 * What follows when the surroundings change: sources and sockets, then faults, then priorities. Everything is computed
 * anew from what is known, and only differences are dispatched, so the order in which news arrives cannot matter.
 */
export function refreshAll(engine: VrrpEngine, turn: Turn): void {
  for (const router of engine.routers) refreshSource(engine, turn, router);
  refreshFaults(engine, turn);
  for (const router of engine.routers) refreshPriority(engine, turn, router);
}

function refreshSource(engine: VrrpEngine, turn: Turn, router: VirtualRouter): void {
  const source = sourceOf(engine, router);
  const changed = source === undefined ? router.source !== undefined : !sameSource(source, router.source);
  router.source = source;
  if (changed) buildPackets(router);
  const exists =
    engine.interfaces.get(router.segment.interface)?.exists ?? router.config.interface === undefined;
  if (router.socketsWanted && !exists) {
    router.socketsWanted = false;
    router.socketError = undefined;
    turn.actions.push({ kind: 'closeRouter', router });
  } else if (router.socketsWanted && changed && source !== undefined) {
    turn.actions.push({ kind: 'reopenRouter', router });
  } else if (!router.socketsWanted && exists && source !== undefined) {
    router.socketsWanted = true;
    turn.actions.push({ kind: 'openRouter', router });
  }
}

function sameSource(source: Uint8Array, before: Uint8Array | undefined): boolean {
  return before !== undefined && same(source, before);
}

function refreshFaults(engine: VrrpEngine, turn: Turn): void {
  const own = new Map<VirtualRouter, Fault[]>();
  for (const router of engine.routers) own.set(router, ownFaults(engine, router));
  for (const router of engine.routers) {
    const mine = must(own.get(router), 'a router without computed faults');
    const { group } = router;
    const now = group && mine.length === 0 ? groupFaults(group, router, own) : mine;
    const before = router.faults;
    router.faults = now;
    if (hasNewFault(before, now)) deliver(turn, router, { kind: 'faultRaised' });
    else if (before.length > 0 && now.length === 0) deliver(turn, router, { kind: 'faultCleared' });
    else if (before.length > now.length) router.reason = now.map(fault => fault.reason).join(', ');
  }
}

function refreshPriority(engine: VrrpEngine, turn: Turn, router: VirtualRouter): void {
  const priority = effectivePriority(engine, router);
  const before = router.effectivePriority;
  if (priority === before) return;
  const skewBeforeMs = skewTimeOf(router);
  router.effectivePriority = priority;
  log(turn, router, `effective priority ${before} → ${priority}`);
  deliver(turn, router, { kind: 'priorityChanged', skewBeforeMs });
  if (router.config.notifyPriorityChanges) turn.actions.push({ kind: 'notifyPriority', router, priority });
}

/** Dispatches one event and lets the router's sync group follow. */
export function deliver(turn: Turn, router: VirtualRouter, event: RouterEvent): void {
  turn.yielded = undefined;
  dispatch(turn, router, event);
  const { group } = router;
  if (!group) return;
  if (turn.yielded) takeAlong(turn, group, router);
  else if (router.wantsMaster && groupWantsMaster(group))
    for (const member of group.members) dispatch(turn, member, { kind: 'groupMaster' });
}

/** One member to Backup takes the rest along; masters send priority 0. */
function takeAlong(turn: Turn, group: SyncGroup, router: VirtualRouter): void {
  for (const member of group.members)
    if (member !== router && member.state === 'Master')
      dispatch(turn, member, { kind: 'groupBackup', member: router.config.name });
}

/** Notices what the members' states add up to, and tells. Runs after every event: allocates nothing unless it changed. */
export function refreshGroups(engine: VrrpEngine, turn: Turn): void {
  for (const group of engine.groups) {
    const state = groupStateOf(group);
    if (state !== group.state && group.members.length > 0) changeGroup(turn, group, state);
  }
}

function changeGroup(turn: Turn, group: SyncGroup, state: GroupState): void {
  const awaited =
    state === 'Fault' && group.members.every(member => member.faults.every(({ pending }) => pending));
  if (awaited) return;
  const wasRunning = group.state !== 'Initialize';
  group.state = state;
  group.sinceMs = turn.nowMs;
  const told = state === 'Initialize' ? 'STOP' : keepalivedState(state);
  if (told === 'INIT' || (told === 'STOP' && !wasRunning)) return;
  const reason = group.members.find(member => member.state === state)?.reason ?? '';
  turn.actions.push({ kind: 'notify', type: 'GROUP', group, state: told, reason });
}
