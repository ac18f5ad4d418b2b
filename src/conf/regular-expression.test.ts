import { expect, test } from 'vitest';
import { translateRegex } from './regular-expression.ts';

test.each<[string, string[], string, boolean]>([
  ['h.llo', [], 'HELLO', false],
  ['h.llo', ['caseless'], 'HELLO', true],
  ['(?i)hello', [], 'HELLO', true],
  ['o$', [], 'hello\n', true],
  ['o$', ['dollar_endonly'], 'hello\n', false],
  ['\\Ahello\\z', [], 'hello', true],
  ['a.b', [], 'a\rb', true],
  ['a.b', ['dotall'], 'a\nb', true],
  ['[[:digit:]]+', [], 'abc1', true],
  ['[]x]', [], ']', true],
  ['a b # comment', ['extended'], 'ab', true],
  ['\\Qa.b\\E', [], 'axb', false],
  ['(?P<n>a)(?P=n)', [], 'aa', true],
])('%s with %j on %j: %s', (pattern, options, text, matches) => {
  const translation = translateRegex(pattern, options);
  expect(translation.ok && translation.regex.test(text)).toBe(matches);
});

test.each(['a++', '(?>a)', '(?R)', '(*ACCEPT)', '[a'])('%s is refused', pattern => {
  expect(translateRegex(pattern, []).ok).toBe(false);
});
