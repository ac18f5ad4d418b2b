/**
 * What checkers and the rest of the worker say to each other. The checkers' plan and verdicts are pure (this folder);
 * `#daemon/worker` does the connecting.
 */

/** How one attempt of a checker ended. */
export interface Outcome {
  readonly ok: boolean;
  /** What was seen, in one line: `HTTP status 503 from 10.0.0.1:80/`, `connection refused`, `no answer within 5000 ms`. */
  readonly said: string;
  /** From MISC_CHECK with `misc_dynamic` and FILE_CHECK: the weight that the answer asks for. */
  readonly weight?: number;
}

/** A checker's standing opinion of its real server. */
export interface Verdict {
  readonly up: boolean;
  /** Overrides the real server's weight while up; undefined: the configured weight. */
  readonly weight: number | undefined;
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
