import { expect, test } from 'vitest';
import { defaultPriority, masterDownIntervalMs, skewTimeMs } from './timers.ts';

test.each([
  [2, 100, 1000, 609.375, 3609.375],
  [2, 100, 5000, 609.375, 15_609.375],
  [2, 254, 1000, 7.8125, 3007.8125],
  [3, 100, 1000, 609.375, 3609.375],
  [3, 254, 10, 0.078125, 30.078125],
  [3, 255, 1000, 3.90625, 3003.90625],
] as const)('version %d, priority %d, %d ms', (version, priority, interval, skew, down) => {
  expect(skewTimeMs(version, priority, interval)).toBe(skew);
  expect(masterDownIntervalMs(version, priority, interval)).toBe(down);
});

test('down_timer_adverts', () => {
  expect(masterDownIntervalMs(2, 100, 1000, 1)).toBe(1609.375);
});

test('priority follows the state', () => {
  expect([undefined, 'BACKUP' as const, 'MASTER' as const].map(defaultPriority)).toEqual([100, 100, 255]);
});
