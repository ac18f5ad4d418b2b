import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { messageOf } from '#base/errors.ts';

/** What became of many calls with hostile input. */
export interface FuzzResult {
  readonly calls: number;
  /** The longest call; of a slow one the fastest of a few repetitions counts. */
  readonly longestCallMs: number;
  /** The input of the longest call. */
  readonly longestInput: string;
  /** Growth of the heap after garbage collection, from a tenth of the calls to the last. */
  readonly heapGrowthBytes: number;
}

/** One input and what is done with it. */
export interface Attempt {
  run(): void;
  /** Does the same again without a trace in what later attempts see. */
  again(): void;
  describe(): string;
}

/** A call threw: carries what replays it. */
export class FuzzFailure extends Error {
  override name = 'FuzzFailure';
}

/** Repetitions of a slow call: what other processes, garbage collection or compilation took in its middle does not count. */
const REPETITIONS = 3;

/**
 * Runs attempts 0 … calls − 1.
 *
 * @throws {FuzzFailure} with number and input of the first that throws.
 */
export function fuzz(calls: number, attempt: (index: number) => Attempt): FuzzResult {
  const collectGarbage = garbageCollector();
  const warmUp = Math.ceil(calls / 10);
  let heapBefore = 0;
  let longestCallMs = 0;
  let longestInput = '';
  for (let index = 0; index < calls; index++) {
    if (index === warmUp) heapBefore = heapAfter(collectGarbage);
    const current = attempt(index);
    let tookMs = 0;
    try {
      tookMs = elapsedMs(() => current.run());
      if (index >= warmUp && tookMs > longestCallMs) tookMs = Math.min(tookMs, fastestAgain(current));
    } catch (cause) {
      throw new FuzzFailure(`call ${index} threw: ${messageOf(cause)}\n${current.describe()}`, { cause });
    }
    // The first calls compile.
    if (index < warmUp || tookMs <= longestCallMs) continue;
    longestCallMs = tookMs;
    longestInput = current.describe();
  }
  return { calls, longestCallMs, longestInput, heapGrowthBytes: heapAfter(collectGarbage) - heapBefore };
}

function fastestAgain(current: Attempt): number {
  return Math.min(...Array.from({ length: REPETITIONS }, () => elapsedMs(() => current.again())));
}

function elapsedMs(run: () => void): number {
  const startedAtMs = performance.now();
  run();
  return performance.now() - startedAtMs;
}

function heapAfter(collectGarbage: () => void): number {
  collectGarbage();
  return process.memoryUsage().heapUsed;
}

function garbageCollector(): () => void {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as () => void;
}
