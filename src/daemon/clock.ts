/** Turns times of the monotonic clock into wall-clock times. */
export interface Clocks {
  /** CLOCK_MONOTONIC in ms. */
  readonly monotonicMs: () => number;
  /** Unix epoch in ms. */
  readonly wallMs: () => number;
}

/** When something happened that the monotonic clock showed `atMs` at; whole milliseconds since the epoch. */
export function wallTimeOf(atMs: number, clocks: Clocks): number {
  return Math.round(clocks.wallMs() - (clocks.monotonicMs() - atMs));
}
