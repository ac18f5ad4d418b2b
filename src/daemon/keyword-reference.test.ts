import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { KEYWORDS } from '#conf/tables.ts';
import { checkUse, keywordReference, withoutEffect } from '#testing/keyword-reference.ts';
import { unsupportedIn } from './unsupported.ts';

const PATH = join(import.meta.dirname, '../../docs/keepalived-conf.md');
const rowsIn = (text: string): string[] => text.split('\n').filter(line => line.startsWith('| `'));

describe('docs/keepalived-conf.md', () => {
  const text = readFileSync(PATH, 'utf8');

  test('is up to date: otherwise run `npm run docs`', () => {
    expect(text).toBe(keywordReference(unsupportedIn));
  });

  test('has a row for every keyword', () => {
    expect(rowsIn(text)).toHaveLength(KEYWORDS.length);
  });
});

/** What becomes of each keyword's smallest use, against what its row in the table says. */
describe.each(['works', 'noEffect', 'notSupported'] as const)('keywords said to be %s', said => {
  const keywords = KEYWORDS.filter(keyword => {
    const support = withoutEffect(keyword, unsupportedIn) === undefined ? keyword.support : 'noEffect';
    return support === said;
  });

  test('are', () => {
    const wrong = keywords.flatMap(keyword => {
      const { config, diagnostics, exitCode } = checkUse(keyword);
      const ids = [...diagnostics, ...unsupportedIn(config)].map(({ id }) => id);
      const isRefused = exitCode === 5 && ids.includes('keyword-not-supported');
      const isIdle = exitCode === 0 && ids.some(id => /^(?:keyword-no-effect|unsupported-.*)$/.test(id));
      const isQuiet = exitCode === 0 && diagnostics.length === 0;
      const isSo = { works: isQuiet, noEffect: isIdle, notSupported: isRefused }[said];
      return isSo ? [] : [{ block: keyword.block, name: keyword.name, exitCode, ids }];
    });
    expect(wrong).toEqual([]);
    expect(keywords.length).toBeGreaterThan(20);
  });
});
