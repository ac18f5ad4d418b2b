import { assert } from '#base/assert.ts';
import * as when from './cells.ts';
import type { RouterEvent, RouterEventKind, RouterEventOf } from './router-event.ts';
import type { RouterState, VirtualRouter } from './state.ts';
import type { Turn } from './turn.ts';

/**
 * # The state machine of one virtual router
 *
 * RFC 9568 §6.4 has three states, keepalived a fourth (Fault), and a planned handover needs a fifth:
 *
 *     Initialize ──start──► Backup ──masterDownTimer──► Master ──handover──► Releasing
 *         ▲                  ▲  ▲                        │  ▲                  │   │
 *         └── stop (any)     │  └───── heardHigher ──────┘  └── nobody came ───┘   │
 *                            │                                                     │
 *     any ──faultRaised──► Fault ──faultCleared──► Backup ◄── successor heard ─────┘
 *
 * The table below has a cell for every state and every event; a missing one does not compile. A cell is a function of
 * `cells.ts` that mutates the router and appends actions, or one of two markers:
 *
 * - `when.ignored`: can happen here and changes nothing. Most are outcomes of actions that arrive after the state was
 *   left: the removal of an address that failed, the advertisement that could not be sent.
 * - `when.impossible`: cannot happen unless we have a defect, such as a timer that this state never runs. It asserts.
 *
 * What is easy to get wrong, and where it is settled:
 *
 * - **Backup hears a lower priority** and preempts: the advertisement is discarded WITHOUT restarting the timer. So a
 *   demotion by weight costs what is left of the master-down interval, while a fault (priority 0) costs the skew only.
 *   With `nopreempt`, a running `preempt_delay` or after a handover it is accepted like any other.
 * - **Equal priorities** tie only between masters: the higher source address stays. A backup accepts its equal.
 * - **A master hears a lower priority**: the loser's gratuitous ARP has just poisoned caches, so the winner
 *   advertises and announces again, now and once more after the delay. The loser announces nothing.
 * - **Priority 0** makes a backup wait for its skew, and a master advertise at once so that backups stay backups.
 * - **Order.** Becoming master: advertisement, filter, addresses, excluded addresses, routes, rules, announcements,
 *   notification. Leaving: priority 0 (never when another master was heard), rules, routes, addresses, filter,
 *   notification. The advertisement goes first because it is what makes the other side yield.
 * - **Stalls.** Timers are checked before sockets are read, so after a stall a dead-looking master may have sent
 *   advertisements that wait in the socket. `masterDownTimer` and `releaseTimer` therefore only fire in a deadline
 *   event that says `socketsDrained` (engine.ts).
 * - **Releasing** has sent priority 0 and repeats nothing else, so that a VRID never has two senders of
 *   advertisements; it holds the addresses until the successor's advertisement is here and 10 ms more. If the
 *   successor's interval and skew pass without one, it is Master again. Afterwards it does not preempt until
 *   `handoverEnd`, a restart, or until it has become master because the successor died.
 * - **Leftovers**: addresses of a killed predecessor, found on the interface at start, stay while nobody else is
 *   known to be master (the clients' connections live on), are removed when any advertisement is heard, on Fault and
 *   on stop, and are simply kept when this router becomes master.
 * - **Lost addresses** are put back at once, then at most once a second each; mastership is not given up for them.
 */
type Cell<K extends RouterEventKind> = (turn: Turn, router: VirtualRouter, event: RouterEventOf<K>) => void;
export type Row = { readonly [K in RouterEventKind]: Cell<K> };

