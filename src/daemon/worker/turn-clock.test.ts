import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { turnClock } from './turn-clock.ts';

test('stands still until the callback has ended, and is right in the next one', async () => {
  let realMs = 5;
  let looks = 0;
  const nowMs = turnClock(() => {
    looks++;
    return realMs;
  });
  expect(nowMs()).toBe(5);
  realMs = 7;
  expect(nowMs()).toBe(5);
  expect(looks).toBe(1);
  await setImmediate();
  expect(nowMs()).toBe(7);
});
