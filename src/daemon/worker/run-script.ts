import { spawn, type ChildProcess } from 'node:child_process';
import { messageOf } from '#base/errors.ts';
import { SCRIPT_NOT_RUN, SCRIPT_SIGNALLED, SCRIPT_TIMED_OUT } from '#wire/worker.ts';
import { constants } from 'node:os';
import type { Account } from './accounts.ts';

/** From TERM to KILL. */
const KILL_AFTER_MS = 2000;

/** How a script ended. */
export interface ScriptExit {
  /** As in the record `scriptResult`. */
  readonly code: number;
  /** In words, for the log; empty for success. */
  readonly said: string;
}

/** A script that has been started. */
export interface RunningScript {
  /** TERM to its process group, and KILL two seconds later if it is still there. */
  end(): void;
}

/**
 * Runs a command by its argv, without a shell, in a process group of its own. When `timeoutMs` is over the group gets
 * TERM, and KILL two seconds later. `onExit` is called once.
 */
export function runScript(
  argv: readonly string[],
  account: Account,
  timeoutMs: number | undefined,
  onExit: (exit: ScriptExit) => void,
): RunningScript {
  const [program = '', ...args] = argv;
  let timedOut = false;
  let timer: NodeJS.Timeout | undefined;
  const done = (exit: ScriptExit): void => {
    clearTimeout(timer);
    onExit(exit);
  };
  let child: ChildProcess;
  try {
    child = spawn(program, args, { stdio: 'ignore', detached: true, cwd: '/', ...account });
  } catch (error) {
    done({ code: SCRIPT_NOT_RUN, said: messageOf(error) });
    return { end: () => {} };
  }
  const end = (): void => {
    clearTimeout(timer);
    killGroup(child.pid, 'SIGTERM');
    timer = setTimeout(() => killGroup(child.pid, 'SIGKILL'), KILL_AFTER_MS);
  };
  child.once('error', error => done({ code: SCRIPT_NOT_RUN, said: error.message }));
  child.once('exit', (code, signal) => done(exitOf(code, signal, timedOut, timeoutMs)));
  if (timeoutMs !== undefined) {
    timer = setTimeout(() => {
      timedOut = true;
      end();
    }, timeoutMs);
  }
  return { end };
}

function exitOf(
  code: number | null,
  signal: NodeJS.Signals | null,
  timedOut: boolean,
  timeoutMs: number | undefined,
): ScriptExit {
  if (timedOut) return { code: SCRIPT_TIMED_OUT, said: `ran for more than ${timeoutMs} ms and was ended` };
  if (signal) return { code: SCRIPT_SIGNALLED + constants.signals[signal], said: `was ended by ${signal}` };
  return { code: code ?? SCRIPT_NOT_RUN, said: code === 0 ? '' : `exited with ${code}` };
}

function killGroup(pid: number | undefined, signal: 'SIGTERM' | 'SIGKILL'): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // The group is gone: it ended at this moment.
  }
}
