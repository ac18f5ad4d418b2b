import { hostname } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { must } from '#base/assert.ts';
import { checkConfig, type CheckedConfig } from '#conf/load.ts';
import { memorySource } from '#conf/memory-source.ts';
import { NODE_FLAGS } from '../../scripts/release-launcher.ts';
import { selectedCases } from '../support/config-cases.ts';
import { DISAGREEMENTS, explain } from '../support/config-disagreements.ts';
import { checkAll, ORACLE_INTERFACES, type Verdict } from '../support/config-oracle.ts';
import { installPackages } from './daemon/packages.ts';

/** `keepalived -t` (Debian 12's 2.2.7) judges what we judge; every difference has its reason in a list. */
const SEED = 20_261_121;
const MUTANTS = 160;
const cases = selectedCases(SEED, MUTANTS);
const check = (text: string): CheckedConfig =>
  checkConfig('/k.conf', memorySource({ '/k.conf': text }), {
    hostname: hostname(),
    interfaces: ORACLE_INTERFACES,
  });

describe('keepalived -t as oracle', () => {
  let verdicts: Verdict[];
  const judgements = () =>
    cases.map(({ name, text }, index) => {
      const theirs = must(verdicts[index], 'as many verdicts as cases');
      return { name, text, theirs, ours: check(text) };
    });

  beforeAll(async () => {
    installPackages('keepalived');
    verdicts = await checkAll(
      ['keepalived', '-t', '-l', '-f'],
      cases.map(({ text }) => text),
    );
  });

  test('a few hundred configurations get both verdicts, good and bad', () => {
    expect(cases.length).toBeGreaterThan(400);
    for (const exitCode of [0, 5])
      expect(verdicts.filter(verdict => verdict.exitCode === exitCode).length).toBeGreaterThan(80);
  });

  test('every disagreement is explained', () => {
    const unexplained = judgements().flatMap(({ name, text, theirs, ours }) => {
      const { unexplained } = explain({ theirs, ours });
      return unexplained.length === 0
        ? []
        : [{ name, text, unexplained, theirs, ours: ours.exitCode, diagnostics: ours.diagnostics }];
    });
    expect(unexplained).toEqual([]);
  });

  test('every explanation is still needed', () => {
    const used = new Set(judgements().flatMap(judgement => explain(judgement).rules));
    expect(DISAGREEMENTS.filter(rule => !used.has(rule)).map(({ id }) => id)).toEqual([]);
  });

  test('the fixtures are good for both', () => {
    const bad = judgements().filter(
      ({ name, theirs, ours }) =>
        /^[\w-]+\.conf$/.test(name) && !name.startsWith('keepalived') && theirs.exitCode + ours.exitCode > 0,
    );
    expect(bad.map(({ name, theirs }) => ({ name, said: theirs.said }))).toEqual([]);
  });
});

test('tandemd -t gives the verdict of checkConfig, or 6 for insecure scripts', async () => {
  const program = join(import.meta.dirname, '../../dist/release', process.arch, 'tandemd.mjs');
  const sample = cases.filter((_, index) => index % 40 === 0);
  const verdicts = await checkAll(
    [process.execPath, ...NODE_FLAGS, program, '-t', '-f'],
    sample.map(({ text }) => text),
  );
  const compared = sample.map(({ name, text }, index) => {
    const { exitCode = -1, said = '' } = verdicts[index] ?? {};
    const expected = check(text).exitCode;
    return { name, agrees: exitCode === expected || (exitCode === 6 && expected === 0), exitCode, said };
  });
  expect(compared.filter(({ agrees }) => !agrees)).toEqual([]);
  expect(new Set(compared.map(({ exitCode }) => exitCode)).size).toBeGreaterThan(1);
});
