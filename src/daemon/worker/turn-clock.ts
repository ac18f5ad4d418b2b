/**
 * A clock that stands still while one callback of the event loop runs, as the loop's own does: a callback may ask it
 * thousands of times, and where the clock is no page of memory (vDSO) each look is a system call.
 */
export function turnClock(nowMs: () => number): () => number {
  let seenMs: number | undefined;
  const forget = (): void => {
    seenMs = undefined;
  };
  return () => {
    if (seenMs === undefined) {
      seenMs = nowMs();
      queueMicrotask(forget);
    }
    return seenMs;
  };
}
