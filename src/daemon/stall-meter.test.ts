import { expect, test } from 'vitest';
import { StallMeter } from './stall-meter.ts';

test('counts deadlines that were missed by much, and keeps the longest', () => {
  const meter = new StallMeter();
  expect(meter.served(100, 149)).toBe(0);
  expect(meter.stalls).toEqual({ count: 0, longestMs: 0, lastAtMs: undefined });
  expect(meter.served(100, 1100)).toBe(1000);
  expect(meter.served(2000, 2060)).toBe(60);
  // Nothing was due.
  expect(meter.served(Number.POSITIVE_INFINITY, 5000)).toBe(0);
  expect(meter.stalls).toEqual({ count: 2, longestMs: 1000, lastAtMs: 2060 });
});
