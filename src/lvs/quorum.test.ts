import { describe, expect, test } from 'vitest';
import { hasQuorum } from './quorum.ts';

describe('quorum 7, hysteresis 2', () => {
  const rule = { quorum: 7, hysteresis: 2 };
  const course = (sums: readonly number[]): boolean[] => {
    let had = false;
    return sums.map(sum => (had = hasQuorum(rule, had, sum)));
  };

  test('is gained at 9 and lost below 5', () => {
    expect(course([0, 7, 8, 9, 7, 6, 5, 4, 5, 8, 9])).toEqual([
      false,
      false,
      false,
      true,
      true,
      true,
      true,
      false,
      false,
      false,
      true,
    ]);
  });
});

test('without any weight there is no quorum, even of 0', () => {
  expect(hasQuorum({ quorum: 0, hysteresis: 0 }, true, 0)).toBe(false);
});
