import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { removeComment, splitShellWords, splitWords } from './lexer.ts';
import { printCommand } from './print-words.ts';
import { Text } from './text.ts';

const at = (text: string): Text => Text.at(text, { file: 'f', line: 3, column: 1 });

describe('comments', () => {
  test.each([
    ['  priority 100 # high', 'priority 100'],
    ['priority 100! high', 'priority 100'],
    ['notify "a # b ! c" # d', 'notify "a # b ! c"'],
    ['auth_pass a\\#b\\!c', 'auth_pass a#b!c'],
    ['notify "a \\" # b"', 'notify "a \\" # b"'],
    ['# only', ''],
    ['\tü \t', 'ü'],
  ])('%j is %j', (raw, expected) => {
    expect(removeComment(at(raw)).line.text).toBe(expected);
  });

  test('a backslash at the end continues the line, in a comment too', () => {
    expect(removeComment(at('state MASTER \\'))).toMatchObject({
      continued: true,
      line: { text: 'state MASTER' },
    });
    expect(removeComment(at('state MASTER # x \\'))).toMatchObject({
      continued: true,
      line: { text: 'state MASTER' },
    });
  });

  test('an open quote is told', () => {
    expect(removeComment(at('notify "a')).openQuote).toBe(true);
  });

  test('columns survive the removal of an escape', () => {
    expect(splitWords(removeComment(at('  a\\#b cd')).line).map(word => word.position.column)).toEqual([
      3, 8,
    ]);
  });
});

describe('words', () => {
  test.each([
    ['a  b\tc', ['a', 'b', 'c']],
    ['a "b  c" d', ['a', 'b  c', 'd']],
    ['a"b c"d', ['a', 'b c', 'd']],
    ["auth_pass it's", ['auth_pass', "it's"]],
    ['a "b', ['a', 'b']],
    ['a \\n', ['a', '\\n']],
  ])('%j', (line, expected) => {
    expect(splitWords(at(line)).map(word => word.text)).toEqual(expected);
  });

  test.each([
    ['abcd" efg h jkl "mnop', ['abcd efg h jkl mnop']],
    ['abcd "efg h jkl" mnop', ['abcd', 'efg h jkl', 'mnop']],
    ['a \'b "c" d\'', ['a', 'b "c" d']],
    ['\\"a\\" \\x41b \\101 \\cA \\t', ['"a"', '\x1b', 'A', '\x01', '\t']],
    ["''", ['']],
  ])('like a shell: %j', (line, expected) => {
    const split = splitShellWords(at(line));
    expect(split.ok && split.words.map(word => word.text)).toEqual(expected);
  });

  test('a quote that is never closed has a position', () => {
    expect(splitShellWords(at("a 'b"))).toEqual({
      ok: false,
      quote: "'",
      position: { file: 'f', line: 3, column: 3 },
    });
  });

  test('a printed command splits into the same argv', () => {
    const argument = fc.string({
      unit: fc.constantFrom(...Array.from('aZ0 \'"\\#!{}$@~%ü\t|/-')),
      maxLength: 8,
    });
    fc.assert(
      fc.property(fc.array(argument, { minLength: 1, maxLength: 4 }), argv => {
        const line = removeComment(at(`notify ${printCommand(argv)}`)).line;
        const outer = splitShellWords(line);
        const command = outer.ok ? outer.words[1]?.text : undefined;
        const inner = splitShellWords(at(command ?? ''));
        expect(inner.ok && inner.words.map(word => word.text)).toEqual(argv);
      }),
    );
  });
});
