import {
  closeSync,
  constants,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { loadConfig } from '#conf/load.ts';
import { memorySource } from '#conf/memory-source.ts';
import { kernelFailure, ERRNO } from '#linux/failure.ts';
import type { Ipvs, Result } from '#linux/ports.ts';
import { destinationName, serviceName } from '#lvs/keys.ts';
import type { Service } from '#lvs/ports.ts';
import { FakeIpvs } from '#testing/fake-ipvs.ts';
import { FifoWriters } from './fifo.ts';
import { Mailer } from './mailer.ts';
import { Notifications } from './notifications.ts';
import { ServerNotices } from './server-notices.ts';
import { VirtualServers } from './virtual-servers.ts';

const WAIT = { timeout: 10_000, interval: 10 };
/** What a file says for its real server to be down. */
const DOWN = -0x8000_0000;

/** The worker's virtual servers over a table in memory; real servers are files with a number, so that nothing connects. */
class Bench {
  readonly folder: string;
  readonly lines: string[] = [];
  readonly mails: string[] = [];
  readonly ipvs: FakeIpvs;
  readonly fifos = new FifoWriters(line => void this.lines.push(line));
  servers: VirtualServers;

  constructor(ipvs = new FakeIpvs(), open: () => Result<Ipvs> = () => ({ ok: true, value: ipvs })) {
    this.folder = mkdtempSync(join(tmpdir(), 'tandem-lvs-'));
    this.ipvs = ipvs;
    this.servers = this.process(open);
    onTestFinished(() => {
      this.servers.stop();
      rmSync(this.folder, { recursive: true });
    });
  }

  /** A worker process, which knows nothing but what is in the file and in the kernel. */
  process(open: () => Result<Ipvs> = () => ({ ok: true, value: this.ipvs })): VirtualServers {
    const warn = (line: string): void => void this.lines.push(line);
    const mailer = new Mailer(warn, mail => {
      this.mails.push(`${mail.subject}: ${mail.text.trim()}`);
      return Promise.resolve();
    });
    const notifications = new Notifications(warn);
    const notices = new ServerNotices({ notifications, fifos: this.fifos, mailer });
    const record = join(this.folder, 'servers.json');
    const nowMs = (): number => performance.now();
    const alive = (): void => {};
    return new VirtualServers({ nowMs, openIpvs: open, notice: warn, warn, notices, alive, record });
  }

  load(text: string): void {
    const { config } = loadConfig('/k.conf', memorySource({ '/k.conf': text }), { hostname: 'r1' });
    this.servers.load(config);
  }

  health(number: number, value: number): void {
    writeFileSync(join(this.folder, `health${number}`), `${value}\n`);
  }

  config(lines: string, ...numbers: readonly number[]): string {
    const files = numbers.map(
      each => `track_file f${each} {\nfile ${join(this.folder, `health${each}`)}\n}\n`,
    );
    const reals = numbers.map(
      each => `real_server 10.0.0.${each} 80 {\nweight 10\nFILE_CHECK {\ntrack_file f${each}\nweight 1\n}\n}`,
    );
    return `${files.join('')}virtual_server 10.0.0.100 80 {\nprotocol TCP\nlvs_sched wrr\nlvs_method NAT\n${lines}\n${reals.join('\n')}\n}\n`;
  }

  get table(): string[] {
    const read = this.ipvs.services();
    return read.ok
      ? read.value.flatMap(({ key, destinations }) => [
          serviceName(key),
          ...destinations.map(each => `${destinationName(each)}*${each.weight}`),
        ])
      : [];
  }

  async tableIs(...expected: readonly string[]): Promise<void> {
    await vi.waitFor(() => expect(this.table).toEqual(expected), WAIT);
  }
}

const SERVICE = 'TCP 10.0.0.100 80';
const foreign: Service = {
  key: { kind: 'fwmark', fwmark: 9, family: 4 },
  scheduler: 'rr',
  persistenceTimeoutS: 0,
  persistencePrefix: 32,
  persistenceEngine: undefined,
  onePacket: false,
  scheduler1: false,
  scheduler2: false,
  scheduler3: false,
};

test('verdicts reach the table; what was changed by hand is mended; foreign services stay', async () => {
  const bench = new Bench();
  bench.ipvs.tamper([{ type: 'addService', service: foreign }]);
  bench.health(1, 0);
  bench.health(2, 5);
  bench.load(bench.config('', 1, 2));
  await bench.tableIs('fwmark 9 4', SERVICE, '10.0.0.1 80*10', '10.0.0.2 80*15');
  expect(bench.lines).toContain('virtual service fwmark 9 4 is not ours and left alone');
  bench.health(1, DOWN);
  await bench.tableIs('fwmark 9 4', SERVICE, '10.0.0.2 80*15');
  bench.ipvs.clear();
  await bench.tableIs(SERVICE, '10.0.0.2 80*15');
  expect(bench.lines).toContain('the IPVS table was changed by somebody else: 2 entries are put right');
  expect(bench.servers.status()).toMatchObject([
    { quorate: true, liveWeight: 15, realServers: [{ up: false, weightInKernel: null }, { up: true }] },
  ]);
  bench.servers.stop();
  expect(bench.table).toEqual([]);
});

test('a new process goes on with the table as it is, and removes what is not configured any more', async () => {
  const bench = new Bench();
  bench.health(1, 0);
  bench.health(2, 0);
  bench.load(bench.config('', 1, 2));
  await bench.tableIs(SERVICE, '10.0.0.1 80*10', '10.0.0.2 80*10');
  const killed = bench.servers;
  bench.ipvs.takeApplied();
  bench.servers = bench.process();
  bench.load(bench.config('', 1));
  await bench.tableIs(SERVICE, '10.0.0.1 80*10');
  expect(bench.ipvs.takeApplied().map(({ type }) => type)).toEqual(['removeDestination']);
  expect(readFileSync(join(bench.folder, 'servers.json'), 'utf8')).toBe(
    JSON.stringify({ [SERVICE]: ['10.0.0.1 80'] }),
  );
  killed.stop();
});

test('without IPVS it says so once and checks all the same', async () => {
  const failure = kernelFailure('open IPVS', ERRNO.ENOENT, 'this kernel has no IPVS');
  const bench = new Bench(new FakeIpvs(), () => ({ ok: false, failure }));
  bench.health(1, 0);
  bench.load(bench.config('', 1));
  bench.health(1, DOWN);
  await vi.waitFor(
    () => expect(bench.servers.status()).toMatchObject([{ realServers: [{ up: false }] }]),
    WAIT,
  );
  expect(bench.lines.filter(line => line.includes('this kernel has no IPVS'))).toHaveLength(1);
  expect(bench.servers.status()).toMatchObject([{ inKernel: false }]);
});

test('timeouts, the synchronisation daemon of an instance, and mails', async () => {
  const bench = new Bench();
  bench.health(1, 0);
  const globals =
    'global_defs {\nrouter_id R\nlvs_timeouts tcp 77\nlvs_sync_daemon eth0 V\nsmtp_server 127.0.0.1\nnotification_email {\na@b\n}\n}\n' +
    'vrrp_instance V {\ninterface eth0\nvirtual_router_id 51\nvirtual_ipaddress {\n10.0.0.100\n}\n}\n';
  bench.load(globals + bench.config('smtp_alert', 1));
  const daemons = () => {
    const read = bench.ipvs.syncDaemons();
    return read.ok ? read.value : [];
  };
  expect(bench.ipvs.timeouts.tcpS).toBe(77);
  expect(daemons()).toMatchObject([{ role: 'backup', interfaceName: 'eth0', syncId: 51 }]);
  bench.servers.instanceIs('V', 'MASTER');
  expect(daemons()).toMatchObject([{ role: 'master' }]);
  await bench.tableIs(SERVICE, '10.0.0.1 80*10');
  bench.health(1, DOWN);
  await vi.waitFor(() => expect(bench.mails).toHaveLength(3), WAIT);
  expect(bench.mails[0]).toBe(
    '[R] Virtualserver [10.0.0.100]:tcp:80 - UP: => Starting with quorum up 1+0=1 <= 10 <=',
  );
  expect(bench.mails[1]).toMatch(
    /^\[R\] Realserver \[10\.0\.0\.1\]:tcp:80 of virtual server \[10\.0\.0\.100\]:tcp:80 - DOWN: => CHECK failed on service/,
  );
  expect(bench.mails[2]).toBe('[R] Virtualserver [10.0.0.100]:tcp:80 - DOWN: => Lost quorum 1-0=1 > 0 <=');
  bench.servers.stop();
  expect(daemons()).toEqual([]);
});

test('FIFOs are told of real servers and of quorum, in words of keepalived', async () => {
  const bench = new Bench();
  const [all, lvs] = ['all', 'lvs'].map(name => join(bench.folder, name));
  const lines = () =>
    [all, lvs].map(path => {
      const descriptor = openSync(path ?? '', constants.O_RDONLY | constants.O_NONBLOCK);
      const bytes = Buffer.alloc(64 * 1024);
      const length = readSync(descriptor, bytes);
      closeSync(descriptor);
      return bytes.toString('utf8', 0, length).split('\n').slice(0, -1);
    });
  bench.health(1, 0);
  bench.health(2, DOWN);
  const globals = `global_defs {\nscript_user root\nnotify_fifo ${all}\nlvs_notify_fifo ${lvs}\n}\n`;
  bench.load(globals + bench.config('', 1, 2));
  const [real, other, virtual] = ['[10.0.0.1]:tcp:80', '[10.0.0.2]:tcp:80', '[10.0.0.100]:tcp:80'];
  const start = [`RS ${other} ${virtual} DOWN`, `VS ${virtual} UP`];
  expect(lines()).toEqual([start, start]);
  bench.health(1, DOWN);
  await vi.waitFor(() => expect(bench.servers.status()[0]?.quorate).toBe(false), WAIT);
  const loss = [`RS ${real} ${virtual} DOWN`, `VS ${virtual} DOWN`];
  expect(lines()).toEqual([loss, loss]);
  bench.fifos.close(() => {});
});

test('synchronisation daemons: a role that is not wanted stays with whoever started it', () => {
  const bench = new Bench();
  const started = (role: 'master' | 'backup', syncId: number) =>
    bench.ipvs.startSync({
      role,
      interfaceName: 'eth0',
      syncId,
      maxLength: undefined,
      port: undefined,
      ttl: undefined,
      group: undefined,
    });
  const running = () => {
    const read = bench.ipvs.syncDaemons();
    return (read.ok ? read.value : []).map(({ role, syncId }) => `${role} ${syncId}`).toSorted();
  };
  const config = (lines: string) =>
    `global_defs {\n${lines}\n}\nvrrp_instance V {\ninterface eth0\nvirtual_router_id 51\nvirtual_ipaddress {\n10.0.0.100\n}\n}\n`;

  started('master', 9);
  bench.load(config('lvs_sync_daemon eth0 V'));
  expect(running()).toEqual(['backup 51', 'master 9']);
  bench.servers.stop();
  expect(running()).toEqual(['master 9']);

  // A configured role has one daemon: ours.
  bench.servers = bench.process();
  bench.load(config('lvs_sync_daemon eth0 V'));
  bench.servers.instanceIs('V', 'MASTER');
  expect(running()).toEqual(['master 51']);
  expect(bench.lines).toContain(
    'the synchronisation daemon master on eth0 with id 9 is replaced by the configured one',
  );

  // A killed process is succeeded: what it ran is known as ours, here without a keyword in the configuration.
  const killed = bench.servers;
  bench.servers = bench.process();
  bench.load(config(''));
  expect(running()).toEqual([]);
  started('backup', 8);
  bench.servers.stop();
  expect(running()).toEqual(['backup 8']);
  killed.stop();
});

test('a synchronisation daemon starts when its interface has come, and again when somebody stopped it', async () => {
  const interfaces: string[] = [];
  const bench = new Bench(new FakeIpvs({ interfaces }));
  const roles = () => {
    const read = bench.ipvs.syncDaemons();
    return (read.ok ? read.value : []).map(({ role }) => role);
  };
  bench.load('global_defs {\nlvs_sync_daemon eth0\n}\n' + bench.config(''));
  const refused = () => bench.lines.filter(line => line.includes('start sync daemon'));
  expect(refused()).toHaveLength(2);
  interfaces.push('eth0');
  await vi.waitFor(() => expect(roles()).toEqual(['master', 'backup']), WAIT);
  expect(refused()).toHaveLength(2);
  bench.ipvs.stopSync('master');
  await vi.waitFor(() => expect(roles().toSorted()).toEqual(['backup', 'master']), WAIT);
});
