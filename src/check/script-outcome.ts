import type { Outcome } from './ports.ts';

/**
 * What a MISC_CHECK script's end means: 0 is fine; with `misc_dynamic` 2–255 are fine too and ask for the weight
 * code − 2; all else, death by a signal and the time limit among it (codes from 256 on), is a failure.
 */
export function scriptOutcome(code: number, said: string, dynamic: boolean): Outcome {
  if (code === 0) return { ok: true, said: 'exited with 0' };
  if (dynamic && code >= 2 && code <= 255) return { ok: true, said, weight: code - 2 };
  return { ok: false, said };
}
