import { expect, test } from 'vitest';
import { inSlices } from './slices.ts';

/** A clock that a step of `stepMs` moves on, and what happens besides. */
function bench(stepMs: number) {
  let nowMs = 0;
  let steps = 0;
  const slices: number[] = [];
  function* work(count: number): Generator<undefined, string> {
    for (let i = 0; i < count; i++) {
      nowMs += stepMs;
      steps++;
      yield;
    }
    return 'done';
  }
  /** How many steps were done in each turn of the event loop. */
  const watch = (): NodeJS.Immediate =>
    setImmediate(() => {
      slices.push(steps);
      steps = 0;
      watching = watch();
    });
  let watching = watch();
  return { work, slices, pace: { sliceMs: 2, nowMs: () => nowMs }, end: () => clearImmediate(watching) };
}

test.each([0, 1])('a slice ends in time, and other events have their turn; %d ms pause', async pauseMs => {
  const { work, slices, pace, end } = bench(0.05);
  expect(await inSlices(work(1000), { ...pace, pauseMs })).toBe('done');
  end();
  // 2 ms, and what is done before the clock is looked at once more.
  expect(Math.max(...slices)).toBeLessThanOrEqual(48);
  expect(slices.filter(steps => steps > 0).length).toBeGreaterThanOrEqual(20);
});

test('what is short is done at once', async () => {
  const { work, pace, end } = bench(0.5);
  let isDone = false;
  void inSlices(work(3), { ...pace, pauseMs: 1 }).then(() => (isDone = true));
  await Promise.resolve();
  end();
  expect(isDone).toBe(true);
});

test('is given up when that is asked for', async () => {
  const { work, pace, end } = bench(2);
  const asked = new AbortController();
  const result = inSlices(work(1_000_000), { ...pace, pauseMs: 0 }, asked.signal);
  setImmediate(() => asked.abort(new Error('stopping')));
  await expect(result).rejects.toThrow('stopping');
  end();
});

test('a step that throws rejects', async () => {
  function* broken(): Generator<undefined, never> {
    yield;
    throw new Error('broken');
  }
  await expect(inSlices(broken(), { sliceMs: 2, pauseMs: 0, nowMs: () => 0 })).rejects.toThrow('broken');
});
