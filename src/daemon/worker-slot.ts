import type { ChildProcess } from 'node:child_process';
import type { Duplex } from 'node:stream';
import { messageOf } from '#base/errors.ts';
import { encodeWorkerRecord, type WorkerRecord, WorkerRecordReader } from '#wire/worker.ts';
import type { Log } from './log.ts';

/** How the worker is run, and how patient we are with it. */
export interface WorkerOptions {
  readonly argv: readonly [string, ...string[]];
  /** Without a record for this long it counts as hung. */
  readonly silenceMs: number;
  /** One that ran at least this long is restarted at once. */
  readonly steadyMs: number;
  /** Longest pause between restarts; it doubles from the first one on. */
  readonly backOffMaxMs: number;
  readonly backOffFirstMs: number;
}

export const WORKER_PATIENCE = {
  silenceMs: 10_000,
  steadyMs: 60_000,
  backOffFirstMs: 1000,
  backOffMaxMs: 60_000,
} as const;

/** Ours alone: a script must not speak to systemd in our name. */
const OWN_VARIABLES = new Set(['NOTIFY_SOCKET', 'WATCHDOG_USEC', 'WATCHDOG_PID', 'UV_THREADPOOL_SIZE']);

function workerEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !OWN_VARIABLES.has(name)));
}

/** Bytes that the worker has not read; beyond, it counts as hung. */
const UNREAD_BYTES_MAX = 1024 * 1024;
/** Notifications kept for a worker that is being restarted. */
const HELD_MAX = 1000;
/** The descriptor of the socket pair in the worker. */
const WORKER_DESCRIPTOR = 3;

export type WorkerState = 'absent' | 'starting' | 'running' | 'backing-off';

/** What the slot tells. */
export interface WorkerListener {
  /** A new worker reads records: tell it what to do, from the beginning. */
  ready(): void;
  record(record: WorkerRecord): void;
  changed(state: WorkerState): void;
}

/**
 * The place of the worker process: starts it, replaces it with back-off when it ends, breaks the framing or falls
 * silent. The VRRP process never waits for it, and while it is away nothing else changes.
 */
export class WorkerSlot {
  readonly #options: WorkerOptions;
  readonly #listener: WorkerListener;
  readonly #log: Log;
  #state: WorkerState = 'absent';
  #child: ChildProcess | undefined;
  #pipe: Duplex | undefined;
  #startedAtMs = 0;
  #backOffMs = 0;
  #restarts = 0;
  #lastLoss: string | null = null;
  /** Why we killed it, until its end is seen. */
  #killedFor: string | undefined;
  #stopping = false;
  #silence: NodeJS.Timeout | undefined;
  #restart: NodeJS.Timeout | undefined;
  #held: WorkerRecord[] = [];

  constructor(options: WorkerOptions, listener: WorkerListener, log: Log) {
    this.#options = options;
    this.#listener = listener;
    this.#log = log;
  }

