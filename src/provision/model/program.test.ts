import fc from 'fast-check';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { runInShell, textOf } from '#testing/local-shell.ts';
import { assemble, assembleSteps, bytesOfProgram, type Item, LAUNCHER, type Program } from './program.ts';
import { bytesPart, type Fragment, input, lines, Secret, sh } from './shell.ts';
import type { Step } from './plan.ts';

const dir = mkdtempSync(join(tmpdir(), 'tandem-program-'));
afterAll(() => rmSync(dir, { recursive: true }));
const paths = { state: join(dir, 'state'), run: join(dir, 'run') };

let programs = 0;
function program(items: readonly Item[], run: 'all' | 'until-failure' = 'all'): Program {
  return assemble(items, { nonce: (programs++).toString(16).padStart(16, '0'), run, paths });
}

const SHELLS = ['/bin/sh', '/bin/bash', '/usr/bin/busybox'].filter(path => existsSync(path));

/** Anything but NUL, with what shells take apart in particular abundance. */
const hostile = fc
  .string({
    unit: fc.oneof(
      fc.constantFrom(...Array.from('\'"`$\\\n\t !*?[]{}~#;&|<>()=%-\r\u0001\u0085é€')),
      fc.string({ unit: 'grapheme', minLength: 1, maxLength: 1 }),
    ),
    maxLength: 40,
  })
  .filter(text => !text.includes('\0'));

describe.each(SHELLS)('programs in %s', shell => {
  test('quoting: any text reaches a command as one word, whole', async () => {
    const samples = fc.sample(hostile, 150);
    const items = samples.map((text, index) => ({
      id: String(index),
      fragment: sh`printf '%s|' ${text} ${[text, 'x']}`,
    }));
    const session = await runInShell([program(items)], { shell });
    for (const [index, text] of samples.entries())
      expect(textOf(session.answers[0]?.get(String(index))?.stdout)).toBe(`${text}|${text}|x|`);
  });

  test('output, errors and exit codes come back as they were, final newlines included', async () => {
    const session = await runInShell(
      [
        program([
          { id: 'both', fragment: sh`printf 'a\\n\\n'; printf 'e\\n' >&2; exit 7` },
          { id: 'nothing', fragment: lines([]) },
          { id: 'false', fragment: sh`echo before; false; echo after` },
          { id: 'bytes', fragment: sh`printf '\\377\\201\\001\\n'` },
          { id: 'stdin', fragment: sh`cat; echo end` },
        ]),
      ],
      { shell, noise: 'motd\nsecret password\n\n' },
    );
    const [answers] = session.answers;
    expect(answers?.get('both')).toMatchObject({ exit: 7, stdout: bytes('a\n\n'), stderr: bytes('e\n') });
    expect(answers?.get('nothing')).toMatchObject({ exit: 0, stdout: bytes(''), stderr: bytes('') });
    expect(answers?.get('false')).toMatchObject({ exit: 1, stdout: bytes('before\n') });
    expect([...(answers?.get('bytes')?.stdout ?? [])]).toEqual([0xff, 0x81, 1, 10]);
    expect(answers?.get('stdin')?.stdout).toEqual(bytes('end\n'));
    expect(answers?.get('end')?.exit).toBe(0);
    expect(session).toMatchObject({ exitCode: 0, stderr: '' });
  });

  test('inputs that are not read, read in part or read by a command that fails leave the session in place', async () => {
    const big = new Uint8Array(1_000_003).map((_, index) => 1 + (index % 250));
    const part = (length = big.length): Fragment => input(bytesPart('big', big.subarray(0, length)));
    const first = program([
      { id: 'whole', fragment: sh`${part()} | cksum` },
      { id: 'partial', fragment: sh`${part()} | { dd bs=10 count=1 2>/dev/null; }` },
      { id: 'full', fragment: sh`${part(70_000)} >/dev/full` },
      { id: 'never', fragment: sh`false; ${part()} >/dev/null; ${part(5)} >/dev/null` },
      { id: 'second', fragment: sh`${part(3)} | wc -c; false; ${part(65_536)} | wc -c` },
      { id: 'empty', fragment: sh`${part(0)} | wc -c` },
      { id: 'after', fragment: sh`echo here` },
    ]);
    const stops = program(
      [
        { id: 'stop', fragment: sh`exit 3; ${part()} >/dev/null` },
        { id: 'unreached', fragment: sh`${part()} | wc -c` },
      ],
      'until-failure',
    );
    const last = program([{ id: 'last', fragment: sh`echo still in place` }]);
    const { answers, exitCode } = await runInShell([first, stops, last], { shell });
    expect(textOf(answers[0]?.get('partial')?.stdout)).toHaveLength(10);
    expect(answers[0]?.get('full')?.exit).not.toBe(0);
    expect(answers[0]?.get('never')?.exit).toBe(1);
    expect(textOf(answers[0]?.get('second')?.stdout).trim()).toBe('3');
    expect(textOf(answers[0]?.get('empty')?.stdout).trim()).toBe('0');
    expect(textOf(answers[0]?.get('after')?.stdout)).toBe('here\n');
    expect([...(answers[1]?.keys() ?? [])]).toEqual(['stop', 'end']);
    expect(textOf(answers[2]?.get('last')?.stdout)).toBe('still in place\n');
    expect(exitCode).toBe(0);
    expect(readdirSync(paths.run)).toEqual([]);
  });
});

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

