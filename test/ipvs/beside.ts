import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Server } from 'node:net';
import { join } from 'node:path';
import { vi } from 'vitest';
import { must } from '#base/assert.ts';
import { CHECKED_SERVERS } from './beside-config.ts';
import { Director, close, listen } from './director.ts';
import { inside } from './segment.ts';

/** Who balances: each in the network namespace of this name. */
export const BALANCERS = ['ours', 'keepalived'] as const;

/** tandemd and keepalived with the same configuration, in one kernel and with a table each. */
export class Beside {
  readonly #director = new Director();
  #keepalived: ChildProcess | undefined;
  #said = '';

  async start(text: string): Promise<void> {
    await inside('ours', () => this.#director.start(text));
    const file = (name: string): string => join(this.#director.folder, name);
    const pidFiles = ['-p', file('k.pid'), '-c', file('kc.pid'), '-r', file('kv.pid')];
    const keepalived = await inside('keepalived', () =>
      spawn('keepalived', ['-n', '-l', '-C', ...pidFiles, '-f', this.#director.configFile], {
        stdio: ['ignore', 'pipe', 'pipe'],
      }),
    );
    for (const stream of [keepalived.stdout, keepalived.stderr])
      stream.on('data', (chunk: Buffer) => (this.#said += chunk.toString()));
    this.#keepalived = keepalived;
  }

  async stop(): Promise<void> {
    await this.#director.stop();
    this.#director.remove();
    if (this.#keepalived?.exitCode === null) {
      const ended = once(this.#keepalived, 'exit');
      this.#keepalived.kill('SIGTERM');
      await ended;
    }
    for (const name of BALANCERS) execFileSync('ip', ['netns', 'delete', name]);
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

const SETUP = `modprobe ipv6; ${BALANCERS.map(
  name =>
    `ip netns add ${name}; ip -n ${name} link set lo up; ` +
    `for last in 1 2; do ip -n ${name} address add fd20::$last/128 dev lo nodad; done`,
).join('; ')}`;

/** The real servers that are checked, each in the namespaces of both; a name is address and port. */
export class RealServers {
  readonly #open = new Map<string, Server[]>();

  /** Makes the namespaces, and opens all in them. */
  async openAll(): Promise<void> {
    execFileSync('sh', ['-euc', SETUP], { stdio: ['ignore', 'inherit', 'inherit'] });
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