  get status(): { state: WorkerState; pid: number | null; restarts: number; lastLoss: string | null } {
    const pid = this.#child?.pid ?? null;
    return { state: this.#state, pid, restarts: this.#restarts, lastLoss: this.#lastLoss };
  }

  /** Starts the worker unless it is there. */
  start(): void {
    if (this.#state !== 'absent' || this.#stopping) return;
    this.#spawn();
  }

  /** Sends now, or drops: what `ready` repeats anyway. */
  send(record: WorkerRecord): void {
    if (this.#state === 'running') this.#write(record);
  }

  /** Sends now, or when there is a worker again. */
  sendOrHold(record: WorkerRecord): void {
    if (this.#state === 'running') this.#write(record);
    else if (this.#state !== 'absent') {
      if (this.#held.length >= HELD_MAX) this.#held.shift();
      this.#held.push(record);
    }
  }

  /** Lets it finish what waits, at most `timeoutMs`, then kills it. `onGone` is called once. */
  stop(timeoutMs: number, onGone: () => void): void {
    this.#stopping = true;
    clearTimeout(this.#restart);
    const child = this.#child;
    if (!child) {
      onGone();
      return;
    }
    const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs);
    child.once('exit', () => {
      clearTimeout(timer);
      onGone();
    });
    // One that is just starting is told when it is ready, after what is held for it.
    if (this.#state === 'running') this.#finish();
  }

  #finish(): void {
    this.#write({ kind: 'finish', id: 0, code: 0, strings: [] });
  }

  #spawn(): void {
    this.#enter('starting');
    this.#startedAtMs = performance.now();
    const [program, ...args] = this.#options.argv;
    let child: ChildProcess;
    try {
      // Loaded here: a daemon without scripts starts faster without it.
      const { spawn } = process.getBuiltinModule('node:child_process');
      child = spawn(program, args, {
        stdio: ['ignore', 'inherit', 'inherit', 'pipe'],
        cwd: '/',
        env: workerEnvironment(),
      });
    } catch (error) {
      this.#lost(undefined, messageOf(error));
      return;
    }
    this.#child = child;
    child.once('error', error => this.#lost(child, error.message));
    child.once('exit', (code, signal) =>
      this.#lost(child, signal ? `ended by ${signal}` : `exited with ${code}`),
    );
    const pipe = child.stdio[WORKER_DESCRIPTOR] as Duplex | null | undefined;
    if (!pipe) return;
    this.#pipe = pipe;
    const reader = new WorkerRecordReader();
    pipe.on('error', () => pipe.destroy());
    pipe.on('data', (chunk: Uint8Array) => {
      this.#listen();
      try {
        for (const record of reader.push(chunk)) this.#receive(record);
      } catch (error) {
        this.#kill(messageOf(error));
      }
    });
    this.#listen();
  }

  #receive(record: WorkerRecord): void {
    if (record.kind === 'ready') {
      this.#enter('running');
      this.#listener.ready();
      for (const held of this.#held.splice(0)) this.#write(held);
      if (this.#stopping) this.#finish();
    } else if (record.kind !== 'heartbeat') {
      this.#listener.record(record);
    }
  }

  #listen(): void {
    clearTimeout(this.#silence);
    this.#silence = setTimeout(
      () => this.#kill(`silent for ${this.#options.silenceMs} ms`),
      this.#options.silenceMs,
    );
  }

  #write(record: WorkerRecord): void {
    const pipe = this.#pipe;
    if (!pipe || pipe.destroyed) return;
    pipe.write(encodeWorkerRecord(record));
    if (pipe.writableLength > UNREAD_BYTES_MAX) this.#kill(`left ${pipe.writableLength} bytes unread`);
  }

  #kill(why: string): void {
    this.#killedFor ??= why;
    this.#child?.kill('SIGKILL');
  }

  #lost(child: ChildProcess | undefined, why: string): void {
    if (this.#child !== child) return;
    this.#child = undefined;
    this.#pipe?.destroy();
    this.#pipe = undefined;
    clearTimeout(this.#silence);
    if (this.#stopping) {
      this.#enter('absent');
      return;
    }
    const ranMs = performance.now() - this.#startedAtMs;
    const { steadyMs, backOffFirstMs, backOffMaxMs } = this.#options;
    const pauseMs = ranMs >= steadyMs ? 0 : this.#backOffMs;
    this.#backOffMs =
      ranMs >= steadyMs ? 0 : Math.min(backOffMaxMs, Math.max(backOffFirstMs, 2 * this.#backOffMs));
    this.#lastLoss = this.#killedFor === undefined ? why : `killed: ${this.#killedFor}`;
    this.#killedFor = undefined;
    this.#restarts++;
    this.#log.error(
      `the worker process is gone (${this.#lastLoss}); trackers keep their last verdicts; restarting it in ${pauseMs} ms`,
      'worker',
    );
    this.#enter('backing-off');
    this.#restart = setTimeout(() => this.#spawn(), pauseMs);
  }

  #enter(state: WorkerState): void {
    this.#state = state;
    this.#listener.changed(state);
  }
}
