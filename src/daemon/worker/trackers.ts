import { resolveAccount, type Account } from './accounts.ts';
import { runScript, type ScriptExit } from './run-script.ts';

/** A script to be run again and again. */
export interface TrackedScript {
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly user: string;
  readonly group: string;
  readonly argv: readonly string[];
}

interface Tracked {
  readonly script: TrackedScript;
  readonly account: Account;
  readonly timer: NodeJS.Timeout;
  running: boolean;
  stopped: boolean;
}

/** Runs tracking scripts: at once, then every interval; a run that still goes on makes the next one be left out. */
export class ScriptTrackers {
  readonly #tracked = new Map<number, Tracked>();
  readonly #onResult: (id: number, exit: ScriptExit) => void;

  constructor(onResult: (id: number, exit: ScriptExit) => void) {
    this.#onResult = onResult;
  }

  /** Starts or replaces the script `id`. Throws when its user is unknown. */
  track(id: number, script: TrackedScript): void {
    this.untrack(id);
    const account = resolveAccount(script.user, script.group);
    const tracked: Tracked = {
      script,
      account,
      timer: setInterval(() => this.#run(id, tracked), script.intervalMs),
      running: false,
      stopped: false,
    };
    this.#tracked.set(id, tracked);
    this.#run(id, tracked);
  }

  untrack(id: number): void {
    const tracked = this.#tracked.get(id);
    if (!tracked) return;
    tracked.stopped = true;
    clearInterval(tracked.timer);
    this.#tracked.delete(id);
  }

  close(): void {
    for (const id of this.#tracked.keys()) this.untrack(id);
  }

  #run(id: number, tracked: Tracked): void {
    if (tracked.running) return;
    tracked.running = true;
    const { script, account } = tracked;
    runScript(script.argv, account, script.timeoutMs, exit => {
      tracked.running = false;
      if (!tracked.stopped) this.#onResult(id, exit);
    });
  }
}
