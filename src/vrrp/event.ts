import type { VirtualRouter } from './state.ts';

/**
 * What the shell tells the engine. Each is delivered with `step(engine, event, nowMs, actions)`; received packets go
 * through `receive(engine, packet, nowMs, actions)` instead, which allocates nothing.
 */
export type EngineEvent =
  | StartEvent
  | StopEvent
  | DeadlineEvent
  | LinkEvent
  | AddressEvent
  | StaticsEvent
  | OutcomeEvent
  | TrackerEvent
  | OperatorEvent;

/** Everything known at start (links, addresses) has been told; instances may leave Initialize. */
export interface StartEvent {
  readonly kind: 'start';
  /** Age of the host's boot in ms, for `vrrp_delay_after_boot`; undefined: not considered. */
  readonly sinceBootMs?: number;
}

/** A clean stop of the whole daemon: masters send priority 0 and everything ours is removed. */
interface StopEvent {
  readonly kind: 'stop';
}

/**
 * `nextDeadline(engine)` has passed. `socketsDrained`: every VRRP socket was read until empty before this call. When
 * it is false and a master would be declared dead (or this process was stalled while being master), the engine answers
 * with a `drainSockets` action instead; the shell drains, delivers what it read and repeats the event with `true`.
 */
export interface DeadlineEvent {
  readonly kind: 'deadline';
  readonly socketsDrained: boolean;
}

/** An interface appeared, changed or vanished. */
export interface LinkEvent {
  readonly kind: 'linkChanged';
  readonly interface: string;
  /** False: it was deleted (or renamed away); its addresses are forgotten. */
  readonly exists: boolean;
  /** IFF_UP and IFF_RUNNING. */
  readonly up: boolean;
}

/**
 * An address appeared on or vanished from an interface, whoever did it: our own changes are recognised. At start the
 * shell tells all that are there, which is how leftovers of a killed predecessor are found. Tentative IPv6 addresses
 * are told when they become usable.
 */
export interface AddressEvent {
  readonly kind: 'addressAdded' | 'addressRemoved';
  readonly interface: string;
  readonly address: Uint8Array;
  /** It carries the daemon's mark: a killed predecessor put it there. */
  readonly ours?: boolean;
}

/** Which static addresses, routes and rules with a `track_group` are not there and cannot be put back. */
interface StaticsEvent {
  readonly kind: 'staticsMissing';
  /** By the name of the group. */
  readonly missing: ReadonlyMap<string, string>;
}

/** What became of an action. Success is silent. */
export type OutcomeEvent =
  /** A VIP could not be added. `EEXIST` is a success and not reported. */
  | {
      readonly kind: 'addressAddFailed';
      readonly router: VirtualRouter;
      readonly address: Uint8Array;
      readonly error: string;
    }
  /** A VIP could not be removed. Its absence (`EADDRNOTAVAIL`) is reported too, so that the echo is not awaited. */
  | {
      readonly kind: 'addressRemoveFailed';
      readonly router: VirtualRouter;
      readonly address: Uint8Array;
      readonly error: string;
      /** True if it was not there. */
      readonly gone: boolean;
    }
  | { readonly kind: 'sendFailed'; readonly router: VirtualRouter; readonly error: string }
  /** The sockets of a router could not be opened; it is in FAULT until `socketOpened`. The shell tries again. */
  | { readonly kind: 'socketFailed'; readonly router: VirtualRouter; readonly error: string }
  | { readonly kind: 'socketOpened'; readonly router: VirtualRouter };

/** Raw results of trackers; rise, fall, weights and reversal are the engine's. */
export type TrackerEvent =
  /** One run of a `vrrp_script` ended; `success` only for exit code 0. */
  | { readonly kind: 'scriptResult'; readonly script: string; readonly success: boolean }
  /** Whether a `track_process` has its quorum, after its delays. */
  | { readonly kind: 'processResult'; readonly process: string; readonly quorate: boolean }
  /** The number in a `track_file`; an unreadable or empty file is 0. */
  | { readonly kind: 'fileValue'; readonly file: string; readonly value: number };

/** What an operator asks of one instance (and so of its sync group). */
type OperatorEvent =
  /** Hand the mastership to the best backup; only a MASTER does anything. */
  | { readonly kind: 'handover'; readonly router: VirtualRouter }
  /** A handed-over instance may preempt again. */
  | { readonly kind: 'handoverEnd'; readonly router: VirtualRouter };
