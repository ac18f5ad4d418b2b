import { expect, test } from 'vitest';
import type { Diagnostic } from '#base/errors.ts';
import { oncePerPlace } from './diagnostics.ts';

const position = { file: 'i.yml', line: 3, column: 5 };
const error = (message: string, line = 3): Diagnostic => ({
  id: 'vrid-range',
  severity: 'error',
  message,
  position: { ...position, line },
});

test('the same said of several hosts at one place is said once', () => {
  const said = oncePerPlace([
    error('V on a: the VRID is 300'),
    error('the group is empty'),
    error('V on b: the VRID is 300'),
    error('V on c: the VRID is 300', 9),
    error('V on d: the VRID is 301'),
    error('the group is empty'),
  ]);
  expect(said.map(({ message }) => message)).toEqual([
    'V on a, b: the VRID is 300',
    'the group is empty',
    'V on c: the VRID is 300',
    'V on d: the VRID is 301',
    'the group is empty',
  ]);
});
