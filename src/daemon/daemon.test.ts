import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { formatIp, parseIp } from '#base/address.ts';
import { must } from '#base/assert.ts';
import { checkConfig } from '#conf/load.ts';
import type { DaemonEvent, InstanceStatus } from '#control/status.ts';
import { ERRNO } from '#linux/failure.ts';
import { FakeClock } from '#testing/clock.ts';
import { parseIpFrame } from '#testing/ip-frame.ts';
import { type FakeInterface, FakeKernel } from '#testing/kernel.ts';
import type { LoadedConfiguration } from './configuration.ts';
import { Daemon } from './daemon.ts';
import { Log } from './log.ts';
import { Scripts } from './scripts.ts';
import { ServiceNotifier } from './systemd.ts';
import { WORKER_PATIENCE } from './worker-slot.ts';

const ip = (text: string) => must(parseIp(text), text);
const VIP = ip('172.16.8.100');
const VRRP = 112;

/** tandemd on a fake host with one interface, and everything that it does, in order. */
class Bench {
  readonly kernel: FakeKernel;
  readonly eth0: FakeInterface;
  readonly daemon: Daemon;
  /** Frames, and calls that change the host. */
  readonly done: string[] = [];
  readonly lines: string[] = [];
  readonly events: DaemonEvent[] = [];
  text: string;

  constructor(clock: FakeClock, segment: Bench[], folder: string, text: string) {
    const number = segment.length + 1;
    this.text = text;
    this.kernel = new FakeKernel(clock);
    this.kernel.refusal = call => {
      if (call.startsWith('address')) this.done.push(call);
      return undefined;
    };
    const transmit = (frame: Uint8Array): void => {
      this.done.push(describeFrame(frame));
      const others = segment.filter(other => other !== this);
      clock.after(0.1, () => others.forEach(other => other.eth0.receive(frame)));
    };
    const own = { address: ip(`172.16.8.${9 + number}`), prefix: 24 };
    this.eth0 = this.kernel.plug('eth0', Uint8Array.of(2, 0, 0, 0, 0, number), { transmit }, [own]);
    this.done.length = 0;
    const clocks = { monotonicMs: () => clock.nowMs, wallMs: () => clock.nowMs };
    const log = new Log({ write: (_, line) => void this.lines.push(line) }, () => clock.nowMs, true);
    const env = { NOTIFY_SOCKET: '/run/notify' };
    const load = (): LoadedConfiguration => {
      const source = { read: () => this.text, glob: () => [] };
      const checked = checkConfig('a.conf', source, { hostname: 'ka67' });
      const hasErrors = checked.diagnostics.some(each => each.severity === 'error');
      const { text } = this;
      return { ...checked, file: 'a.conf', hasErrors, hasServers: false, sha256: () => text };
    };
    const loaded = load();
    this.daemon = new Daemon(
      {
        kernel: this.kernel,
        clocks,
        log,
        service: new ServiceNotifier(env, 1, () => {
          const opened = this.kernel.openUnixDatagram();
          return opened.ok ? opened.value : undefined;
        }),
        runDir: join(folder, String(number)),
        keepVips: false,
        version: '0',
        release: null,
        *read() {
          yield undefined;
          return load();
        },
        makeScripts: (config, result) =>
          new Scripts(
            { ...WORKER_PATIENCE, argv: ['/none'] },
            config,
            { result, changed: () => {} },
            log,
            { file: 'a.conf', configId: undefined, runDir: join(folder, String(number)) },
            loaded,
          ),
      },
      loaded,
      loaded.config,
    );
    this.daemon.publishTo(
      event => this.events.push(event()),
      () => {},
    );
    segment.push(this);
  }

  get instance(): InstanceStatus {
    return must(this.daemon.status().instances[0], 'an instance');
  }

  get told(): string[] {
    return this.kernel.datagrams.map(({ text }) => text.split('\n')[0] ?? '');
  }
}

function describeFrame(frame: Uint8Array): string {
  if (frame[12] === 0x08 && frame[13] === 0x06) return `arp ${formatIp(frame.subarray(28, 32))}`;
  const packet = parseIpFrame(frame);
  return packet?.protocol === VRRP ? `advert ${packet.payload[2]}` : 'frame';
}

const configured = (priority: number, more = '172.16.8.100'): string =>
  `vrrp_instance VG_1 { interface eth0\n virtual_router_id 103\n priority ${priority}\n virtual_ipaddress { ${more} } }`;

