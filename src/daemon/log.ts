/** syslog severities (RFC 5424 §6.2.1) that the daemon uses. */
export type Severity = 'crit' | 'err' | 'warning' | 'notice' | 'info' | 'debug';

const SEVERITY_NUMBER: Readonly<Record<Severity, number>> = {
  crit: 2,
  err: 3,
  warning: 4,
  notice: 5,
  info: 6,
  debug: 7,
};

/** Takes finished lines; must not block. */
export interface LogSink {
  write(severity: number, line: string): void;
}

/** Lines of one kind that pass in one window; the rest is counted and summed up in the next. */
const BURST = 10;
const WINDOW_MS = 10_000;
/** Kinds that are remembered; the oldest is forgotten beyond. */
const KINDS_MAX = 1000;

interface Window {
  startedAtMs: number;
  passed: number;
  suppressed: number;
}

/**
 * The daemon's log. Lines that a peer or a flapping cable can cause come with a `kind` and are rate-limited by it:
 * ten in ten seconds. Callers pass nothing secret: keys are `SecretBytes`, which print as a placeholder.
 */
export class Log {
  readonly #sink: LogSink;
  readonly #nowMs: () => number;
  readonly #detail: boolean;
  readonly #windows = new Map<string, Window>();

  /** `detail` (`-D`) lets `info` and `debug` lines through. */
  constructor(sink: LogSink, nowMs: () => number, detail: boolean) {
    this.#sink = sink;
    this.#nowMs = nowMs;
    this.#detail = detail;
  }

  crit(line: string): void {
    this.#write('crit', line);
  }

  error(line: string, kind?: string): void {
    if (this.#passes(kind)) this.#write('err', line);
  }

  warning(line: string, kind?: string): void {
    if (this.#passes(kind)) this.#write('warning', line);
  }

  notice(line: string, kind?: string): void {
    if (this.#passes(kind)) this.#write('notice', line);
  }

  info(line: string, kind?: string): void {
    if (this.#detail && this.#passes(kind)) this.#write('info', line);
  }

  debug(line: string, kind?: string): void {
    if (this.#detail && this.#passes(kind)) this.#write('debug', line);
  }

  #write(severity: Severity, line: string): void {
    this.#sink.write(SEVERITY_NUMBER[severity], line);
  }

  #passes(kind: string | undefined): boolean {
    if (kind === undefined) return true;
    const now = this.#nowMs();
    let window = this.#windows.get(kind);
    if (!window || now - window.startedAtMs >= WINDOW_MS) {
      if (window && window.suppressed > 0)
        this.#write('notice', `${window.suppressed} more lines like the next one were not logged (${kind})`);
      window = { startedAtMs: now, passed: 0, suppressed: 0 };
      if (this.#windows.size >= KINDS_MAX) this.#forgetOldest();
      this.#windows.set(kind, window);
    }
    if (window.passed >= BURST) {
      window.suppressed++;
      return false;
    }
    window.passed++;
    return true;
  }

  #forgetOldest(): void {
    for (const oldest of this.#windows.keys()) {
      this.#windows.delete(oldest);
      return;
    }
  }
}
