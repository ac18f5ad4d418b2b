import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, existsSync, openSync, readFileSync, readSync, writeFileSync } from 'node:fs';
import type { Server } from 'node:net';
import { join } from 'node:path';
import { vi } from 'vitest';
import { must } from '#base/assert.ts';
import { CHECKED_SERVERS } from './beside-config.ts';
import { Director, close, listen } from './director.ts';
import { inside } from './segment.ts';

/** Who balances: each in the network namespace of this name. */
export const BALANCERS = ['ours', 'keepalived'] as const;

const SETUP = `[ -e /proc/sys/net/ipv6 ] || modprobe ipv6; ${BALANCERS.map(
  name =>
    `ip netns add ${name}; ip -n ${name} link set lo up; ` +
    `for last in 1 2; do ip -n ${name} address add fd20::$last/128 dev lo nodad; done`,
).join('; ')}`;

type Balancer = (typeof BALANCERS)[number];

/** Makes a network namespace for each. */
export function buildNamespaces(): void {
  execFileSync('sh', ['-euc', SETUP], { stdio: ['ignore', 'inherit', 'inherit'] });
}

export function removeNamespaces(): void {
  for (const name of BALANCERS) execFileSync('ip', ['netns', 'delete', name]);
}

/** Reads a FIFO to a file, as `lvs_notify_fifo_script`: its argument is the FIFO. */
const READER = '#!/bin/sh\nexec cat "$1" >> "$1.lines"\n';

/** tandemd and keepalived with the same configuration, in one kernel and with a table each. */
export class Beside {
  readonly #director = new Director();
  readonly #fifos: Record<Balancer, number>;
  readonly #heard = { ours: '', keepalived: '' };
  #keepalived: ChildProcess | undefined;
  #said = '';

  constructor() {
    writeFileSync(this.#file('read'), READER, { mode: 0o755 });
    const made = (name: Balancer): number => {
      const path = this.#file(`${name}.fifo`);
      execFileSync('mkfifo', [path]);
      return openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
    };
    this.#fifos = { ours: made('ours'), keepalived: made('keepalived') };
  }

  /** In the text, `FIFO` is a FIFO of each that is read here, `OTHER` the path of one, and `READER` its script. */
  async start(text: string): Promise<void> {
    this.#configure(text);
    await inside('ours', () => this.#director.start(this.#textFor('ours', text)));
    const pidFiles = ['-p', this.#file('k.pid'), '-c', this.#file('kc.pid'), '-r', this.#file('kv.pid')];
    const keepalived = await inside('keepalived', () =>
      spawn('keepalived', ['-n', '-l', '-C', ...pidFiles, '-f', this.#file('k.conf')], {
        stdio: ['ignore', 'pipe', 'pipe'],
      }),
    );
    for (const stream of [keepalived.stdout, keepalived.stderr])
      stream.on('data', (chunk: Buffer) => (this.#said += chunk.toString()));
    this.#keepalived = keepalived;
  }

  reload(text: string): void {
    this.#configure(text);
    this.#director.reload();
    this.#keepalived?.kill('SIGHUP');
  }

  /** Ends both in good order. */
  async stop(): Promise<void> {
    await this.#director.stop();
    if (this.#keepalived?.exitCode !== null) return;
    const ended = once(this.#keepalived, 'exit');
    this.#keepalived.kill('SIGTERM');
    await ended;
  }

  remove(): void {
    for (const name of BALANCERS) closeSync(this.#fifos[name]);
    this.#keepalived?.kill('SIGKILL');
    this.#director.remove();
  }

  /** What each has written to FIFO since it was started. */
  get told(): Readonly<Record<Balancer, string>> {
    for (const name of BALANCERS) this.#heard[name] += readAll(this.#fifos[name]);
    return this.#heard;
  }

  /** What the READER of each has found in OTHER. */
  get read(): Readonly<Record<Balancer, string>> {
    const lines = (name: Balancer): string => {
      const file = this.#file(`${name}.other.lines`);
      return existsSync(file) ? readFileSync(file, 'utf8') : '';
    };
    return { ours: lines('ours'), keepalived: lines('keepalived') };
  }

  #configure(text: string): void {
    this.#director.configure(this.#textFor('ours', text));
    writeFileSync(this.#file('k.conf'), this.#textFor('keepalived', text));
  }

  #textFor(name: Balancer, text: string): string {
    const words = {
      FIFO: this.#file(`${name}.fifo`),
      OTHER: this.#file(`${name}.other`),
      READER: this.#file('read'),
    };
    return text.replaceAll(/\b(FIFO|OTHER|READER)\b/g, word => words[word as keyof typeof words]);
  }

  #file(name: string): string {
    return join(this.#director.folder, name);
  }

  /** Where both logs end now. */
  mark(): readonly number[] {
    return this.logs.map(log => log.length);
  }

  get logs(): readonly string[] {
    return [this.#director.log, this.#said];
  }

  /** Waits until both have said it after the mark. */
  async bothSay(mark: readonly number[], text: string): Promise<void> {
    await vi.waitFor(
      () => {
        const later = this.logs.map((log, i) => log.slice(mark[i]));
        const silent = later.find(log => !log.includes(text));
        if (silent !== undefined) throw new Error(`not said: ${text}\n${silent}`);
      },
      { timeout: 30_000, interval: 50 },
    );
  }
}

/** What a pipe holds now. */
function readAll(descriptor: number): string {
  const bytes = Buffer.alloc(64 * 1024);
  try {
    return bytes.toString('utf8', 0, readSync(descriptor, bytes));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return '';
    throw error;
  }
}

/** The real servers that are checked, each in the namespaces of both; a name is address and port. */
export class RealServers {
  readonly #open = new Map<string, Server[]>();

  async openAll(): Promise<void> {
    for (const server of CHECKED_SERVERS) await this.open(server);
  }

  async closeAll(): Promise<void> {
    for (const server of this.#open.keys()) await this.close(server);
  }

  async open(server: string): Promise<void> {
    const [address = '', port] = server.split(' ');
    const both: Server[] = [];
    for (const name of BALANCERS)
      both.push(await inside(name, async () => await listen(address, Number(port))));
    this.#open.set(server, both);
  }

  async close(server: string): Promise<void> {
    await Promise.all(must(this.#open.get(server), server).map(close));
    this.#open.delete(server);
  }
}