export const TRANSITIONS: { readonly [S in RouterState]: Row } = {
  Initialize: {
    start: when.armStart,
    startTimer: when.beginAfterStart,
    masterDownTimer: when.impossible,
    adverTimer: when.impossible,
    announceTimer: when.impossible,
    refreshTimer: when.impossible,
    releaseTimer: when.impossible,
    restoreTimer: when.impossible,
    heardRelease: when.ignored,
    heardLower: when.anotherIsMaster,
    heardEqual: when.anotherIsMaster,
    heardHigher: when.anotherIsMaster,
    faultRaised: when.ignored,
    faultCleared: when.ignored,
    priorityChanged: when.ignored,
    addressLost: when.impossible,
    addressAddFailed: when.ignored,
    sendFailed: when.countSendFailure,
    handover: when.refuseHandover,
    handoverEnd: when.endHandover,
    groupBackup: when.ignored,
    groupMaster: when.impossible,
    stop: when.stopQuietly,
  },
  Backup: {
    start: when.impossible,
    startTimer: when.impossible,
    masterDownTimer: when.declareMasterDown,
    adverTimer: when.impossible,
    announceTimer: when.impossible,
    refreshTimer: when.impossible,
    releaseTimer: when.impossible,
    restoreTimer: when.impossible,
    heardRelease: when.waitForSkew,
    heardLower: when.acceptUnlessPreempting,
    heardEqual: when.acceptMaster,
    heardHigher: when.acceptMaster,
    faultRaised: when.fault,
    faultCleared: when.impossible,
    priorityChanged: when.shiftMasterDown,
    addressLost: when.impossible,
    addressAddFailed: when.ignored,
    sendFailed: when.countSendFailure,
    handover: when.refuseHandover,
    handoverEnd: when.endHandover,
    groupBackup: when.ignored,
    groupMaster: when.followGroupToMaster,
    stop: when.stop,
  },
  Master: {
    start: when.impossible,
    startTimer: when.impossible,
    masterDownTimer: when.impossible,
    adverTimer: when.sendAdvertisement,
    announceTimer: when.announceAgain,
    refreshTimer: when.refresh,
    releaseTimer: when.impossible,
    restoreTimer: when.restoreMissing,
    heardRelease: when.assertMastership,
    heardLower: when.outbidLower,
    heardEqual: when.breakTie,
    heardHigher: when.yieldToHigher,
    faultRaised: when.fault,
    faultCleared: when.impossible,
    priorityChanged: when.ignored,
    addressLost: when.restoreLost,
    addressAddFailed: when.retryAddress,
    sendFailed: when.countSendFailure,
    handover: when.handOver,
    handoverEnd: when.endHandover,
    groupBackup: when.followGroupToBackup,
    groupMaster: when.ignored,
    stop: when.stop,
  },
  Releasing: {
    start: when.impossible,
    startTimer: when.impossible,
    masterDownTimer: when.impossible,
    adverTimer: when.repeatRelease,
    announceTimer: when.impossible,
    refreshTimer: when.impossible,
    releaseTimer: when.endRelease,
    restoreTimer: when.restoreMissing,
    heardRelease: when.successorReleases,
    heardLower: when.successorHeard,
    heardEqual: when.successorHeard,
    heardHigher: when.successorHeard,
    faultRaised: when.fault,
    faultCleared: when.impossible,
    priorityChanged: when.ignored,
    addressLost: when.restoreLost,
    addressAddFailed: when.retryAddress,
    sendFailed: when.countSendFailure,
    handover: when.ignored,
    handoverEnd: when.endHandover,
    groupBackup: when.ignored,
    groupMaster: when.impossible,
    stop: when.stop,
  },
  Fault: {
    start: when.impossible,
    startTimer: when.impossible,
    masterDownTimer: when.impossible,
    adverTimer: when.impossible,
    announceTimer: when.impossible,
    refreshTimer: when.impossible,
    releaseTimer: when.impossible,
    restoreTimer: when.impossible,
    heardRelease: when.ignored,
    heardLower: when.ignored,
    heardEqual: when.ignored,
    heardHigher: when.ignored,
    faultRaised: when.anotherFault,
    faultCleared: when.beginAfterFault,
    priorityChanged: when.ignored,
    addressLost: when.impossible,
    addressAddFailed: when.ignored,
    sendFailed: when.countSendFailure,
    handover: when.refuseHandover,
    handoverEnd: when.endHandover,
    groupBackup: when.ignored,
    groupMaster: when.impossible,
    stop: when.stop,
  },
};

/** Delivers one event to one router. */
export function dispatch(turn: Turn, router: VirtualRouter, event: RouterEvent): void {
  const cell = TRANSITIONS[router.state][event.kind] as Cell<RouterEventKind>;
  assert(typeof cell === 'function', `no cell for ${router.state} × ${event.kind}`);
  cell(turn, router, event);
}
