import { expect, test } from 'vitest';
import { OneAtATime } from './one-at-a-time.ts';

/** A task whose runs end when they are told to. */
function bench() {
  const ends: (() => void)[] = [];
  const began: number[] = [];
  const task = new OneAtATime(() => {
    const number = began.push(began.length + 1);
    return new Promise<number>((resolve, reject) => {
      ends.push(() => (number === 13 ? reject(new Error('unlucky')) : resolve(number)));
    });
  });
  return { task, began, end: () => ends.shift()?.() };
}

test('who asks while it runs gets the next run, one for all of them', async () => {
  const { task, began, end } = bench();
  const first = task.run();
  const others = [task.run(), task.run()];
  expect(began).toEqual([1]);
  end();
  expect(await first).toBe(1);
  await new Promise(setImmediate);
  expect(began).toEqual([1, 2]);
  const last = task.run();
  end();
  expect(await Promise.all(others)).toEqual([2, 2]);
  await new Promise(setImmediate);
  end();
  expect(await last).toBe(3);
  expect(began).toEqual([1, 2, 3]);
});

test('a run that fails does not hold up the next', async () => {
  const { task, end } = bench();
  for (let number = 1; number <= 12; number++) {
    const run = task.run();
    end();
    expect(await run).toBe(number);
  }
  const unlucky = task.run();
  const next = task.run();
  end();
  await expect(unlucky).rejects.toThrow('unlucky');
  await new Promise(setImmediate);
  end();
  expect(await next).toBe(14);
});
