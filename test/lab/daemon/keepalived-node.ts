import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { vi } from 'vitest';
import { type SegmentHost, start } from './segment.ts';

/** Debian's keepalived on a host of a segment. */
export class KeepalivedNode {
  readonly host: SegmentHost;
  readonly #folder = mkdtempSync(join(tmpdir(), 'keepalived-'));
  readonly #config: string;
  #process: ChildProcess | undefined;
  #said: () => string = () => '';

  constructor(host: SegmentHost, config: string) {
    this.host = host;
    this.#config = join(this.#folder, 'keepalived.conf');
    writeFileSync(this.#config, config, { mode: 0o600 });
  }

  start(): void {
    const pids = [
      '-p',
      join(this.#folder, 'pid'),
      '-r',
      this.#vrrpPidFile,
      '-c',
      join(this.#folder, 'checkers'),
    ];
    const argv = ['keepalived', '-n', '-l', '-D', '-G', '-P', '-f', this.#config, ...pids];
    const started = start(this.host.namespace, argv);
    this.#process = started.process;
    this.#said = started.said;
  }

  get log(): string {
    return this.#said();
  }

  /** Waits until it has said that it entered the state, after everything that it had said before `from`. */
  async expectState(state: 'MASTER' | 'BACKUP' | 'FAULT', from = 0): Promise<void> {
    await vi.waitFor(
      () => {
        const last = /.*Entering (\w+) STATE(?!.*Entering \w+ STATE)/s.exec(this.log.slice(from))?.[1];
        if (last !== state) throw new Error(`keepalived is ${last}, expected ${state}:\n${this.log}`);
      },
      { timeout: 15_000, interval: 10 },
    );
  }

  /** SIGTERM stops it in order; SIGKILL crashes it, its VRRP child included. */
  async end(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    const parent = this.#process;
    if (!parent || parent.exitCode !== null || parent.signalCode !== null) return;
    const gone = new Promise(resolve => parent.once('exit', resolve));
    if (signal === 'SIGKILL') {
      const child = Number(readFileSync(this.#vrrpPidFile, 'utf8'));
      // The parent would respawn the child, and the child says farewell when the parent dies first.
      parent.kill('SIGSTOP');
      process.kill(child, 'SIGKILL');
      parent.kill('SIGKILL');
      await gone;
      // A process 1 that does not collect orphans leaves the child as a zombie, which counts as running.
      rmSync(this.#vrrpPidFile);
    } else {
      parent.kill(signal);
      await gone;
    }
  }

  async remove(): Promise<void> {
    await this.end();
    rmSync(this.#folder, { recursive: true });
  }

  get #vrrpPidFile(): string {
    return join(this.#folder, 'vrrp');
  }
}
