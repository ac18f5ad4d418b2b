import { expect, test } from 'vitest';
import { fuzzConfigs } from './fuzz-configs.ts';
import { fuzz, FuzzFailure } from './fuzz-meter.ts';
import { fuzzPackets } from './fuzz-packets.ts';

// A small share of what `node bench/fuzz.ts` does, with ten times its limit: cold, and beside other tests.
const LONGEST_MS = 100;
const HEAP_BYTES = 8 * 1024 * 1024;

test('hostile packets throw nothing, keep nothing and cost little; good ones are heard', () => {
  const { longestCallMs, heapGrowthBytes, accepted } = fuzzPackets(10_000, 1);
  expect(longestCallMs).toBeLessThan(LONGEST_MS);
  expect(heapGrowthBytes).toBeLessThan(HEAP_BYTES);
  expect(accepted).toBeGreaterThan(3000);
});

test('hostile configurations throw nothing, keep nothing and cost little; good ones are read', () => {
  const { longestCallMs, heapGrowthBytes, good } = fuzzConfigs(800, 1);
  expect(longestCallMs).toBeLessThan(LONGEST_MS);
  expect(heapGrowthBytes).toBeLessThan(HEAP_BYTES);
  expect(good).toBeGreaterThan(30);
});

test('one seed always does the same', () => {
  expect(fuzzPackets(300, 7).accepted).toBe(fuzzPackets(300, 7).accepted);
  expect(fuzzConfigs(30, 7).good).toBe(fuzzConfigs(30, 7).good);
});

test('a call that throws is told with its number and input', () => {
  const attempt = (index: number) => ({
    run: () => {
      if (index === 3) throw new Error('oh');
    },
    again: () => {},
    describe: () => `input ${index}`,
  });
  expect(() => fuzz(5, attempt)).toThrow(FuzzFailure);
  expect(() => fuzz(5, attempt)).toThrow('call 3 threw: oh\ninput 3');
});
