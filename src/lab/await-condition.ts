import { setTimeout as sleep } from 'node:timers/promises';
import { LabError } from './lab-error.ts';
import { PATIENCE } from './patience.ts';

/**
 * Polls `condition` until it returns something other than undefined, and returns that.
 *
 * @throws {LabError} naming `what` when `timeoutMs` times {@link PATIENCE} have passed; whatever `condition` throws ends the wait at once.
 */
export async function awaitCondition<T>(
  what: string,
  timeoutMs: number,
  condition: () => T | undefined | Promise<T | undefined>,
  everyMs = 10,
): Promise<T> {
  const patientMs = timeoutMs * PATIENCE;
  const deadline = performance.now() + patientMs;
  for (;;) {
    const value = await condition();
    if (value !== undefined) return value;
    if (performance.now() >= deadline) throw new LabError(`${what}: not within ${patientMs} ms`);
    await sleep(everyMs * PATIENCE);
  }
}
