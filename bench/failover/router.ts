/** The daemons of the benchmark, on a host of a segment. */
import { type ChildProcess, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { NODE_FLAGS } from '../../scripts/release-launcher.ts';
import { renderKeepalived, type RouterSpec } from '../../test/lab/daemon/router-spec.ts';
import { type SegmentHost, start } from '../../test/lab/daemon/segment.ts';

/** `keepalived` is Debian's as it comes; the third one has `vrrp_rt_priority`, the scheduling that tandemd has by default. */
export const CONTENDERS = ['tandemd', 'keepalived', 'keepalived, real time'] as const;
export type Contender = (typeof CONTENDERS)[number];

const CHECKOUT = join(import.meta.dirname, '..', '..');
const TANDEMD = join(CHECKOUT, 'dist', 'release', process.arch, 'tandemd.mjs');
const [READY_MS, LOOK_MS] = [20_000, 5];

export function versionsOf(): string {
  // It tells on stderr.
  const { stderr } = spawnSync('keepalived', ['--version'], { encoding: 'utf8' });
  return `Node ${process.version}, ${/^Keepalived v\S+/m.exec(stderr)?.[0]}`;
}

export class Router {
  readonly host: SegmentHost;
  readonly #folder = mkdtempSync(join(tmpdir(), 'bench-failover-'));
  readonly #argv: readonly string[];
  readonly #isTandemd: boolean;
  #process: ChildProcess | undefined;
  #said: () => string = () => '';

  constructor(host: SegmentHost, contender: Contender, spec: RouterSpec) {
    this.host = host;
    this.#isTandemd = contender === 'tandemd';
    const conf = join(this.#folder, 'keepalived.conf');
    const realTime = contender === 'keepalived, real time';
    writeFileSync(conf, renderKeepalived({ ...spec, realTime }), { mode: 0o600 });
    const runDir = join(this.#folder, 'run');
    mkdirSync(runDir);
    const pids = [
      '-p',
      join(this.#folder, 'pid'),
      '-r',
      this.#childPidFile,
      '-c',
      join(this.#folder, 'checkers'),
    ];
    this.#argv = this.#isTandemd
      ? [process.execPath, ...NODE_FLAGS, TANDEMD, '-n', '-l', '-D', '-f', conf, '--run-dir', runDir]
      : ['keepalived', '-n', '-l', '-D', '-G', '-P', '-f', conf, ...pids];
  }

  /** Returns when it waits as BACKUP. */
  async start(): Promise<void> {
    const env = this.#isTandemd ? { UV_THREADPOOL_SIZE: '1' } : {};
    const started = start(this.host.namespace, this.#argv, env);
    this.#process = started.process;
    this.#said = started.said;
    await this.#backups(1);
  }

  /** Pulls the cable; the function that comes back plugs it in again and returns when the router waits as BACKUP. */
  cut(): () => Promise<void> {
    this.host.cable(false);
    return async () => {
      const before = this.#timesBackup();
      this.host.cable(true);
      await this.#backups(before + 1);
    };
  }

  /** SIGKILL to all of its processes. */
  async crash(): Promise<void> {
    const child = this.#process;
    if (!child) return;
    const gone = once(child, 'exit');
    if (!this.#isTandemd) {
      // Its parent would start the VRRP process anew, and that one says farewell when the parent dies first.
      const vrrp = Number(readFileSync(this.#childPidFile, 'utf8'));
      child.kill('SIGSTOP');
      process.kill(vrrp, 'SIGKILL');
    }
    child.kill('SIGKILL');
    await gone;
    rmSync(this.#childPidFile, { force: true });
  }

  async stop(): Promise<void> {
    const child = this.#process;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill('SIGTERM');
    await gone;
  }

  async remove(): Promise<void> {
    await this.stop();
    rmSync(this.#folder, { recursive: true });
  }

  get #childPidFile(): string {
    return join(this.#folder, 'vrrp');
  }

  #timesBackup(): number {
    return this.#said().split('Entering BACKUP STATE').length - 1;
  }

  async #backups(times: number): Promise<void> {
    const deadlineAtMs = performance.now() + READY_MS;
    while (this.#timesBackup() < times) {
      if (performance.now() > deadlineAtMs)
        throw new Error(`${this.host.name} is no BACKUP:\n${this.#said()}`);
      await sleep(LOOK_MS);
    }
  }
}
