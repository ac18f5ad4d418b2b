import { describe, expect, test } from 'vitest';
import { runChaos } from './simulator-chaos.ts';

describe('random clusters under random misfortune', () => {
  test('keep every invariant', () => {
    let failovers = 0;
    for (let seed = 1; seed <= 120; seed++) failovers += runChaos(seed, 20).failovers;
    expect(failovers).toBeGreaterThan(400);
  });

  test('replay from their seed', () => {
    expect(runChaos(7, 30)).toEqual(runChaos(7, 30));
  });

  test('a host whose clock runs fast or slow is woken at its deadline, not before', () => {
    expect(runChaos(7525, 40).misfortunes).toBe(40);
  });
});
