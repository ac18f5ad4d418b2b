import { assert } from '#base/assert.ts';
import type { Config } from '#conf/model.ts';
import type { Action } from './action.ts';
import { fireTimers } from './deadlines.ts';
import type { AddressEvent, EngineEvent, OutcomeEvent, StartEvent, TrackerEvent } from './event.ts';
import { forgetAddress, noteAddress, noteLink, same } from './interfaces.ts';
import { deliver, refreshAll, refreshGroups } from './refresh.ts';
import { newRouter } from './router.ts';
import type { AddressState, VirtualRouter, VrrpEngine } from './state.ts';
import { newGroups, newTrackers, warnOfDroppedWeights } from './topology.ts';
import { applyScriptResult, trackerKey } from './tracking.ts';
import { addressKey, beginTurn, log, settleRemoval, type Turn } from './turn.ts';

export { nextDeadline } from './deadlines.ts';
export { receive } from './receive.ts';
export { reconfigure } from './reconfigure.ts';
export { preparePackets } from './router.ts';

/**
 * The engine: all of VRRP on one host, as a value that `step` changes. It has no clock, socket or randomness; times are
 * the shell's monotonic milliseconds, fractions included, and must not decrease.
 *
 * A shell creates it, tells every link and address (`linkChanged`, `addressAdded`), then `start`; executes the actions
 * of each call in order; arms one timer at `nextDeadline` and delivers `deadline` when it has passed; hands every
 * received packet to `receive`; and tells what changes. The action buffer is the caller's to clear.
 */
export function createEngine(
  config: Config,
  nowMs: number,
  actions: Action[],
  options: EngineOptions = {},
): VrrpEngine {
  const interfaces: VrrpEngine['interfaces'] = new Map();
  const engine: VrrpEngine = {
    config,
    routers: [],
    groups: [],
    segments: new Map(),
    trackers: newTrackers(config),
    interfaces,
    missingStatics: new Map(),
    startedAtMs: undefined,
    stopped: false,
    ahSequenceStart: options.ahSequenceStart ?? 0,
    turn: { nowMs, actions: [], interfaces, removalsPending: new Map(), yielded: undefined },
    heard: { kind: 'heardEqual', priority: 0, senderOrder: 0, adverIntervalMs: 0 },
  };
  engine.routers = config.vrrpInstances.map(instance => newRouter(engine, instance, nowMs));
  engine.groups = newGroups(engine, nowMs);
  warnOfDroppedWeights(engine, beginTurn(engine, nowMs, actions));
  return engine;
}

export interface EngineOptions {
  /** First AH sequence number: seconds since 1970, so that it never falls back across restarts. */
  readonly ahSequenceStart?: number;
}

/** Delivers one event; actions are appended. */
export function step(engine: VrrpEngine, event: EngineEvent, nowMs: number, actions: Action[]): void {
  const turn = beginTurn(engine, nowMs, actions);
  if (engine.stopped) return;
  switch (event.kind) {
    case 'start':
      start(engine, turn, event);
      break;
    case 'stop':
      for (const router of engine.routers) deliver(turn, router, event);
      engine.stopped = true;
      break;
    case 'deadline':
      fireTimers(engine, turn, event.socketsDrained);
      break;
    case 'linkChanged':
      noteLink(engine, event);
      refreshAll(engine, turn);
      if (!event.exists) loseAddressesOn(engine, turn, event.interface);
      break;
    case 'addressAdded':
    case 'addressRemoved':
      addressChanged(engine, turn, event);
      break;
    case 'handover':
    case 'handoverEnd':
      for (const member of event.router.group?.members ?? [event.router])
        deliver(turn, member, { kind: event.kind });
      break;
    case 'scriptResult':
    case 'processResult':
    case 'fileValue':
      if (noteResult(engine, event)) refreshAll(engine, turn);
      break;
    case 'staticsMissing':
      engine.missingStatics = event.missing;
      refreshAll(engine, turn);
      break;
    case 'addressAddFailed':
    case 'addressRemoveFailed':
    case 'sendFailed':
    case 'socketFailed':
    case 'socketOpened':
      outcome(engine, turn, event);
      break;
  }
  refreshGroups(engine, turn);
}

