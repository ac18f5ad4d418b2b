import type { NotifyState } from './action.ts';
import type { AddressState } from './state.ts';

/**
 * What can happen to one virtual router: the columns of the transition table. The engine derives them from its own
 * events (`event.ts`), from received packets, from timers and from what happens to the rest of a sync group.
 */
export type RouterEvent =
  | { readonly kind: TimerKind }
  | Heard
  /** All that is known at start has been told. */
  | { readonly kind: 'start' }
  /** There are faults now, or new ones besides those that were there. */
  | { readonly kind: 'faultRaised' }
  /** The last fault is gone. */
  | { readonly kind: 'faultCleared' }
  /** The effective priority has changed; the router already has the new one. */
  | { readonly kind: 'priorityChanged'; readonly skewBeforeMs: number }
  /** Someone else removed an address that we hold. */
  | { readonly kind: 'addressLost'; readonly address: AddressState }
  | { readonly kind: 'addressAddFailed'; readonly address: AddressState; readonly error: string }
  | { readonly kind: 'sendFailed'; readonly error: string }
  | { readonly kind: 'handover' }
  | { readonly kind: 'handoverEnd' }
  /** Another member of the sync group became BACKUP. */
  | { readonly kind: 'groupBackup'; readonly member: string }
  /** All members of the sync group are, or want to be, MASTER. */
  | { readonly kind: 'groupMaster' }
  /** The daemon stops (STOP), or a reload removed the instance (what `told` says). */
  | { readonly kind: 'stop'; readonly told?: NotifyState };

/** One deadline of `Timers` each. */
type TimerKind =
  | 'startTimer'
  | 'masterDownTimer'
  | 'adverTimer'
  | 'announceTimer'
  | 'refreshTimer'
  | 'releaseTimer'
  | 'restoreTimer';

/** A valid advertisement, classified by its priority against our effective one. The object is reused. */
export interface Heard {
  kind: HeardKind;
  priority: number;
  /** Its sender's address against our source address: positive when it is the higher one (RFC 9568 §6.4.3). */
  senderOrder: number;
  /** Interval that it announces. */
  adverIntervalMs: number;
}

export type HeardKind = 'heardRelease' | 'heardLower' | 'heardEqual' | 'heardHigher';
export type RouterEventKind = RouterEvent['kind'];
/** The event that a column's cells get. */
export type RouterEventOf<K extends RouterEventKind> = K extends HeardKind
  ? Heard
  : K extends TimerKind
    ? { readonly kind: TimerKind }
    : Extract<RouterEvent, { kind: K }>;
