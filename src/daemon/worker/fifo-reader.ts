import { resolveAccount } from './accounts.ts';
import { type RunningScript, runScript } from './run-script.ts';

/** Pause before a reader that ended is started again; it doubles up to the maximum. */
const RESTART_FIRST_MS = 1000;
const RESTART_MAX_MS = 60_000;
/** A reader that ran for this long is started again after the first pause. */
const STEADY_MS = 60_000;

/** A command and whom it runs as. */
export interface ReaderCommand {
  readonly user: string;
  readonly group: string;
  /** The FIFO's path is its last element. */
  readonly argv: readonly string[];
}

/** Keeps a `notify_fifo_script` running: keepalived starts it once, and without its reader a FIFO is of no use. */
export class FifoReader {
  readonly #command: ReaderCommand;
  readonly #warn: (line: string) => void;
  #running: RunningScript | undefined;
  #restart: NodeJS.Timeout | undefined;
  #pauseMs = RESTART_FIRST_MS;
  #onGone: (() => void) | undefined;

  /** Starts it. Throws when its user is unknown. */
  constructor(command: ReaderCommand, warn: (line: string) => void) {
    this.#command = command;
    this.#warn = warn;
    this.#start();
  }

  /** Waits until it has ended by itself, which the end of its FIFO tells it to, at most `patienceMs`; then ends it. */
  stop(patienceMs: number, onGone: () => void): void {
    clearTimeout(this.#restart);
    const running = this.#running;
    if (!running) {
      onGone();
      return;
    }
    const timer = setTimeout(() => running.end(), patienceMs);
    this.#onGone = () => {
      clearTimeout(timer);
      onGone();
    };
  }

  #start(): void {
    const { user, group, argv } = this.#command;
    const account = resolveAccount(user, group);
    const startedAtMs = performance.now();
    this.#running = runScript(argv, account, undefined, exit => {
      this.#running = undefined;
      if (this.#onGone) {
        this.#onGone();
        return;
      }
      const wasSteady = performance.now() - startedAtMs >= STEADY_MS;
      if (wasSteady) this.#pauseMs = RESTART_FIRST_MS;
      const said = exit.said || 'ended';
      this.#warn(`the FIFO's script ${argv.join(' ')} ${said}; it is started again in ${this.#pauseMs} ms`);
      this.#restart = setTimeout(() => this.#start(), this.#pauseMs);
      this.#pauseMs = Math.min(2 * this.#pauseMs, RESTART_MAX_MS);
    });
  }
}
