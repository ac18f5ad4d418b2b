import type { Action, Announce, LogAction } from './action.ts';
import { ECHO_PATIENCE_MS, LOG_INTERVAL_MS } from './timers.ts';
import type { AddressState, InterfaceState, VirtualRouter, VrrpEngine } from './state.ts';

/** Removals of one address that are under way. After `untilMs` nobody waits for them: an echo can get lost. */
interface PendingRemovals {
  count: number;
  untilMs: number;
}

/** What a handler works with while one event is processed; one object per engine, reused. */
export interface Turn {
  nowMs: number;
  /** The caller's buffer; actions are appended in the order in which they are to be done. */
  actions: Action[];
  /** The engine's. */
  readonly interfaces: ReadonlyMap<string, InterfaceState>;
  /** Removals of addresses that we asked for and whose echo has not arrived, by `addressKey`. */
  readonly removalsPending: Map<string, PendingRemovals>;
  /** A member of a sync group that is, or stays, Backup because another router is master: the rest must follow. */
  yielded: VirtualRouter | undefined;
}

/** The engine's turn object, set to this call. A caller whose clock reading is older than the last is forgiven. */
export function beginTurn(engine: VrrpEngine, nowMs: number, actions: Action[]): Turn {
  const { turn } = engine;
  turn.nowMs = Math.max(turn.nowMs, nowMs);
  turn.actions = actions;
  return turn;
}

/** Names an address on an interface. */
export function addressKey(interfaceName: string, address: Uint8Array): string {
  return `${interfaceName} ${address.join('.')}`;
}

/** Asks for addresses to be removed, and expects to hear of it. */
export function removeAddresses(turn: Turn, router: VirtualRouter, states: readonly AddressState[]): void {
  if (states.length === 0) return;
  for (const state of states) {
    state.held = false;
    state.leftover = false;
    const key = addressKey(state.interface, state.address.address);
    const count = (turn.removalsPending.get(key)?.count ?? 0) + 1;
    turn.removalsPending.set(key, { count, untilMs: turn.nowMs + ECHO_PATIENCE_MS });
  }
  turn.actions.push({ kind: 'removeAddresses', router, addresses: states.map(state => state.address) });
}

/** One echo less to wait for; false if none was awaited. */
export function settleRemoval(turn: Turn, key: string): boolean {
  const pending = turn.removalsPending.get(key);
  if (pending === undefined) return false;
  pending.count--;
  if (pending.count === 0 || pending.untilMs < turn.nowMs) turn.removalsPending.delete(key);
  if (pending.untilMs < turn.nowMs) return false;
  return true;
}

/** Appends a log line about `router`. */
export function log(
  turn: Turn,
  router: VirtualRouter,
  message: string,
  severity: LogAction['severity'] = 'info',
): void {
  turn.actions.push({ kind: 'log', severity, subject: router.config.name, message });
}

/** As {@link log}, at most once per topic and {@link LOG_INTERVAL_MS}: for what can recur with every packet. */
export function logSometimes(
  turn: Turn,
  router: VirtualRouter,
  topic: string,
  message: () => string,
  severity: LogAction['severity'] = 'warning',
): void {
  const last = router.loggedAtMs.get(topic);
  if (last !== undefined && turn.nowMs - last < LOG_INTERVAL_MS) return;
  router.loggedAtMs.set(topic, turn.nowMs);
  log(turn, router, message(), severity);
}

/** Sends an advertisement with the effective priority. */
export function advertise(turn: Turn, router: VirtualRouter): void {
  router.counters.advertisementsSent++;
  let { advertisement } = router;
  if (advertisement?.priority !== router.effectivePriority) {
    advertisement = { kind: 'sendAdvertisement', router, priority: router.effectivePriority };
    router.advertisement = advertisement;
  }
  turn.actions.push(advertisement);
}

/**
 * Sends priority 0: whoever is next may take over after its skew. Not on a link that is down: a unicast packet would wait
 * there for ARP and leave when the cable is back, long after it was true.
 */
export function release(turn: Turn, router: VirtualRouter): void {
  if (turn.interfaces.get(router.segment.interface)?.up === false) return;
  router.counters.priorityZeroSent++;
  turn.actions.push({ kind: 'sendAdvertisement', router, priority: 0 });
}

/** Asks for a burst of gratuitous ARP or neighbour advertisements for the addresses that are held. */
export function announce(
  turn: Turn,
  router: VirtualRouter,
  occasion: Announce['occasion'],
  repeat: number,
): void {
  const addresses = router.addresses.filter(state => state.held).map(state => state.address);
  if (addresses.length > 0 && repeat > 0)
    turn.actions.push({ kind: 'announce', router, addresses, repeat, occasion });
}
