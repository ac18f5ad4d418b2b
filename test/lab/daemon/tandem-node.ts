import { type ChildProcess, execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { vi } from 'vitest';
import { askOnce } from '#control/client.ts';
import { parseExpectation, unmet } from '#control/expectation.ts';
import type { DaemonStatus, InstanceStatus } from '#control/status.ts';
import { NODE_FLAGS } from '../../../scripts/release-launcher.ts';
import { type SegmentHost, start } from './segment.ts';

const ROOT = join(import.meta.dirname, '..', '..', '..');
const PROGRAM = join(ROOT, 'dist', 'release', process.arch, 'tandemd.mjs');
const WAIT_MS = 15_000;

/** What a finished command said. */
export interface CommandResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** tandemd on a host of a segment: the built program, with a run directory and a configuration of its own. */
export class TandemNode {
  readonly host: SegmentHost;
  readonly folder = mkdtempSync(join(tmpdir(), 'tandemd-'));
  readonly configFile = join(this.folder, 'keepalived.conf');
  readonly runDir = join(this.folder, 'run');
  /** Stands before the daemon's own argv: a program that ends by running it. */
  around: readonly string[] = [];
  #process: ChildProcess | undefined;
  #said: () => string = () => '';

  constructor(host: SegmentHost, config: string) {
    this.host = host;
    mkdirSync(this.runDir);
    this.write(config);
  }

  /** Replaces the configuration file. */
  write(config: string): void {
    writeFileSync(this.configFile, config);
  }

  /** Starts the daemon; returns at once. */
  start(...options: string[]): void {
    const argv = ['-n', '-l', '-D', '-f', this.configFile, '--run-dir', this.runDir, ...options];
    const daemon = [...this.around, process.execPath, ...NODE_FLAGS, PROGRAM, ...argv];
    // As under systemd: each line begins with its severity, `<4>`.
    const started = start(this.host.namespace, daemon, { JOURNAL_STREAM: '0:0' });
    this.#process = started.process;
    this.#said = started.said;
  }

  get log(): string {
    return this.#said();
  }

  get pid(): number {
    return this.#process?.pid ?? 0;
  }

  signal(signal: NodeJS.Signals): void {
    this.#process?.kill(signal);
  }

  /** Resolves to its exit code when the daemon ends by itself. */
  exited(): Promise<number | null> {
    const child = this.#process;
    if (!child || child.exitCode !== null) return Promise.resolve(child?.exitCode ?? null);
    return new Promise(resolve => child.once('exit', code => resolve(code)));
  }

  /** Ends the daemon and waits until it is gone. Returns its exit code. */
  async end(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    const child = this.#process;
    if (!child || child.exitCode !== null || child.signalCode !== null) return child?.exitCode ?? null;
    return new Promise(resolve => {
      child.once('exit', code => resolve(code));
      child.kill(signal);
    });
  }

  async remove(): Promise<void> {
    await this.end('SIGKILL');
    rmSync(this.folder, { recursive: true });
  }

  async status(): Promise<DaemonStatus> {
    return askOnce(join(this.runDir, 'control.sock'), 'status', {});
  }

  async instance(name = 'VG_1'): Promise<InstanceStatus> {
    const found = (await this.status()).instances.find(each => each.name === name);
    if (!found) throw new Error(`no instance ${name}`);
    return found;
  }

  /** Waits until the instances are as expected (`VG_1=MASTER`), VIPs and adverts included. */
  async expect(...expected: string[]): Promise<void> {
    const expectation = parseExpectation(expected);
    await vi.waitFor(
      async () => {
        const missing = unmet(await this.status(), expectation);
        if (missing.length > 0) throw new Error(`${this.host.name}: ${missing.join('; ')}\n${this.log}`);
      },
      { timeout: WAIT_MS, interval: 15 },
    );
  }

  /** Waits until the log has a line. */
  async expectLog(text: string | RegExp): Promise<void> {
    await vi.waitFor(
      () => {
        const isThere = typeof text === 'string' ? this.log.includes(text) : text.test(this.log);
        if (!isThere) throw new Error(`${this.host.name} has not logged ${String(text)}:\n${this.log}`);
      },
      { timeout: WAIT_MS, interval: 10 },
    );
  }

  /** Runs `tandemd COMMAND …` against this daemon. */
  command(...argv: string[]): Promise<CommandResult> {
    return runTandemd([...argv, '--run-dir', this.runDir]);
  }
}

/** Runs the built program to its end. */
export function runTandemd(argv: readonly string[]): Promise<CommandResult> {
  return new Promise(resolve => {
    execFile(process.execPath, [PROGRAM, ...argv], { timeout: 30_000 }, (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code ?? 1) : 0, stdout, stderr }),
    );
  });
}

/** Builds what the tests run, unless it is there. */
export async function buildRelease(): Promise<void> {
  const script = join(ROOT, 'scripts', 'build.ts');
  await new Promise<void>((resolve, reject) => {
    execFile(process.execPath, [script, '--if-changed', '--only', 'release'], error =>
      error ? reject(error) : resolve(),
    );
  });
}
