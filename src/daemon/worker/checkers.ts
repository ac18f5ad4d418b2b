import { must } from '#base/assert.ts';
import { DeadlineQueue } from '#check/deadline-queue.ts';
import { fileOutcome } from '#check/file-outcome.ts';
import type { AttemptEnd, CheckerStatus, Verdict } from '#check/ports.ts';
import { type CheckerState, startChecker, statusOf, verdictOf } from '#check/state.ts';
import { type CheckEvent, step } from '#check/step.ts';
import type { Checker } from '#conf/model.ts';
import type { AttemptDone, CancelAttempt } from './check-attempt.ts';
import { attemptDns } from './check-dns.ts';
import { attemptHttp } from './check-http.ts';
import { attemptMisc } from './check-misc.ts';
import { attemptSmtp } from './check-smtp.ts';
import { attemptTcp } from './check-tcp.ts';
import { attemptUdp } from './check-udp.ts';
import { FileTrackers } from './file-trackers.ts';
import { Pings } from './pings.ts';

/** Attempts that are started in one turn of the event loop; more that are due wait for the next turn. */
const STARTS_PER_TURN = 128;

/** What checkers need from their process. */
export interface CheckerTools {
  /** CLOCK_MONOTONIC in ms. */
  nowMs(): number;
  /** 0…1: spreads first checks. */
  random(): number;
  /** Something that the operator should know. */
  warn(line: string): void;
  /** A failure that changes nothing, of a checker with `log_all_failures`. */
  log(line: string): void;
}

interface Running {
  readonly state: CheckerState;
  cancel: CancelAttempt | undefined;
}

/**
 * Runs health checks: makes the attempts that are due, one timer for all, and tells verdicts: the first that was decided,
 * and every change of `up` or of a weight. What decides is `#check`.
 */
export class Checkers {
  readonly #tools: CheckerTools;
  readonly #onVerdict: (id: number, verdict: Verdict) => void;
  readonly #checkers = new Map<number, Running>();
  readonly #queue = new DeadlineQueue();
  readonly #pings = new Pings();
  readonly #files: FileTrackers;
  #timer: NodeJS.Timeout | undefined;
  #timerAtMs = Infinity;

  constructor(tools: CheckerTools, onVerdict: (id: number, verdict: Verdict) => void) {
    this.#tools = tools;
    this.#onVerdict = onVerdict;
    this.#files = new FileTrackers(
      (id, value) => this.#fileSays(id, value),
      line => tools.warn(line),
    );
  }

  /**
   * Starts or replaces the checker `id`. `initial` is a verdict that goes on, after a reload or a restart: it is not told
   * again, and a failure needs its retries.
   */
  add(id: number, checker: Checker, initial?: Verdict): void {
    this.remove(id);
    const state = startChecker(checker, this.#tools.random(), this.#tools.nowMs(), initial);
    this.#checkers.set(id, { state, cancel: undefined });
    if (checker.kind === 'FILE_CHECK') this.#files.track(id, checker.file);
    this.#queue.set(id, state.dueAtMs);
    this.#arm();
  }

  /** Ends the checker `id` and what it has under way; it tells nothing any more. */
  remove(id: number): void {
    const running = this.#checkers.get(id);
    if (!running) return;
    this.#checkers.delete(id);
    this.#queue.delete(id);
    this.#files.untrack(id);
    running.cancel?.();
  }

  /** `ha_suspend`: no checks while suspended, the verdict stays; afterwards the next one comes when it is due. */
  suspend(id: number, suspended: boolean): void {
    const running = this.#checkers.get(id);
    if (running) running.state.suspended = suspended;
  }

  status(id: number): CheckerStatus | undefined {
    const running = this.#checkers.get(id);
    return running && statusOf(running.state);
  }

  /** Ends all. */
  close(): void {
    for (const id of this.#checkers.keys()) this.remove(id);
    clearTimeout(this.#timer);
    this.#pings.close();
    this.#files.close();
  }

  #arm(): void {
    const nextMs = this.#queue.nextMs;
    if (nextMs >= this.#timerAtMs) return;
    clearTimeout(this.#timer);
    this.#timerAtMs = nextMs;
    this.#timer = setTimeout(() => this.#fire(), Math.max(0, nextMs - this.#tools.nowMs()));
  }

  #fire(): void {
    this.#timerAtMs = Infinity;
    const nowMs = this.#tools.nowMs();
    for (let i = 0; i < STARTS_PER_TURN; i++) {
      const id = this.#queue.takeDue(nowMs);
      if (id === undefined) break;
      this.#step(id, { kind: 'due' });
    }
    this.#arm();
  }

  #step(id: number, event: CheckEvent): void {
    const running = must(this.#checkers.get(id), `no checker ${id}`);
    const { state } = running;
    const action = step(state, event, this.#tools.nowMs());
    this.#queue.set(id, state.dueAtMs);
    if (action === 'attempt') this.#attempt(id, running);
    else if (action === 'tell') this.#onVerdict(id, verdictOf(state));
  }

  #attempt(id: number, running: Running): void {
    // An attempt may end before it returns.
    let hasEnded = false;
    const cancel = this.#start(running.state, end => {
      hasEnded = true;
      if (this.#checkers.get(id) !== running) return;
      running.cancel = undefined;
      this.#logFailure(running.state, end);
      this.#step(id, { kind: 'ended', end });
      this.#arm();
    });
    if (!hasEnded) running.cancel = cancel;
  }

  #start({ checker, urlIndex }: CheckerState, done: AttemptDone): CancelAttempt {
    switch (checker.kind) {
      case 'TCP_CHECK':
        return attemptTcp(checker, done);
      case 'PING_CHECK':
        return this.#pings.attempt(checker, done);
      case 'HTTP_GET':
      case 'SSL_GET':
        return attemptHttp(checker, must(checker.urls[urlIndex], `${checker.kind} has no url`), done);
      case 'SMTP_CHECK':
        return attemptSmtp(checker, done);
      case 'DNS_CHECK':
        return attemptDns(checker, done);
      case 'UDP_CHECK':
        return attemptUdp(checker, done);
      case 'MISC_CHECK':
        return attemptMisc(checker, done);
      case 'FILE_CHECK':
        return () => {};
    }
  }

  #fileSays(id: number, value: number): void {
    const checker = this.#checkers.get(id)?.state.checker;
    if (checker?.kind !== 'FILE_CHECK') return;
    const outcome = fileOutcome(value, checker.weight, checker.reverse);
    this.#step(id, {
      kind: 'ended',
      end: { made: true, ...outcome, said: `${checker.file}: ${outcome.said}` },
    });
  }

  #logFailure({ checker, up }: CheckerState, end: AttemptEnd): void {
    if (end.made && !end.ok && up && checker.logAllFailures) this.#tools.log(`${checker.kind}: ${end.said}`);
  }
}
