/** One host during a run: its session, and programs in it with the errors and events that they come to. */
import { InputError, messageOf, RemoteError } from '#base/errors.ts';
import type { HostPhase } from '#control/events.ts';
import { type Expectation, unmet } from '#control/expectation.ts';
import type { LiveStatus } from '#control/server-status.ts';
import type { Frame } from '#provision/model/frames.ts';
import { liveProbe, parseLive } from '#provision/model/live-status.ts';
import { assemble, type Item, type Program } from '#provision/model/program.ts';
import { type Fragment, sh } from '#provision/model/shell.ts';
import type { RunContext } from './api.ts';
import { LOCK_BUSY, lockFragment, unlockFragment } from './lock.ts';
import type { Answers, HostAccess } from './ports.ts';
import { newNonce, openSession, type ProgramOptions, type Session } from './session.ts';

/** Why a host was given up. */
export interface HostFailure {
  readonly step: string;
  readonly message: string;
  readonly unreachable: boolean;
  readonly invalid: boolean;
}

/** An upload says how far it is at most this often, in bytes. */
const UPLOAD_EVENT_BYTES = 1024 * 1024;

/** How often a lock that somebody else holds is tried. */
const LOCK_RETRY_MS = 250;

/** How often a daemon is asked that cannot be told to wait. */
const LIVE_RETRY_MS = 400;

export class RemoteHost {
  readonly access: HostAccess;
  readonly context: RunContext;
  failure: HostFailure | undefined;
  #session: Session | undefined;
  /** The lock is this one's process: it stays open until the lock is given back. */
  #locker: Session | undefined;
  /** This host, or another of its cluster, may not be as it was when it was read. */
  #stale = false;
  /** As it was when the host was read, or when we gave the lock back: in bytes. */
  #ledgerLength: number | undefined;
  /** Sessions that have been replaced. */
  readonly #closing: Promise<void>[] = [];

  constructor(access: HostAccess, context: RunContext) {
    this.access = access;
    this.context = context;
  }

  get name(): string {
    return this.access.name;
  }

  get connected(): boolean {
    return this.#session !== undefined && !this.#session.broken;
  }

  phase(phase: HostPhase, detail?: string): void {
    this.context.emit({
      type: 'host-phase',
      host: this.name,
      phase,
      ...(detail === undefined ? {} : { detail }),
    });
  }

  /** A point at which an interrupted run may stop: nothing is left half-done. Throws RemoteError if it was. */
  checkpoint(step: string): void {
    if (this.context.signal?.aborted) throw this.error(step, 'the run was interrupted');
  }

  /** Throws RemoteError. */
  async connect(): Promise<void> {
    this.checkpoint('connect');
    this.phase('connecting');
    const startedAtMs = performance.now();
    const session = await openSession(this.context.transport, this.access, this.context.ask);
    this.#session = session;
    const elapsedMs = Math.round(performance.now() - startedAtMs);
    this.context.emit({ type: 'host-connected', host: this.name, transport: session.transport, elapsedMs });
  }

