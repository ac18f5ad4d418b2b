import fc from 'fast-check';
import { expect, test } from 'vitest';
import { FakeClock } from './clock.ts';

test('appointments run in order of time, then of making, and never late ones', () => {
  fc.assert(
    fc.property(fc.array(fc.nat({ max: 20 })), fc.nat({ max: 20 }), (times, until) => {
      const clock = new FakeClock();
      const ran: [number, number][] = [];
      for (const [index, atMs] of times.entries())
        clock.at(atMs, () => {
          expect(clock.nowMs).toBe(atMs);
          ran.push([atMs, index]);
        });
      clock.runUntil(until);
      const expected = times
        .map((atMs, index): [number, number] => [atMs, index])
        .filter(([atMs]) => atMs <= until)
        .sort(([a, i], [b, j]) => a - b || i - j);
      expect(ran).toEqual(expected);
      expect(clock.nowMs).toBe(until);
    }),
  );
});

test('one may make others, and cancel others', () => {
  const clock = new FakeClock();
  const ran: string[] = [];
  const never = clock.at(3, () => ran.push('never'));
  clock.at(1, () => {
    never.cancelled = true;
    clock.after(1, () => ran.push('later'));
    clock.at(0, () => ran.push('a past time is now'));
  });
  clock.runUntil(5);
  expect(ran).toEqual(['a past time is now', 'later']);
});

test('time that stands still is an error, not a hang', () => {
  const clock = new FakeClock();
  const again = (): void => void clock.after(0, again);
  clock.at(1, again);
  expect(() => clock.runUntil(2)).toThrow('time stands still at 1 ms');
});
