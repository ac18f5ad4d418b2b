/** A deadline that was missed by more than this is a stall: the process was stopped, starved or busy. */
const STALL_MS = 50;

/** What is known of stalls of the event loop. */
export interface Stalls {
  readonly count: number;
  /** The longest, in ms. */
  readonly longestMs: number;
  /** CLOCK_MONOTONIC in ms at the end of the last; undefined if there was none. */
  readonly lastAtMs: number | undefined;
}

/** Measures how late the timer of the next deadline is served. */
export class StallMeter {
  #count = 0;
  #longestMs = 0;
  #lastAtMs: number | undefined;

  /** A deadline was served at `nowMs`; returns by how many ms it was missed if that was a stall, otherwise 0. */
  served(dueAtMs: number, nowMs: number): number {
    const lateMs = nowMs - dueAtMs;
    if (lateMs < STALL_MS) return 0;
    this.#count++;
    this.#longestMs = Math.max(this.#longestMs, lateMs);
    this.#lastAtMs = nowMs;
    return lateMs;
  }

  get stalls(): Stalls {
    return { count: this.#count, longestMs: this.#longestMs, lastAtMs: this.#lastAtMs };
  }
}