  /** A second connection, from the TCP handshake to a program's answer; takes the first one's place. */
  async reconnect(step: string): Promise<void> {
    const session = await openSession(this.context.transport, this.access, this.context.ask);
    try {
      await session.run(this.assemble([{ id: 'here', fragment: sh`:` }], 'all'), this.#options(step));
    } catch (error) {
      await session.close();
      throw error;
    }
    // Not waited for here: it may be cut, and a timer runs on the host.
    if (this.#session && this.#session !== this.#locker) this.#closing.push(this.#session.close());
    this.#session = session;
  }

  assemble(items: readonly Item[], run: 'all' | 'until-failure'): Program {
    return assemble(items, { nonce: newNonce(), run, paths: this.context.settings.paths });
  }

  /** Runs a program. Throws RemoteError. */
  run(
    program: Program,
    step: string,
    more: Partial<ProgramOptions> = {},
    session = this.#session,
  ): Promise<Answers> {
    if (!session) throw this.error(step, 'there is no connection');
    return session.run(program, { ...this.#options(step), ...more });
  }

  #options(step: string): ProgramOptions {
    let reported = 0;
    return {
      step,
      silenceTimeoutMs: this.context.settings.silenceTimeoutMs,
      onUpload: (what, sent, total) => {
        if (sent < reported) reported = 0;
        if (sent !== total && sent - reported < UPLOAD_EVENT_BYTES) return;
        reported = sent;
        if (total >= UPLOAD_EVENT_BYTES)
          this.context.emit({ type: 'upload', host: this.name, what, sent, total });
      },
    };
  }

  /** Runs one fragment and gives its answer, whatever its exit code. */
  async ask(
    fragment: Fragment,
    step: string,
    more: Partial<ProgramOptions> = {},
    session = this.#session,
  ): Promise<Frame> {
    const answers = await this.run(this.assemble([{ id: 'a', fragment }], 'all'), step, more, session);
    const answer = answers.get('a');
    if (!answer) throw this.error(step, 'the host did not answer');
    return answer;
  }

  /** Runs one fragment that must succeed. Throws RemoteError with the host's words. */
  async must(fragment: Fragment, step: string, more: Partial<ProgramOptions> = {}): Promise<Frame> {
    const answer = await this.ask(fragment, step, more);
    if (answer.exit !== 0) throw this.error(step, `exit code ${answer.exit}`, saidIn(answer));
    return answer;
  }

  /** The VRRP daemon's account of the present, whichever runs; undefined if none does or it cannot say. */
  async live(): Promise<LiveStatus | undefined> {
    const { stdout } = await this.ask(liveProbe(), 'ask the VRRP daemon for its status');
    try {
      return parseLive(stdout);
    } catch {
      return undefined;
    }
  }

  /**
   * Asks until all of `expected` holds, and nothing is `amiss`; what is not so after `timeoutMs`, one sentence each.
   * Throws RemoteError.
   */
  async awaitLive(
    expected: Expectation,
    timeoutMs: number,
    amiss: (status: LiveStatus) => readonly string[] = () => [],
  ): Promise<readonly string[]> {
    const deadlineAtMs = performance.now() + timeoutMs;
    for (;;) {
      const status = await this.live();
      const missing = status ? [...amiss(status), ...unmet(status, expected)] : ['no VRRP daemon answers'];
      if (missing.length === 0 || performance.now() > deadlineAtMs) return missing;
      await new Promise(resolve => setTimeout(resolve, LIVE_RETRY_MS));
    }
  }

  /**
   * The host is being read: says how long its ledger is, which tells later whether another run was at work since. Who
   * reads a second time without the lock and finds it longer has read some things before that run and others after it.
   */
  readAt(ledgerLength: Frame | undefined): void {
    const length = ledgerLength && lengthIn(ledgerLength);
    if (!this.#locker && this.#ledgerLength !== undefined && length !== this.#ledgerLength)
      this.#stale = true;
    this.#ledgerLength = length;
  }

  /**
   * Takes the host's lock, waiting for whoever holds it. True if another run held it or was at work since the host was
   * read, now or earlier in this run: this host or another of its cluster may not be as it was when it was read. Throws
   * RemoteError that names the holder.
   */
  async lock(): Promise<boolean> {
    const { owner, lockTimeoutMs } = this.context.settings;
    const deadlineAtMs = performance.now() + lockTimeoutMs;
    for (;;) {
      this.checkpoint('lock the host');
      const session = this.#session;
      const answer = await this.ask(lockFragment(owner), 'lock the host', {}, session);
      if (answer.exit === 0) {
        this.#locker = session;
        if (lengthIn(answer) !== this.#ledgerLength) this.#stale = true;
        return this.#stale;
      }
      if (answer.exit !== LOCK_BUSY)
        throw this.error('lock the host', `exit code ${answer.exit}`, saidIn(answer));
      const holder = new TextDecoder().decode(answer.stdout).trim();
      if (performance.now() + LOCK_RETRY_MS > deadlineAtMs) {
        const message = `another run holds the lock: ${holder}. Wait for it, give --lock-timeout, or end that process`;
        throw this.error('lock the host', message);
      }
      this.#stale = true;
      this.phase('waiting-turn', `locked by ${holder}`);
      await new Promise(resolve => setTimeout(resolve, LOCK_RETRY_MS));
    }
  }

  /** Never throws: a lock that stays is stale as soon as the session ends. */
  async unlock(): Promise<void> {
    const session = this.#locker;
    this.#locker = undefined;
    if (!session || session.broken) return;
    const answer = await this.ask(unlockFragment(), 'unlock the host', {}, session).catch(() => undefined);
    this.#ledgerLength = answer && lengthIn(answer);
    if (session !== this.#session) this.#closing.push(session.close());
  }

  error(step: string, message: string, said = ''): RemoteError {
    return new RemoteError({ host: this.name, step, message, said });
  }

  /** Gives the host up; the first reason counts. */
  fail(error: unknown, step: string): void {
    if (this.failure) return;
    const failure = failureOf(error, step);
    this.failure = { ...failure, message: this.context.redact(failure.message) };
    const { step: failed, message, unreachable } = this.failure;
    this.context.emit({ type: 'host-failed', host: this.name, step: failed, message, unreachable });
  }

  /** Never throws. */
  async close(): Promise<void> {
    const session = this.#session;
    const locker = this.#locker === session ? undefined : this.#locker;
    this.#session = undefined;
    this.#locker = undefined;
    await Promise.all([session?.close(), locker?.close(), ...this.#closing]);
  }
}

function lengthIn(answer: Frame): number {
  return Number(new TextDecoder().decode(answer.stdout));
}

/** What a fragment said, for errors: standard error, or the end of standard output. */
export function saidIn(answer: Frame): string {
  const text = new TextDecoder();
  const errors = text.decode(answer.stderr).trim();
  return errors === '' ? text.decode(answer.stdout).trim().slice(-2000) : errors.slice(-4000);
}

function failureOf(error: unknown, step: string): HostFailure {
  if (!(error instanceof RemoteError)) {
    return { step, message: messageOf(error), unreachable: false, invalid: error instanceof InputError };
  }
  const prefix = `${error.host}: ${error.step}: `;
  return {
    step: error.step,
    message: error.message.slice(prefix.length),
    unreachable: error.unreachable,
    invalid: false,
  };
}
