import { type ChildProcess, execFile, execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { vi } from 'vitest';
import { renderFrr, type RouterSpec, VRID } from './router-spec.ts';
import { type SegmentHost, start } from './segment.ts';

const FOLDER = '/usr/lib/frr';
const CAPABILITIES = '+net_admin,+net_raw,+sys_admin,+net_bind_service';
const WAIT = { timeout: 15_000, interval: 40 };

/** `setpriv` changes the user, which forgets the signal that ends it with its parent: it is asked for again. */
const AS_FRR = [
  'setpriv',
  '--reuid=frr',
  '--regid=frr',
  '--init-groups',
  `--inh-caps=${CAPABILITIES}`,
  `--ambient-caps=${CAPABILITIES}`,
  '--pdeathsig',
  'KILL',
];

/** FRR's words for its states, in ours. */
const STATES = { Master: 'MASTER', Backup: 'BACKUP', Initialize: 'INIT' } as const;

/** `show vrrp json`, what is used of it. */
type Shown = readonly {
  readonly v4: { readonly status: keyof typeof STATES };
  readonly v6: { readonly status: keyof typeof STATES };
}[];

/** FRR's zebra and vrrpd on a host of a segment, with the macvlan interface that they require. */
export class FrrNode {
  readonly host: SegmentHost;
  readonly #spec: RouterSpec;
  readonly #folder = mkdtempSync(join(tmpdir(), 'frr-'));
  readonly #saids: (() => string)[] = [];
  #zebra: ChildProcess | undefined;
  #vrrpd: ChildProcess | undefined;

  constructor(host: SegmentHost, spec: RouterSpec) {
    this.host = host;
    this.#spec = spec;
    writeFileSync(join(this.#folder, 'zebra.conf'), 'log record-priority\n');
    writeFileSync(join(this.#folder, 'vrrpd.conf'), renderFrr(spec));
    execFileSync('chown', ['-R', 'frr:frr', this.#folder]);
    this.#addInterface();
  }

  /** Everything that zebra and vrrpd have said since the node was made. */
  get log(): string {
    return this.#saids.map(said => said()).join('');
  }

  /** Starts vrrpd (and zebra, which stays); returns when the virtual router runs. */
  async start(): Promise<void> {
    this.#zebra ??= await this.#run('zebra');
    this.#vrrpd = await this.#run('vrrpd');
    await vi.waitFor(() => this.#vtysh('configure', 'interface eth0', `no vrrp ${VRID} shutdown`), WAIT);
    await vi.waitFor(async () => {
      if ((await this.state()) === 'INIT') throw new Error(`vrrpd does not run:\n${this.log}`);
    }, WAIT);
  }

  async state(): Promise<'MASTER' | 'BACKUP' | 'INIT'> {
    const shown = JSON.parse(await this.#vtysh('show vrrp json')) as Shown;
    const family = this.#isV6 ? 'v6' : 'v4';
    return STATES[shown[0]?.[family].status ?? 'Initialize'];
  }

  async expectState(state: 'MASTER' | 'BACKUP'): Promise<void> {
    await vi.waitFor(async () => {
      const now = await this.state();
      if (now !== state)
        throw new Error(`${this.host.name}: vrrpd is ${now}, expected ${state}:\n${this.log}`);
    }, WAIT);
  }

  /** Ends vrrpd; zebra stays, as it would on a router. */
  async end(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    await ended(this.#vrrpd, signal);
  }

  async remove(): Promise<void> {
    await this.end('SIGKILL');
    await ended(this.#zebra, 'SIGKILL');
    rmSync(this.#folder, { recursive: true });
  }

  get #isV6(): boolean {
    return this.#spec.vips.some(vip => vip.includes(':'));
  }

  /** vrrpd sends from a macvlan interface with the virtual router's MAC address (RFC 5798 §7.3), which it finds by that address. */
  #addInterface(): void {
    const { namespace, address } = this.host;
    const mac = `00:00:5e:00:0${this.#isV6 ? 2 : 1}:${VRID.toString(16)}`;
    namespace.ip('link add vrrp0 link eth0 type macvlan mode bridge');
    namespace.ip(`link set vrrp0 addrgenmode none address ${mac} up`);
    // vrrpd sends from the first IPv6 address that it finds there, which must not be a VIP.
    const addresses = this.#isV6
      ? [`${frrLinkLocal(address)}/64`]
      : this.#spec.vips.map(vip => (vip.includes('/') ? vip : `${vip}/32`));
    for (const each of addresses) namespace.ip(`addr add ${each} dev vrrp0${this.#isV6 ? ' nodad' : ''}`);
  }

  async #run(program: 'zebra' | 'vrrpd'): Promise<ChildProcess> {
    const files = ['-f', `${program}.conf`, '-z', 'zserv.api', '-i', `${program}.pid`].map(word =>
      word.startsWith('-') ? word : join(this.#folder, word),
    );
    rmSync(join(this.#folder, `${program}.vty`), { force: true });
    const argv = [
      `${FOLDER}/${program}`,
      ...files,
      '--vty_socket',
      this.#folder,
      '-P',
      '0',
      '--log',
      'stdout',
    ];
    const started = start(this.host.namespace, [...AS_FRR, ...argv]);
    this.#saids.push(started.said);
    await vi.waitFor(() => {
      if (!existsSync(join(this.#folder, `${program}.vty`)))
        throw new Error(`${program} has not started:\n${started.said()}`);
    }, WAIT);
    return started.process;
  }

  async #vtysh(...commands: readonly string[]): Promise<string> {
    const argv = ['--vty_socket', this.#folder, '-d', 'vrrpd', ...commands.flatMap(each => ['-c', each])];
    const { stdout } = await promisify(execFile)('vtysh', argv, { timeout: 10_000 });
    return stdout;
  }
}

/** The link-local address from which FRR's IPv6 router on a host sends. */
export function frrLinkLocal(address: string): string {
  return `fe80::1:${address.split('.').at(-1)}`;
}

async function ended(child: ChildProcess | undefined, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
  if (!child || child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise(resolve => child.once('exit', resolve));
  child.kill(signal);
  await gone;
}
