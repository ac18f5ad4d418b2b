import { describe, expect, test } from 'vitest';
import { absolutePath, applyIncludeCheck, directoryOf, expandBraces } from './include.ts';

describe('include', () => {
  test.each([
    ['a', ['a']],
    ['{foo/{,cat,dog},bar}', ['foo/', 'foo/cat', 'foo/dog', 'bar']],
    ['a{b', ['a{b']],
    ['a}b{c}', ['a}bc']],
  ])('braces of %s', (pattern, expected) => {
    expect(expandBraces(pattern)).toEqual(expected);
  });

  test.each([
    ['../x', '/a/b', '/a/x'],
    ['./x//y', 'd', 'd/x/y'],
    ['/x/../../y', '/a', '/y'],
    ['../../x', 'a', '../x'],
    ['x', '', 'x'],
  ])('%s in %j is %s', (path, directory, expected) => {
    expect(absolutePath(path, directory)).toBe(expected);
  });

  test('directories', () => {
    expect(['/k.conf', 'k.conf', 'a/b/c'].map(directoryOf)).toEqual(['/', '', 'a/b']);
  });

  test('an option that is none', () => {
    expect(applyIncludeCheck(new Set(), ['match', 'nope'])).toEqual({ unknown: 'nope' });
  });
});
