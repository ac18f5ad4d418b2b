import { expect, test } from 'vitest';
import { must } from '#base/assert.ts';
import { identityOf, isAlive } from './state.ts';

test('a process is told from a later one with the same id', () => {
  const own = must(identityOf(process.pid), 'we are alive');
  expect(isAlive(own)).toBe(true);
  expect(isAlive({ ...own, startTicks: own.startTicks + 1 })).toBe(false);
  expect(isAlive({ ...own, bootId: 'another boot' })).toBe(false);
  expect(identityOf(0)).toBeUndefined();
});
