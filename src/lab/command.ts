import { spawn, type ChildProcess } from 'node:child_process';
import { constants } from 'node:os';
import { must } from '#base/assert.ts';
import { LabError } from './lab-error.ts';
import { PATIENCE } from './patience.ts';

/** How a command ended. A non-zero exit is an answer, not an error. */
export interface ExecResult {
  /** Exit status; 128 + signal number when a signal ended it. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ExecOptions {
  /** The command is killed and {@link LabError} thrown after this long, times {@link PATIENCE}. Default 30 000, at most 3 600 000. */
  readonly timeoutMs?: number;
  /** Written to the command's stdin, which is empty otherwise. */
  readonly stdin?: string | Uint8Array;
  /** Throw {@link LabError} with the command's stderr unless it ends with 0. Default false. */
  readonly check?: boolean;
  /** Told of each line of stdout and stderr as it comes. */
  readonly onLine?: (line: string) => void;
  /** Replaces the environment. */
  readonly env?: Readonly<Record<string, string>>;
}

const MAX_OUTPUT_BYTES = 64 * 1024 * 1024;
const STRAGGLER_MS = 500;

/**
 * Runs `argv` without a shell in between. The command gets a process group of its own, which is killed as a whole
 * when the time is up, so that a hanging grandchild cannot hold the pipes open.
 */
export async function run(argv: readonly string[], options: ExecOptions = {}): Promise<ExecResult> {
  const [file, ...args] = argv;
  const child = spawn(must(file, 'an argv is not empty'), args, {
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe'],
    ...(options.env ? { env: options.env } : {}),
  });
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  const keep = collector(() => kill(child), options.onLine);
  child.stdout.on('data', keep(out));
  child.stderr.on('data', keep(err));
  // A command that ends without reading its stdin is its own affair.
  child.stdin.on('error', () => {});
  child.stdin.end(options.stdin ?? '');
  const timeoutMs = (options.timeoutMs ?? 30_000) * PATIENCE;
  let timedOut = false;
  const timer = setTimeout(() => {
    timedOut = true;
    kill(child);
  }, timeoutMs);
  const code = await ended(child, argv).finally(() => clearTimeout(timer));
  const result = { code, stdout: Buffer.concat(out).toString(), stderr: Buffer.concat(err).toString() };
  if (timedOut) throw new LabError(`${shown(argv)}: no end within ${timeoutMs} ms${tail(result)}`);
  if (options.check === true && code !== 0) throw new LabError(`${shown(argv)}: exit ${code}${tail(result)}`);
  return result;
}

/** {@link run} with `check`, for commands whose failure is ours to report. */
export async function must0(argv: readonly string[], options: ExecOptions = {}): Promise<ExecResult> {
  return await run(argv, { ...options, check: true });
}

/**
 * Resolves with the exit status once the output is complete. A daemon that the command left behind may hold the
 * pipes open for ever: they get {@link STRAGGLER_MS} after the command's own end.
 */
async function ended(child: ChildProcess, argv: readonly string[]): Promise<number> {
  return await new Promise((resolve, reject) => {
    child.once('error', cause =>
      reject(new LabError(`cannot run ${shown(argv)}: ${cause.message}`, { cause })),
    );
    child.once('exit', (code, signal) => {
      const status = code ?? 128 + (signal ? constants.signals[signal] : 0);
      const straggler = setTimeout(() => {
        child.stdout?.destroy();
        child.stderr?.destroy();
      }, STRAGGLER_MS);
      child.once('close', () => {
        clearTimeout(straggler);
        resolve(status);
      });
    });
  });
}

/** Sends SIGKILL to the whole process group of a child made by {@link run}. */
function kill(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    // The group is already gone.
  }
}

function collector(overflow: () => void, onLine?: (line: string) => void) {
  let bytes = 0;
  return (into: Buffer[]) => {
    let rest = '';
    return (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > MAX_OUTPUT_BYTES) return overflow();
      into.push(chunk);
      if (!onLine) return;
      const lines = (rest + chunk.toString()).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) onLine(line);
    };
  };
}

function shown(argv: readonly string[]): string {
  const text = argv.join(' ');
  return text.length > 160 ? `${text.slice(0, 160)}…` : text;
}

function tail(result: ExecResult): string {
  const text = `${result.stdout}\n${result.stderr}`.trim().split('\n').slice(-12).join('\n');
  return text === '' ? '' : `:\n${text}`;
}