/** RFC 9568 §6.4.1; with a startup delay the routers stay in Initialize meanwhile. */
function start(engine: VrrpEngine, turn: Turn, event: StartEvent): void {
  assert(engine.startedAtMs === undefined, 'started twice');
  engine.startedAtMs = turn.nowMs;
  const { vrrpStartupDelayMs, vrrpDelayAfterBootMs } = engine.config.globalDefs;
  const afterBootMs = event.sinceBootMs === undefined ? 0 : vrrpDelayAfterBootMs - event.sinceBootMs;
  const delayMs = Math.max(vrrpStartupDelayMs, afterBootMs, 0);
  refreshAll(engine, turn);
  for (const router of engine.routers) {
    if (delayMs > 0) router.timers.startAtMs = turn.nowMs + delayMs;
    deliver(turn, router, { kind: 'start' });
  }
}

function addressChanged(engine: VrrpEngine, turn: Turn, event: AddressEvent): void {
  if (event.kind === 'addressAdded') {
    noteAddress(engine, event.interface, event.address);
    if (engine.startedAtMs === undefined)
      for (const [, state] of statesOf(engine, event)) state.leftover = true;
    const isLeaving = turn.removalsPending.has(addressKey(event.interface, event.address));
    for (const [, state] of statesOf(engine, event))
      state.ours = event.ours === true || isLeaving || state.held;
  } else {
    forgetAddress(engine, event.interface, event.address);
    const isEcho = settleRemoval(turn, addressKey(event.interface, event.address));
    for (const [router, state] of statesOf(engine, event)) {
      state.ours = false;
      state.leftover = false;
      if (!isEcho && state.held) deliver(turn, router, { kind: 'addressLost', address: state });
    }
  }
  refreshAll(engine, turn);
}

function statesOf(engine: VrrpEngine, event: AddressEvent): [VirtualRouter, AddressState][] {
  return engine.routers.flatMap(router =>
    router.addresses
      .filter(state => state.interface === event.interface && same(state.address.address, event.address))
      .map((state): [VirtualRouter, AddressState] => [router, state]),
  );
}

/** With an interface go its addresses; those of routers on other interfaces are missed there. */
function loseAddressesOn(engine: VrrpEngine, turn: Turn, name: string): void {
  for (const key of turn.removalsPending.keys())
    if (key.startsWith(`${name} `)) turn.removalsPending.delete(key);
  for (const router of engine.routers) {
    for (const state of router.addresses) {
      if (state.interface !== name) continue;
      state.ours = false;
      state.leftover = false;
      if (state.held) deliver(turn, router, { kind: 'addressLost', address: state });
    }
  }
}

function noteResult(engine: VrrpEngine, event: TrackerEvent): boolean {
  if (event.kind === 'scriptResult') {
    const state = engine.trackers.get(trackerKey('script', event.script));
    const script = engine.config.vrrpScripts.find(each => each.name === event.script);
    return state !== undefined && script !== undefined && applyScriptResult(state, script, event.success);
  }
  const [kind, name] =
    event.kind === 'processResult' ? (['process', event.process] as const) : (['file', event.file] as const);
  const state = engine.trackers.get(trackerKey(kind, name));
  if (!state) return false;
  const verdict = event.kind === 'fileValue' || event.quorate ? 'up' : 'down';
  const value = event.kind === 'fileValue' ? event.value : 0;
  const changed = state.verdict !== verdict || state.value !== value;
  state.verdict = verdict;
  state.value = value;
  return changed;
}

function outcome(engine: VrrpEngine, turn: Turn, event: OutcomeEvent): void {
  const { router } = event;
  switch (event.kind) {
    case 'sendFailed':
      deliver(turn, router, event);
      break;
    case 'socketFailed':
    case 'socketOpened':
      router.socketError = event.kind === 'socketFailed' ? event.error : undefined;
      refreshAll(engine, turn);
      break;
    case 'addressAddFailed': {
      const state = router.addresses.find(each => same(each.address.address, event.address));
      if (state) deliver(turn, router, { kind: 'addressAddFailed', address: state, error: event.error });
      break;
    }
    case 'addressRemoveFailed':
      noteRemoveFailed(turn, router, event);
  }
}

function noteRemoveFailed(
  turn: Turn,
  router: VirtualRouter,
  event: Extract<OutcomeEvent, { kind: 'addressRemoveFailed' }>,
): void {
  const state = router.addresses.find(each => same(each.address.address, event.address));
  settleRemoval(turn, addressKey(state?.interface ?? router.segment.interface, event.address));
  if (!event.gone) log(turn, router, `an address cannot be removed: ${event.error}`, 'error');
}
