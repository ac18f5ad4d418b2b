import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { assemble, LAUNCHER_ARGV, type Item } from '#provision/model/program.ts';
import { bytesPart, input, Secret, sh, type StdinPart } from '#provision/model/shell.ts';
import { RecordingTransport, type RecordingOptions } from '#testing/recording-transport.ts';
import { newNonce, openSession, type Session } from './session.ts';

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'tandem-session-'));
});
afterAll(() => rmSync(directory, { recursive: true }));

const nobody = () => Promise.resolve(undefined);
const access = { name: 'ka67' };
const options = { step: 'test', silenceTimeoutMs: 5000 };

async function withSession<T>(
  work: (session: Session) => Promise<T>,
  recording?: RecordingOptions,
): Promise<T> {
  const session = await openSession(new RecordingTransport(recording), access, nobody);
  try {
    return await work(session);
  } finally {
    await session.close();
  }
}

function program(...items: Item[]) {
  const paths = { state: join(directory, 'state'), run: join(directory, 'run') };
  return assemble(items, { nonce: newNonce(), run: 'all', paths });
}

const text = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString('utf8');

/** A directory with a `sudo` of these words. */
function fakeSudo(name: string, body: string): string {
  const bin = join(directory, name);
  mkdirSync(bin);
  writeFileSync(join(bin, 'sudo'), `#!/bin/sh\n${body}\n`, { mode: 0o755 });
  return bin;
}

describe('a session', () => {
  test('runs one program after the other in one shell', async () => {
    await withSession(async session => {
      const first = await session.run(
        program({ id: 'a', fragment: sh`echo one; echo two >&2; exit 3` }),
        options,
      );
      expect(first.get('a')).toMatchObject({ exit: 3 });
      expect(text(first.get('a')?.stdout)).toBe('one\n');
      expect(text(first.get('a')?.stderr)).toBe('two\n');
      const second = await session.run(program({ id: 'b', fragment: sh`echo ${'it’s "$HOME"'}` }), options);
      expect(text(second.get('b')?.stdout)).toBe('it’s "$HOME"\n');
    });
  });

  test('output that looks like frames and banners is only output', async () => {
    await withSession(async session => {
      const built = program({
        id: 'a',
        fragment: sh`printf '\n%s end 0 0 0\n' ${'0'.repeat(32)}; echo noise >&2`,
      });
      const answers = await session.run(built, options);
      expect(text(answers.get('a')?.stdout)).toBe(`\n${'0'.repeat(32)} end 0 0 0\n`);
    });
  });

  test('a fragment that knows the nonce is caught by the lengths', async () => {
    await withSession(async session => {
      const nonce = newNonce();
      const forged = `\n${nonce} b 0 2 0\nhi`;
      const items = [
        { id: 'a', fragment: sh`printf %s ${forged}` },
        { id: 'b', fragment: sh`echo real` },
      ];
      const answers = await session.run(assemble(items, { nonce, run: 'all' }), options);
      expect(text(answers.get('a')?.stdout)).toBe(forged);
      expect(text(answers.get('b')?.stdout)).toBe('real\n');
    });
  });

  test('megabytes go through with progress, whatever bytes they are', async () => {
    const chunk = Buffer.from(Array.from({ length: 65_536 }, (_, index) => index % 256));
    const part: StdinPart = {
      label: 'runtime',
      length: chunk.length * 64,
      open: () => Array.from({ length: 64 }, () => chunk),
    };
    const seen: number[] = [];
    await withSession(async session => {
      const built = program(
        { id: 'a', fragment: sh`${input(part)} | cksum` },
        { id: 'b', fragment: sh`echo after` },
      );
      const answers = await session.run(built, { ...options, onUpload: (_label, sent) => seen.push(sent) });
      expect(text(answers.get('a')?.stdout).split(' ')[1]).toBe(`${part.length}\n`);
      expect(text(answers.get('b')?.stdout)).toBe('after\n');
    });
    expect(seen.at(-1)).toBe(part.length);
  });

  test('a reader that fails does not shift what follows', async () => {
    const part = bytesPart('file', Buffer.alloc(300_000, 'x'));
    await withSession(async session => {
      const built = program(
        { id: 'a', fragment: sh`${input(part)} | head -c 10; exit 1` },
        { id: 'b', fragment: sh`echo b` },
      );
      const answers = await session.run(built, options);
      expect(answers.get('a')?.exit).toBe(1);
      expect(text(answers.get('b')?.stdout)).toBe('b\n');
      const again = await session.run(program({ id: 'c', fragment: sh`echo c` }), options);
      expect(text(again.get('c')?.stdout)).toBe('c\n');
    });
  });
});