let clock: FakeClock;
let segment: Bench[];
let folder = '';

beforeEach(() => {
  clock = new FakeClock();
  segment = [];
  folder = mkdtempSync(join(tmpdir(), 'tandem-daemon-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function bench(text: string): Bench {
  const made = new Bench(clock, segment, folder, text);
  return made;
}

function started(text: string): Bench {
  const made = bench(text);
  expect(made.daemon.start()).toBeUndefined();
  return made;
}

const pass = (ms: number): void => clock.runUntil(clock.nowMs + ms);
const refuse = (bench: Bench, pattern: RegExp, errno: number): void => {
  bench.kernel.refusal = call => (pattern.test(call) ? errno : undefined);
};

describe('the daemon', () => {
  test('becomes MASTER in keepalived’s order: advert, addresses, announcements', () => {
    const a = started(configured(255));
    pass(1);
    expect(a.done).toEqual([
      'advert 255',
      'address add 172.16.8.100/32 on ifindex 2',
      ...Array.from({ length: 5 }, () => 'arp 172.16.8.100'),
    ]);
    expect(a.instance).toMatchObject({
      state: 'MASTER',
      vips: [{ address: '172.16.8.100/32', present: true }],
    });
    expect(a.told).toEqual(['READY=1']);
  });

  test('stops with priority 0 first, then without its addresses', () => {
    const a = started(configured(255));
    pass(1);
    a.done.length = 0;
    let stopped = false;
    a.daemon.stop(() => (stopped = true));
    expect(stopped).toBe(true);
    expect(a.done).toEqual(['advert 0', 'address del 172.16.8.100/32 on ifindex 2']);
    expect(a.told).toContain('STOPPING=1');
    expect(a.kernel.tables.hasAddress(VIP)).toBe(false);
  });

  test('of two the higher is MASTER, and the other one takes over after a crash', () => {
    const a = started(configured(254));
    const b = started(configured(100));
    pass(5000);
    expect([a.instance.state, b.instance.state]).toEqual(['MASTER', 'BACKUP']);
    expect(b.instance.heard).toMatchObject({ address: '172.16.8.10', priority: 254 });
    a.eth0.setCarrier(false);
    pass(5000);
    expect([a.instance.state, b.instance.state]).toEqual(['FAULT', 'MASTER']);
    expect(a.kernel.tables.hasAddress(VIP)).toBe(false);
    a.eth0.setCarrier(true);
    pass(5000);
    expect([a.instance.state, b.instance.state]).toEqual(['MASTER', 'BACKUP']);
    expect(a.events.filter(({ type }) => type === 'state')).toMatchObject([
      { from: 'INIT', to: 'BACKUP' },
      { from: 'BACKUP', to: 'MASTER' },
      { from: 'MASTER', to: 'FAULT' },
      { from: 'FAULT', to: 'BACKUP' },
      { from: 'BACKUP', to: 'MASTER' },
    ]);
  });

  test.each([
    { usedCpuMs: 5, why: 'stopped, or no CPU' },
    { usedCpuMs: 700, why: 'busy with its own work' },
  ])('says what held it up: $why', ({ usedCpuMs, why }) => {
    const a = started(configured(255));
    pass(1);
    clock.after(500, () => {
      clock.nowMs += 700;
      a.kernel.usedCpuMs += usedCpuMs;
    });
    pass(1500);
    expect(a.lines).toContainEqual(expect.stringMatching(`the process was held up for \\d+ ms \\(${why}\\)`));
    expect(a.daemon.status().stalls).toMatchObject({ count: 1 });
  });

  test('puts back a VIP that somebody took, at once', () => {
    const a = started(configured(255));
    pass(100);
    a.done.length = 0;
    a.kernel.tables.removeAddresses([{ ifindex: a.eth0.ifindex, address: VIP, prefix: 32 }]);
    pass(0.5);
    expect(a.kernel.tables.hasAddress(VIP)).toBe(true);
    expect(a.instance).toMatchObject({ vips: [{ lost: 1 }], counters: { vipsRestored: 1 } });
  });

  test('a VIP that the kernel refuses is an error that status names, until it is accepted', () => {
    const a = bench(configured(255));
    refuse(a, /^address add .*100/, ERRNO.EPERM);
    a.daemon.start();
    pass(100);
    expect(a.instance).toMatchObject({ state: 'MASTER', vips: [{ present: false }] });
    expect(a.instance.vips[0]?.error).toContain('EPERM');
    expect(a.events).toContainEqual(expect.objectContaining({ type: 'vip', change: 'failed' }));
    a.kernel.refusal = () => undefined;
    pass(2000);
    expect(a.instance).toMatchObject({ vips: [{ present: true, error: null }] });
  });

  test('a VIP that is there already, or gone already, is as good as done', () => {
    const a = bench(configured(255));
    a.kernel.tables.addAddresses([{ ifindex: a.eth0.ifindex, address: VIP, prefix: 32 }]);
    a.daemon.start();
    pass(10);
    expect(a.instance).toMatchObject({ state: 'MASTER', counters: { vipErrors: 0 } });
    refuse(a, /^address del/, ERRNO.EADDRNOTAVAIL);
    a.eth0.setCarrier(false);
    pass(10);
    expect(a.lines.filter(line => line.includes('cannot remove'))).toEqual([]);
  });

  test('a socket that is refused is a FAULT, and is tried again', () => {
    const a = bench(configured(255));
    refuse(a, /^vrrp socket/, ERRNO.EPERM);
    a.daemon.start();
    pass(500);
    expect(a.instance).toMatchObject({ state: 'FAULT' });
    expect(a.instance.faults.join()).toContain('EPERM');
    a.kernel.refusal = () => undefined;
    pass(1000);
    expect(a.instance).toMatchObject({ state: 'MASTER', faults: [] });
  });

  test('goes to FAULT with its source address, and comes back with it', () => {
    const a = started(configured(254));
    pass(5000);
    const own = { ifindex: a.eth0.ifindex, address: ip('172.16.8.10'), prefix: 24 };
    a.kernel.tables.removeAddresses([own]);
    pass(10);
    expect(a.instance).toMatchObject({ state: 'FAULT', sourceAddress: null });
    a.kernel.tables.addAddresses([own]);
    pass(5000);
    expect(a.instance).toMatchObject({ state: 'MASTER', sourceAddress: '172.16.8.10' });
  });

  test('an interface that vanishes and comes back with another index', () => {
    const a = started(configured(255));
    pass(10);
    a.eth0.remove();
    pass(10);
    expect(a.instance.faults).toEqual(['interface eth0 does not exist']);
    a.done.length = 0;
    const transmit = (frame: Uint8Array): void => void a.done.push(describeFrame(frame));
    a.kernel.plug('eth0', Uint8Array.of(2, 0, 0, 0, 0, 9), { transmit }, [
      { address: ip('172.16.8.10'), prefix: 24 },
    ]);
    pass(10);
    expect(a.instance).toMatchObject({ state: 'MASTER' });
    expect(a.done).toContain('advert 255');
  });

  test('a reload takes up what is new and keeps the rest; a bad file changes nothing', async () => {
    const a = started(configured(255));
    pass(10);
    a.done.length = 0;
    a.text = configured(255, '172.16.8.100\n172.16.8.101');
    expect(await a.daemon.reload()).toMatchObject({ outcome: 'loaded' });
    pass(0.1);
    expect(a.done).toContain('address add 172.16.8.101/32 on ifindex 2');
    expect(a.done.some(each => each.includes('del'))).toBe(false);
    a.done.length = 0;
    a.text = configured(255, 'nonsense');
    const { outcome, diagnostics } = await a.daemon.reload();
    expect(outcome).toBe('rejected');
    expect(diagnostics.join()).toMatch(/^a\.conf:\d+:\d+: error/);
    pass(0.1);
    expect(a.done).toEqual([]);
    expect(a.daemon.status()).toMatchObject({
      configurationSha256: configured(255, '172.16.8.100\n172.16.8.101'),
    });
    expect(a.told.filter(text => !text.startsWith('STATUS'))).toEqual([
      'READY=1',
      'RELOADING=1',
      'READY=1',
      'RELOADING=1',
      'READY=1',
    ]);
    expect(a.events.filter(({ type }) => type === 'reload')).toHaveLength(2);
  });

  test('metrics have the names that are scraped already', () => {
    const a = started(configured(255));
    pass(2500);
    const text = a.daemon.metrics();
    const labels = 'iname="VG_1",intf="eth0",vrid="103"';
    expect(text).toContain(`keepalived_vrrp_state{${labels},ip_address="172.16.8.100"} 2`);
    expect(text).toContain(`keepalived_advertisements_sent_total{${labels}} 3`);
    expect(text).toContain(`keepalived_become_master_total{${labels}} 1`);
  });
});
