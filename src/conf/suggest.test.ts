import { describe, expect, test } from 'vitest';
import { didYouMean, nearest } from './suggest.ts';

describe('suggestions', () => {
  const words = ['priority', 'preempt', 'nopreempt', 'state'];

  test.each([
    ['priorty', 'priority'],
    ['noprempt', 'nopreempt'],
    ['stat', 'state'],
    ['bogus', undefined],
    ['x'.repeat(100), undefined],
  ])('%s', (word, expected) => {
    expect(nearest(word, words)).toBe(expected);
  });

  test('as a hint', () => {
    expect(didYouMean('stat', words)).toBe('did you mean `state`?');
    expect(didYouMean('bogus', words)).toBeUndefined();
  });
});