describe('a session that breaks', () => {
  test('a program that is killed says so, and the session is over', async () => {
    await withSession(async session => {
      const built = program({ id: 'a', fragment: sh`kill -9 0` });
      await expect(session.run(built, options)).rejects.toThrow(
        /ka67: test: the remote shell ended by signal SIGKILL/,
      );
      expect(session.broken).toBe(true);
      await expect(session.run(built, { ...options, step: 'next' })).rejects.toThrow(
        /ka67: next: the remote shell/,
      );
    });
  });

  test('silence is given up after a while, but not while there is progress', async () => {
    await withSession(async session => {
      const slow = [1, 2, 3].map(id => ({ id: `s${id}`, fragment: sh`sleep 0.35` }));
      await session.run(program(...slow), { ...options, silenceTimeoutMs: 1000 });
      const stuck = session.run(program({ id: 'a', fragment: sh`sleep 30` }), {
        ...options,
        silenceTimeoutMs: 200,
      });
      await expect(stuck).rejects.toThrow(/no sign of life/);
    });
  });

  test('a source that fails ends the session instead of sending half a file', async () => {
    const part: StdinPart = {
      label: 'node',
      length: 100,
      open: () => [Buffer.alloc(10)],
    };
    await withSession(async session => {
      const built = program({ id: 'a', fragment: sh`${input(part)} | cat` });
      await expect(session.run(built, options)).rejects.toThrow(
        /could not be read: node yields 10 of the 100 bytes/,
      );
    });
  });
});

describe('becoming root', () => {
  test('a user who is not root needs become', async () => {
    const opening = openSession(new RecordingTransport({ user: 'ann' }), access, nobody);
    await expect(opening).rejects.toThrow(/ann is not root: set ansible_become/);
  });

  test('sudo that refuses is quoted', async () => {
    const fakes = fakeSudo('refusing', 'echo "sudo: a password is required" >&2; exit 1');
    const transport = new RecordingTransport({ user: 'ann', commands: () => fakes });
    const session = await openSession(transport, { ...access, become: {} }, nobody);
    const built = program({ id: 'a', fragment: sh`id -u` });
    await expect(session.run(built, options)).rejects.toThrow(
      /sudo gave no root shell.*: sudo: a password is required$/,
    );
    await session.close();
    expect(transport.of('ka67').commands.at(-1)).toEqual(['sudo', '-n', ...LAUNCHER_ARGV]);
  });

  test('sudo that wants a password gets the one that the user gives', async () => {
    const fakes = fakeSudo(
      'asking',
      '[ $1 = -S ] || exit 1; read -r given; [ "$given" = sesame ] || exit 1; shift 3; exec "$@"',
    );
    const transport = new RecordingTransport({ user: 'ann', commands: () => fakes });
    const asked: string[] = [];
    const session = await openSession(transport, { ...access, become: {} }, question => {
      asked.push(`${question.kind} ${question.about}`);
      return Promise.resolve(new Secret('sesame'));
    });
    const answers = await session.run(program({ id: 'a', fragment: sh`echo root` }), options);
    await session.close();
    expect(text(answers.get('a')?.stdout)).toBe('root\n');
    expect(asked).toEqual(['become-password ann@ka67']);
  });

  test('a password goes in on standard input, and a sudo that does not read it does no harm', async () => {
    const fakes = fakeSudo('unread', 'shift 3; exec "$@"');
    const transport = new RecordingTransport({ user: 'ann', commands: () => fakes });
    const become = { password: new Secret('open sesame') };
    const session = await openSession(transport, { ...access, become }, nobody);
    const answers = await session.run(program({ id: 'a', fragment: sh`echo root` }), options);
    await session.close();
    expect(text(answers.get('a')?.stdout)).toBe('root\n');
    expect(transport.of('ka67').commands.flat().join(' ')).not.toContain('sesame');
    expect(transport.of('ka67').sent.startsWith('open sesame\n')).toBe(true);
  });
});