describe('the session', () => {
  test('a command that writes to every descriptor cannot forge or disturb a frame', async () => {
    const nonce = 'f'.repeat(16);
    const forged = `\n${nonce} truth 0 4 0\nlies\n${nonce} end 0 0 0\n`;
    const items = [
      {
        id: 'liar',
        fragment: sh`for fd in 1 2 8; do printf %s ${forged} >&$fd || :; done 2>/dev/null; printf %s ${forged}; printf %s ${forged} >&2`,
      },
      { id: 'truth', fragment: sh`echo truth` },
    ];
    const { answers } = await runInShell([assemble(items, { nonce, run: 'all', paths })]);
    expect([...(answers[0]?.keys() ?? [])]).toEqual(['liar', 'truth', 'end']);
    expect(textOf(answers[0]?.get('truth')?.stdout)).toBe('truth\n');
    expect(textOf(answers[0]?.get('liar')?.stderr)).toContain('lies');
  });

  test('steps: records around the change, a failure ends the program, the audit log says who', async () => {
    const change = { resource: 'file:/x', from: null, to: null, summary: '', effect: 'none' } as const;
    const step = (fragment: Fragment, name: string): Step => ({
      kind: 'apply',
      task: 1,
      name,
      change,
      fragment,
      records: { intend: `{"intend":"${name}'"}`, done: `{"done":"${name}"}` },
    });
    const steps = [step(sh`echo one`, 'one'), step(sh`false`, 'two'), step(sh`echo three`, 'three')];
    const { answers } = await runInShell([
      assembleSteps(steps, { nonce: 'a'.repeat(16), paths, audit: 'me@laptop apply' }),
    ]);
    expect([...(answers[0]?.keys() ?? [])]).toEqual(['open', '0', '1', 'end']);
    const written = readFileSync(join(paths.state, 'ledger'), 'utf8').split('\n').filter(Boolean);
    expect(written).toEqual([`{"intend":"one'"}`, '{"done":"one"}', `{"intend":"two'"}`]);
    expect(readFileSync(join(paths.state, 'audit.log'), 'utf8')).toMatch(
      /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ me@laptop apply\n$/,
    );
  });

  test('a program that the connection cut short does not run, not even its first half', async () => {
    const marker = join(dir, 'marker');
    const whole = program([{ id: 'it', fragment: sh`touch ${marker}; ${'x'.repeat(1000)}` }]);
    const cut = { ...whole, head: whole.head.slice(0, -20) };
    const { answers, exitCode, stderr } = await runInShell([cut]);
    expect(answers[0]?.size).toBe(0);
    expect(exitCode).not.toBe(0);
    expect(stderr).toMatch(/gzip|end of file|eof/i);
    expect(existsSync(marker)).toBe(false);
  });

  test('a source that yields other than announced is our bug, and found', async () => {
    const liar = input({ label: 'x', length: 3, open: () => [new Uint8Array(4)] });
    const sent = async (): Promise<number> => {
      let length = 0;
      for await (const chunk of bytesOfProgram(program([{ id: 'x', fragment: liar }])))
        length += chunk.length;
      return length;
    };
    await expect(sent()).rejects.toThrow('more than the 3 bytes announced');
  });

  test('the launcher is one line without what login shells trip over', () => {
    expect(LAUNCHER).not.toMatch(/['!\n]/);
  });

  test('a secret does not print', () => {
    const secret = new Secret('hunter2');
    expect(`${String(secret)} ${JSON.stringify({ secret })}`).not.toContain('hunter2');
  });
});
