import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatSeconds, parseBoolean, parseInteger, parseIntegerOfAnyBase, parseSeconds } from './number.ts';

describe('numbers', () => {
  test('seconds survive printing', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 40 }), microseconds => {
        const milliseconds = microseconds / 1000;
        expect(parseSeconds(formatSeconds(milliseconds))).toBe(milliseconds);
      }),
    );
  });

  test.each([
    ['0.07', 70],
    ['.5', 500],
    ['2.', 2000],
    ['1e3', undefined],
    ['', undefined],
    ['0x10', undefined],
  ])('%j s is %s ms', (text, expected) => {
    expect(parseSeconds(text)).toBe(expected);
  });

  test('integers', () => {
    expect(['12', '-3', ' 4', '1.0', '0x1', ''].map(parseInteger)).toEqual([
      12,
      -3,
      4,
      undefined,
      undefined,
      undefined,
    ]);
    expect(['0x1f', '010', '10', 'x'].map(parseIntegerOfAnyBase)).toEqual([31, 8, 10, undefined]);
  });

  test('booleans', () => {
    expect(['on', 'true', 'yes', 'off', 'false', 'no', 'ON', '1'].map(parseBoolean)).toEqual([
      true,
      true,
      true,
      false,
      false,
      false,
      undefined,
      undefined,
    ]);
  });
});
