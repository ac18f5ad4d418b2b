import { expect, test } from 'vitest';
import { LADDER } from './ladder.ts';
import { keepalivedState, METRIC_NAMES, STATE_NUMBER } from './names.ts';
import { ROUTER_STATES } from './state.ts';

test('a router that hands over is still MASTER to the outside', () => {
  expect(ROUTER_STATES.map(keepalivedState)).toEqual(['INIT', 'BACKUP', 'MASTER', 'MASTER', 'FAULT']);
  expect(STATE_NUMBER[keepalivedState('Releasing')]).toBe(2);
});

test('every metric has a name of its own, and every rung a counter of its own', () => {
  const names = Object.values(METRIC_NAMES);
  expect(new Set(names).size).toBe(names.length);
  expect(new Set(LADDER.map(rung => rung.counter)).size).toBe(LADDER.length);
});
