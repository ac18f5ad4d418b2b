/** The plan of one host: data that an executor runs, prints or leaves alone (check mode). */
import type { ShownChange, TaskStatus } from '#control/events.ts';
import type { Expectation } from '#control/expectation.ts';
import type { DaemonStatus } from '#control/status.ts';
import type { DepartureChanges } from './departures.ts';
import type { Change } from './module.ts';
import type { Fragment } from './shell.ts';
import type { ElectionChange, WireBreak } from './vrrp-change.ts';

/** What one task came to before anything is changed. */
export interface PlannedTask {
  /** Unique within the host's plan; equals {@link Step}'s `task`. */
  readonly id: number;
  readonly role: string | undefined;
  readonly name: string;
  readonly status: Exclude<TaskStatus, 'changed'>;
  readonly reason?: string;
  readonly changes: readonly ShownChange[];
}

/**
 * One command sequence that the host runs, in order; a failing step ends the host's program. The assembled program
 * writes `intend` and `done` around the fragment itself.
 */
export type Step =
  | {
      /** Early, in parallel with other hosts; never touches what serves. */
      readonly kind: 'stage';
      readonly task: number;
      readonly name: string;
      readonly fragment: Fragment;
    }
  | {
      readonly kind: 'apply';
      readonly task: number;
      readonly name: string;
      readonly change: Change;
      readonly fragment: Fragment;
      /** Records written ahead (and fsynced) and after, one JSON line each; absent where teardown has nothing to undo. */
      readonly records?: { readonly intend: string; readonly done: string };
    }
  | {
      readonly kind: 'handler';
      readonly name: string;
      readonly fragment: Fragment;
      readonly effect: 'reload' | 'restart';
    }
  /** Book-keeping in the ledger (pending handlers and gates, compaction); not shown. */
  | { readonly kind: 'note'; readonly name: string; readonly fragment: Fragment };

/** A check that must hold after the turn before the next host's turn begins. */
export interface Gate {
  readonly name: string;
  /** Succeeds (exit 0) when the gate holds; waits by itself, up to `timeoutMs`, and explains on stderr. */
  readonly fragment: Fragment;
  /** Upper bound on the whole gate. */
  readonly timeoutMs: number;
  /**
   * Instead of waiting by itself the fragment prints the VRRP daemon's status, and is asked again until all of this
   * holds; then `held` is noted on the host, or `stopped` if it does not in time.
   */
  readonly until?: {
    readonly expected: Expectation;
    /** What the daemon must read; undefined: whatever it does. */
    readonly configuration: string | undefined;
    readonly held: Fragment;
    readonly stopped: Fragment;
  };
}

/** A turn after which this host and a peer that has not had its turn do not understand each other any more. */
export interface WirePlan {
  readonly breaks: readonly WireBreak[];
  /** Stops the daemon; the turn's handler starts it. */
  readonly pause: Fragment;
  /** Starts it as it was, if the turn does not come. */
  readonly resume: Fragment;
}

export interface HostPlan {
  readonly host: string;
  readonly tasks: readonly PlannedTask[];
  /** Run on all hosts side by side: effect `none`, and the staging and validation of the rest. */
  readonly early: readonly Step[];
  /**
   * Run after `early`, still side by side: changes that may cut our own connection. Only with {@link selfRevert}
   * armed before them and disarmed after a NEW connection succeeded.
   */
  readonly guarded: readonly Step[];
  /** True if they take away what the daemon needs until its turn: they are its first part. */
  readonly guardedInTurn?: boolean;
  /** Set if and only if `guarded` is not empty: takes `guarded` back without us; safe to run after any part of it. */
  readonly selfRevert: Fragment | undefined;
  /** Run on one host of a cluster at a time, under locks: what can disturb. Handlers are its last steps. */
  readonly turn: readonly Step[];
  /** After the turn; also set with an empty turn when an earlier run stopped at or before them. */
  readonly gates: readonly Gate[];
  /** Set if the turn changes what the host's VRRP daemon says or understands. */
  readonly wire?: WirePlan;
  /** What the turn changes in the instances' elections; empty if it changes nothing there. */
  readonly elections?: readonly ElectionChange[];
  /** Handlers of a roll-out that stopped: they wait until somebody asks for them (`--resume`). */
  readonly withheld?: { readonly handlers: readonly string[]; readonly stoppedAt: string };
  /** Handlers that an earlier run left behind and that this plan runs. */
  readonly resumed: readonly string[];
  /** Real servers that this host, a director, does without; absent where that is not planned. */
  readonly departures?: DepartureChanges;
  /** tandemd's own account, if it runs: who is MASTER decides the rolling order. */
  readonly live: DaemonStatus | undefined;
  /**
   * True if more tasks can only be planned once this plan's registers are known; alone, without tasks and steps, it only
   * asks for another round of reading.
   */
  readonly barrier: boolean;
}

/** True if the plan has anything to run. */
export function hasWork(plan: HostPlan): boolean {
  return plan.early.length + plan.guarded.length + plan.turn.length + plan.gates.length > 0;
}
