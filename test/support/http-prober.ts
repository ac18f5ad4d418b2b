/** Whether a web server behind an address answers, at every moment while something fails over. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { must } from '#base/assert.ts';
import type { Lab } from '#lab/lab.ts';
import { eventually } from './pair.ts';

/** One request, each on a connection of its own. */
export interface WebAnswer {
  /** Epoch milliseconds. */
  readonly sentAtMs: number;
  readonly endedAtMs: number;
  /** 0 where nothing answered. */
  readonly status: number;
  /** The first line of the answer, or why there is none. */
  readonly line: string;
}

export interface WebProber {
  /** All requests that have ended, in the order of their ends. */
  readonly answers: readonly WebAnswer[];
  /** Resolves when a request that is sent from now on gets a 200. */
  nextAnswer(timeoutMs: number): Promise<void>;
  stop(): Promise<void>;
}

/**
 * Sends `GET url` from the controller every `intervalMs` until it is stopped. An answer that takes longer than a second is
 * none.
 */
export function startWebProber(lab: Lab, url: string, intervalMs = 10): WebProber {
  const program = [process.execPath, join(import.meta.dirname, 'http-requests.ts'), url, String(intervalMs)];
  const argv = lab.controllerArgv(program);
  const child = spawn(must(argv[0], 'an argv'), argv.slice(1), { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = new Promise<void>(resolve => child.once('close', () => resolve()));
  const answers: WebAnswer[] = [];
  let rest = '';
  child.stdout.on('data', (chunk: Buffer) => {
    const lines = (rest + chunk.toString()).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) answers.push(JSON.parse(line) as WebAnswer);
  });
  return {
    answers,
    nextAnswer: async timeoutMs => {
      const sinceMs = Date.now();
      await eventually(`${url} answers`, timeoutMs, () =>
        Promise.resolve(answers.some(answer => answer.sentAtMs >= sinceMs && answer.status === 200)),
      );
    },
    stop: async () => {
      child.stdin.end();
      await ended;
    },
  };
}

/** The longest time between two good answers, milliseconds. */
export function webOutageMs(answers: readonly WebAnswer[]): number {
  const goodAtMs = answers.filter(answer => answer.status === 200).map(answer => answer.endedAtMs);
  return Math.max(0, ...goodAtMs.slice(1).map((atMs, index) => atMs - (goodAtMs[index] ?? atMs)));
}

/** The longest time without a good answer of `url` while `work` ran, milliseconds. */
export async function webOutageOf(lab: Lab, url: string, work: () => Promise<unknown>): Promise<number> {
  const prober = startWebProber(lab, url);
  try {
    await prober.nextAnswer(10_000);
    await work();
    await prober.nextAnswer(10_000);
    return webOutageMs(prober.answers);
  } finally {
    await prober.stop();
  }
}
