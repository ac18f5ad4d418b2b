/** How a long piece of work shares its process with what must not be kept waiting. */
export interface Pace {
  /** Work between two looks at everything else, in ms. */
  readonly sliceMs: number;
  /** Rest after each slice, in ms; 0: as much as the other events of the process take. */
  readonly pauseMs: number;
  /** A clock in ms. */
  readonly nowMs: () => number;
}

/** Steps between two looks at the clock: where that is a system call, one costs more than a step. */
const STEPS_PER_LOOK = 8;

/**
 * Goes through the steps of `work` in slices; the first begins at once. Rejects with the signal's reason when it is
 * aborted, and with what a step throws.
 */
export function inSlices<T>(work: Generator<undefined, T>, pace: Pace, signal?: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const goOn = (): void => {
      try {
        signal?.throwIfAborted();
        const untilMs = pace.nowMs() + pace.sliceMs;
        do {
          for (let i = 0; i < STEPS_PER_LOOK; i++) {
            const step = work.next();
            if (step.done) {
              resolve(step.value);
              return;
            }
          }
        } while (pace.nowMs() < untilMs);
      } catch (error) {
        reject(error instanceof Error ? error : new Error(String(error)));
        return;
      }
      // Sockets are looked at before every immediate, but not between two timers that are due.
      if (pace.pauseMs > 0) setTimeout(() => setImmediate(goOn), pace.pauseMs);
      else setImmediate(goOn);
    };
    goOn();
  });
}
