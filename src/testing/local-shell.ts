/** Runs programs of the remote session in a shell of this machine, as a host would. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { FrameParser, type Frame } from '#provision/model/frames.ts';
import { bytesOfProgram, LAUNCHER, type Program } from '#provision/model/program.ts';

/** What a session of one or more programs came to. */
export interface ShellSession {
  /** Of all programs, in order; each program's frames by id. */
  readonly answers: readonly ReadonlyMap<string, Frame>[];
  readonly exitCode: number | null;
  /** What the shell itself said on its standard error. */
  readonly stderr: string;
}

/** Sends the programs one after the other into one session. `noise` goes first, as an unread password would. */
export async function runInShell(
  programs: readonly Program[],
  options: {
    readonly shell?: string;
    readonly noise?: string;
    readonly env?: Readonly<Record<string, string>>;
  } = {},
): Promise<ShellSession> {
  // By the name of sh: what bash and busybox are then.
  const child = spawn(options.shell ?? '/bin/sh', ['-c', LAUNCHER], {
    argv0: 'sh',
    // A process group of its own: what is killed with the shell is not the test.
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'], ...options.env },
  });
  const closed = once(child, 'close');
  const chunks: Buffer[] = [];
  const errors: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => errors.push(chunk));
  child.stdin.on('error', () => undefined);
  child.stdin.write(options.noise ?? '');
  for (const program of programs)
    for await (const bytes of bytesOfProgram(program))
      if (!child.stdin.write(bytes)) await Promise.race([once(child.stdin, 'drain'), closed]);
  child.stdin.end();
  const [exitCode] = (await closed) as [number | null];
  const output = Buffer.concat(chunks);
  const answers = programs.map(
    ({ nonce }) => new Map(new FrameParser(nonce).push(output).map(frame => [frame.id, frame])),
  );
  return { answers, exitCode, stderr: Buffer.concat(errors).toString() };
}

/** The text of an answer. */
export function textOf(bytes: Uint8Array | undefined): string {
  return new TextDecoder().decode(bytes);
}
