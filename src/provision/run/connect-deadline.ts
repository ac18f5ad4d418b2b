/** A time limit that stands still while the user is being asked something. */
export class ConnectDeadline {
  readonly #expire: () => void;
  #leftMs: number;
  #startedAtMs = 0;
  #timer: NodeJS.Timeout | undefined;

  /** Calls `expire` once `ms` have passed without {@link clear}. */
  constructor(ms: number, expire: () => void) {
    this.#expire = expire;
    this.#leftMs = ms;
    this.#start();
  }

  async pausedFor<T>(wait: Promise<T>): Promise<T> {
    this.#stop();
    try {
      return await wait;
    } finally {
      this.#start();
    }
  }

  clear(): void {
    this.#stop();
    this.#leftMs = Number.POSITIVE_INFINITY;
  }

  #start(): void {
    if (this.#timer || !Number.isFinite(this.#leftMs)) return;
    this.#startedAtMs = performance.now();
    this.#timer = setTimeout(this.#expire, Math.max(0, this.#leftMs));
  }

  #stop(): void {
    if (!this.#timer) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#leftMs -= performance.now() - this.#startedAtMs;
  }
}
