import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkConfig, type CheckedConfig } from './load.ts';
import { memorySource } from './memory-source.ts';
import { printConfig } from './print.ts';
import { KEYWORDS } from './tables.ts';

const LIMITS = { totalLength: 20_000, lineLength: 2000, diagnostics: 50 };
const check = (text: string): CheckedConfig => {
  const files = { '/k.conf': text, '/a': text.slice(0, 40), '/b.conf': 'include k.conf\n}' };
  return checkConfig('/k.conf', memorySource(files), {
    hostname: 'r1',
    interfaces: ['eth0'],
    limits: LIMITS,
  });
};

/** Nothing throws, every complaint in the files has a place in them, and the model can be printed. */
function survives(text: string): void {
  const { config, diagnostics, exitCode } = check(text);
  expect([0, 4, 5]).toContain(exitCode);
  const misplaced = diagnostics.filter(
    ({ position }) => position && (position.line < 1 || position.column < 1),
  );
  expect(misplaced).toEqual([]);
  printConfig(config);
}

const LANGUAGE = [
  ' ',
  '\n',
  '{',
  '}',
  '{\n',
  '}\n',
  '"',
  "'",
  '\\',
  '\\\n',
  '#',
  '!',
  '@r1 ',
  '@^r1 ',
  '$A',
  '${A}',
  '\n$A=',
  '\n$A= \\\n',
  '~SEQ(A,1,9) ',
  '~LST(A,1,2) ',
  '\ninclude a\n',
  '\ninclude *.conf\n',
  '${_RANDOM 1 2}',
  '\r\n',
  '\f',
  '\0',
];
const ARGUMENTS = [
  '__proto__',
  'constructor',
  '1',
  '-1',
  '255',
  '0.5',
  'on',
  'MASTER',
  'eth0',
  '10.0.0.1',
  'fe80::1/64',
  'weight 5',
  'reverse',
  'via',
  'dev eth0',
  'table',
];

describe('never throws', () => {
  test('any characters', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 200 }), survives), { numRuns: 300 });
  });

  test('the language’s own pieces in any order', () => {
    const pieces = [...LANGUAGE, ...ARGUMENTS, ...KEYWORDS.map(keyword => `${keyword.name} `)];
    const text = fc.array(fc.constantFrom(...pieces), { maxLength: 60 }).map(list => list.join(''));
    fc.assert(fc.property(text, survives), { numRuns: 500 });
  });
});

describe('time is linear', () => {
  const elapsed = (text: string): number => {
    const start = process.hrtime.bigint();
    checkConfig('/k.conf', memorySource({ '/k.conf': text }), {
      hostname: 'r1',
      limits: { totalLength: 200_000 },
    });
    return Number(process.hrtime.bigint() - start) / 1e6;
  };

  test.each([
    ['opening braces', 'a {\n'.repeat(10_000)],
    ['braces on one line', 'a {'.repeat(20_000)],
    ['escapes on one line', '\\#'.repeat(30_000)],
    ['quotes on one line', '"a" '.repeat(15_000)],
    ['references on one line', `$A=1\n${'$A '.repeat(20_000)}`],
    ['unknown references', '${B} '.repeat(12_000)],
    [
      'definitions that double',
      Array.from({ length: 60 }, (_, i) => `$A${i}=$A${i + 1} $A${i + 1}\n`).join('') + '$A0',
    ],
    ['nested repetitions', `${'~SEQ(A, 1000000) '.repeat(8)}x`],
    ['open braces of an include', `include ${'{a,'.repeat(10_000)}`],
    ['a brace bomb in an include', `include ${'{a,b}'.repeat(40)}`],
    ['an unknown keyword per line', 'virtual_router_di 5\n'.repeat(10_000)],
    ['a track list', `vrrp_instance V {\ntrack_script {\n${'nope\n'.repeat(10_000)}}\n}`],
  ])('%s', (_, text) => {
    expect(elapsed(text)).toBeLessThan(5000);
  });
});
