import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { vi } from 'vitest';
import type { VirtualServerStatus } from '#control/server-status.ts';
import type { DaemonStatus } from '#control/status.ts';
import { ipvsadm } from './table.ts';

/** The release, which `test/lab/ipvs.lab.test.ts` builds: sources take ten times as long to start. */
const MAIN = join(import.meta.dirname, '../../dist/release', process.arch, 'tandemd.mjs');
const WAIT = { timeout: 30_000, interval: 50 };

/** What `tandemd status --json` says. */
type DirectorStatus = DaemonStatus & { readonly virtualServers: readonly VirtualServerStatus[] };

/** A tandemd that balances, and what it says. */
export class Director {
  readonly folder = mkdtempSync(join(tmpdir(), 'director-'));
  log = '';
  #process: ChildProcess | undefined;

  get configFile(): string {
    return join(this.folder, 'keepalived.conf');
  }

  start(text: string): void {
    this.configure(text);
    const argv = [MAIN, '-n', '-l', '-f', this.configFile, '--run-dir', this.folder, '--no-realtime'];
    this.#process = spawn(process.execPath, argv, { stdio: ['ignore', 'ignore', 'pipe'] });
    this.#process.stderr?.on('data', (chunk: Buffer) => (this.log += chunk.toString()));
  }

  configure(text: string): void {
    writeFileSync(this.configFile, text);
  }

  reload(): void {
    this.#process?.kill('SIGHUP');
  }

  /** Ends it and everything that it has started, as a power failure would end them. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  async stop(): Promise<void> {
    await this.#end('SIGTERM');
  }

  remove(): void {
    this.#process?.kill('SIGKILL');
    rmSync(this.folder, { recursive: true });
  }

  status(): DirectorStatus {
    return JSON.parse(this.ask('status', '--json')) as DirectorStatus;
  }

  ask(...argv: readonly string[]): string {
    return execFileSync(process.execPath, [MAIN, ...argv, '--run-dir', this.folder], { encoding: 'utf8' });
  }

  /** Waits until the daemon has said it. */
  async said(text: string | RegExp): Promise<void> {
    await vi.waitFor(() => {
      if (!(typeof text === 'string' ? this.log.includes(text) : text.test(this.log)))
        throw new Error(`it did not say ${String(text)}:\n${this.log}`);
    }, WAIT);
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const ended = this.#process;
    if (!ended || ended.exitCode !== null || ended.signalCode !== null) return;
    await new Promise<void>(resolve => {
      ended.once('exit', () => resolve());
      ended.kill(signal);
    });
  }
}

/** Waits until `ipvsadm -Sn` says this, in whatever order. */
export async function tableIs(...lines: readonly string[]): Promise<void> {
  await vi.waitFor(() => {
    const saved = ipvsadm('-Sn').toSorted().join('\n');
    if (saved !== lines.toSorted().join('\n')) throw new Error(`the table is\n${saved}`);
  }, WAIT);
}

/** A TCP server that accepts. */
export async function listen(address: string, port: number): Promise<Server> {
  const server = createServer(socket => socket.end());
  await new Promise<void>(resolve => server.listen(port, address, resolve));
  return server;
}

export async function close(server: Server): Promise<void> {
  await new Promise(resolve => server.close(resolve));
}
