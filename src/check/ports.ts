/**
 * What checkers and the rest of the worker say to each other. The checkers' plan and verdicts are pure (this folder);
 * `#daemon/worker` does the connecting.
 */

/** How one attempt of a checker ended. */
export interface Outcome {
  readonly ok: boolean;
  /** What was seen, in one line: `HTTP status 503 from 10.0.0.1:80/`, `connection refused`, `no answer within 5000 ms`. */
  readonly said: string;
  /** From MISC_CHECK with `misc_dynamic`: the weight that the answer asks for, 0–253. */
  readonly weight?: number;
  /** From FILE_CHECK: what the file's number adds to the real server's weight; may be negative. */
  readonly weightAdded?: number;
}

/**
 * How an attempt ended. One that could not be made here (no descriptor left, `bindto` is not an address of this host)
 * says nothing about the real server, and changes nothing.
 */
export type AttemptEnd =
  ({ readonly made: true } & Outcome) | { readonly made: false; readonly said: string };

/** A checker's standing opinion of its real server. */
export interface Verdict {
  readonly up: boolean;
  /** Overrides the real server's weight while up; undefined: the configured weight. */
  readonly weight: number | undefined;
  /** FILE_CHECK: to be added to the real server's weight while up, 0 for other checkers; the sum counts as 0–65535. */
  readonly weightAdded: number;
  /** What the last attempt saw; empty before the first. */
  readonly said: string;
}

/** For status and "why is this real server down". */
export interface CheckerStatus extends Verdict {
  readonly kind: string;
  /** Attempts, and how many of them failed, since the start. */
  readonly attempts: number;
  readonly failures: number;
  /** Failures in a row up to now, against `retry`. */
  readonly failuresInARow: number;
  /** `CLOCK_MONOTONIC` in ms of the last attempt's end and of the last change of verdict; undefined: none yet. */
  readonly lastAttemptAtMs: number | undefined;
  readonly lastChangeAtMs: number | undefined;
}
