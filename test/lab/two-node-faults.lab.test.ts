/** What goes wrong while a pair is built, and what the next run makes of it. Tests run in this order. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { must } from '#base/assert.ts';
import type { RunEvent } from '#control/events.ts';
import type { DaemonStatus } from '#control/status.ts';
import type { ExecResult, Lab, Snapshot } from '#lab/lab.ts';
import type { Json } from '#provision/model/module.ts';
import { longestOverlapMs } from '#testing/vrrp-senders.ts';
import { lastRecordOf, ledgerOf } from '../support/ledger.ts';
import { COUNT_FILE, type LethalSsh, lethalSsh } from '../support/lethal-ssh.ts';
import {
  ADVERT_INTERVAL_MS,
  awaitHolder,
  differences,
  eventually,
  holders,
  INVENTORY,
  NODES,
  ownPaths,
  raisePair,
  snapshots,
  VIP,
} from '../support/pair.ts';
import { secondPackage } from '../support/second-package.ts';
import { changedTasks, eventsOf, killWhen, said, tandem } from '../support/tandem.ts';

const ADDRESS: Readonly<Record<string, string>> = { ka67: '172.16.8.10', ka68: '172.16.8.11' };

interface Lockout {
  readonly result: ExecResult;
  readonly rulesBefore: string;
  readonly elapsedMs: number;
}

let lab: Lab;
let directory: string;
let before: ReadonlyMap<string, Snapshot>;
let lockout: Promise<Lockout>;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'tandem-faults-'));
  lab = await raisePair('faults');
  before = await snapshots(lab);
  // The host gives us most of a minute to come back, which the other tests use.
  lockout = lockOut();
  lockout.catch(() => undefined);
});

afterAll(async () => {
  await lab?.down();
  rmSync(directory, { recursive: true, force: true });
});

const apply = (...more: string[]): Promise<ExecResult> =>
  tandem(lab, ['apply', '-i', INVENTORY, '--json', ...more]);

async function applied(...more: string[]): Promise<ExecResult> {
  const result = await apply(...more);
  expect(result.code, said(result)).toBe(0);
  return result;
}

async function settled(): Promise<void> {
  await awaitHolder(lab, 'ka67');
  await eventually('status is healthy', 10_000, async () => {
    const status = await tandem(lab, ['status', '-i', INVENTORY]);
    return status.code === 0;
  });
}

async function daemonOf(node: string): Promise<DaemonStatus> {
  const argv = ['/opt/tandem/current/bin/tandemd', 'status', '--json'];
  return JSON.parse((await lab.exec(node, argv, { check: true })).stdout) as DaemonStatus;
}

const failuresOf = (result: ExecResult) =>
  eventsOf(result).flatMap(event => (event.type === 'host-failed' ? event : []));

const rulesOf = async (node: string): Promise<string> =>
  (await lab.exec(node, ['nft', '-s', 'list', 'ruleset'], { check: true })).stdout;

describe('a full disk', () => {
  test('is named, with the host and the step, and leaves nothing half-done', async () => {
    const mount = (path: string, size: string) =>
      `mkdir -p -m 700 ${path} && mount -t tmpfs -o size=${size},mode=700 tmpfs ${path}`;
    await lab.exec('ka67', { script: mount('/var/lib/tandem', '8k') }, { check: true });
    await lab.exec('ka68', { script: mount('/opt/tandem', '20m') }, { check: true });
    const full = await apply();
    expect(full.code, said(full)).toBe(1);
    for (const node of NODES) {
      const failure = failuresOf(full).find(({ host }) => host === node);
      console.log(`full disk, ${node}: ${failure?.step}: ${failure?.message}`);
      expect(failure?.message, said(full)).toContain('No space left on device');
      expect(failure?.step).not.toBe('');
      const script =
        'ls /etc/systemd/system/tandemd.service /etc/tandem/keepalived.conf /opt/tandem/current 2>/dev/null; find /opt/tandem -name "*.part"; ip -o addr show to 172.16.8.100';
      expect((await lab.exec(node, { script })).stdout, node).toBe('');
    }
    // The room that there is now is the real disk's.
    const free = (path: string) =>
      `cp -a ${path} /root/kept && umount ${path} && rmdir ${path} && mv /root/kept ${path}`;
    await lab.exec('ka67', { script: free('/var/lib/tandem') }, { check: true });
    await lab.exec('ka68', { script: free('/opt/tandem') }, { check: true });
  });
});

describe('a session that dies', () => {
  let ssh: LethalSsh;
  const firsts = new Map<string, Json>();
  /** Records that the session may still write, by node. */
  const patience = new Map<string, number>(NODES.map(node => [node, 1]));
  /** The last records of sessions that died. */
  const deaths = new Set<string>();

  async function note(node: string, died: boolean): Promise<void> {
    const ledger = await ledgerOf(lab, node);
    if (died) {
      const last = await lastRecordOf(lab, node);
      deaths.add(`${node} ${last}`);
      // What is done is not done again, what was only intended is: the next death is to be one record later.
      const records = must(patience.get(node), node);
      patience.set(node, last.startsWith('done ') ? Math.max(1, records - 1) : records + 1);
    }
    for (const { resource, first } of ledger.entries) {
      const key = `${node} ${resource}`;
      if (!firsts.has(key)) firsts.set(key, first);
      expect(first, key).toEqual(firsts.get(key));
    }
  }

  test('right after any record of the ledger: the next run goes on from there', async () => {
    ssh = lethalSsh(directory);
    const finished = new Set<string>();
    for (const node of NODES)
      for (const { resource, state } of (await ledgerOf(lab, node)).entries)
        if (state === 'done') finished.add(`${node} ${resource}`);
    const startedAtMs = performance.now();
    let runs = 0;
    for (;;) {
      runs += 1;
      for (const node of NODES) ssh.arm(must(ADDRESS[node], node), patience.get(node));
      const argv = ['apply', '-i', INVENTORY, '--json', '-e', 'ansible_connection=openssh'];
      const run = await tandem(lab, argv, { path: ssh.directory });
      const died = failuresOf(run).map(({ host }) => host);
      await Promise.all(NODES.map(node => note(node, died.includes(node))));
      if (run.code === 0) break;
      // ssh(1) ends in the same way when the line breaks and when the command is killed.
      expect([1, 3], said(run)).toContain(run.code);
      expect(died, said(run)).not.toEqual([]);
      expect(runs, 'it does not come to an end').toBeLessThan(200);
    }
    console.log(
      `${deaths.size} deaths in ${runs - 1} runs, ${((performance.now() - startedAtMs) / 1000).toFixed(1)} s`,
    );
    await settled();
    for (const node of NODES) await lab.exec(node, { script: `rm -f ${COUNT_FILE}.*` });
    const everywhere = [...firsts.keys()].filter(key => !finished.has(key));
    expect(everywhere.length).toBeGreaterThan(12);
    for (const key of everywhere) {
      const [node = '', ...resource] = key.split(' ');
      for (const kind of ['intend', 'done'])
        expect([...deaths]).toContain([node, kind, ...resource].join(' '));
    }
    for (const node of NODES) {
      const ledger = await ledgerOf(lab, node);
      expect(ledger.entries.filter(entry => entry.state === 'intended')).toEqual([]);
      expect([ledger.handlers, ledger.gates]).toEqual([[], []]);
      expect(ledger.entries.map(({ resource }) => `${node} ${resource}`).toSorted()).toEqual(
        [...firsts.keys()].filter(key => key.startsWith(`${node} `)).toSorted(),
      );
    }
    expect(changedTasks(await applied())).toEqual([]);
  });
});

describe('a controller that dies', () => {
  const moments: readonly {
    readonly what: string;
    readonly at: (event: RunEvent) => boolean;
    readonly flags: string;
  }[] = [
    {
      what: 'while it stages',
      at: event => event.type === 'host-phase' && event.phase === 'staging',
      flags: '-D',
    },
    {
      what: 'while the backup is verified',
      at: event => event.type === 'gate' && event.host === 'ka68' && event.status === 'waiting',
      flags: '-l',
    },
    { what: 'at the switchover', at: event => event.type === 'switchover', flags: '-D' },
  ];

  test.each(moments)(
    '$what: the next run is not kept waiting, and finishes the work',
    async ({ what, at, flags }) => {
      const change = ['-e', `vrrp_daemon_flags=${flags}`];
      await killWhen(lab, ['apply', '-i', INVENTORY, ...change], at);
      const startedAtMs = performance.now();
      await applied(...change);
      console.log(`after a kill ${what}: ${((performance.now() - startedAtMs) / 1000).toFixed(1)} s`);
      await settled();
      for (const node of NODES) {
        const unit = await lab.exec(node, ['systemctl', 'show', '-p', 'ExecStart', 'tandemd']);
        expect(unit.stdout).toContain(` ${flags} `);
        expect((await daemonOf(node)).instances[0]).toMatchObject({ handedOver: false });
      }
      expect(changedTasks(await applied(...change))).toEqual([]);
    },
  );
});

describe('two runs at once', () => {
  test('one waits for the other, and the pair is never without order', async () => {
    const { root, release } = secondPackage(directory);
    const sniffer = await lab.sniff('lan', { filter: 'vrrp' });
    const upgrade = () => tandem(lab, ['apply', '-i', INVENTORY, '--json'], { root });
    const results = await Promise.all([upgrade(), upgrade()]);
    for (const result of results) expect(result.code, said(result)).toBe(0);
    const waited = results.map(result =>
      eventsOf(result).some(event => event.type === 'host-phase' && event.detail?.startsWith('locked by')),
    );
    expect(waited).toContain(true);
    await settled();
    expect(longestOverlapMs(await sniffer.stop())).toBeLessThanOrEqual(ADVERT_INTERVAL_MS);
    for (const node of NODES) expect(await daemonOf(node)).toMatchObject({ release });
    expect(changedTasks(await upgrade())).toEqual([]);
  });

  test('each of one node of the pair: one daemon is up at every moment, and the VIP answers', async () => {
    const change = ['-e', 'vrrp_daemon_flags=-l'];
    const before = await Promise.all(NODES.map(async node => (await daemonOf(node)).pid));
    const [sniffer, prober] = await Promise.all([
      lab.sniff('lan', { filter: 'vrrp' }),
      lab.probe('watch', VIP, { intervalMs: 5 }),
    ]);
    await prober.nextAnswer(5000);
    const results = await Promise.all(NODES.map(node => apply('--limit', node, ...change)));
    await prober.nextAnswer(5000);
    for (const result of results) expect(result.code, said(result)).toBe(0);
    const pids = await Promise.all(NODES.map(async node => (await daemonOf(node)).pid));
    for (const [index, pid] of pids.entries()) expect(pid).not.toBe(before[index]);
    const [one, other] = await Promise.all(NODES.map(downtimeOf));
    if (!one || !other) throw new Error('two nodes');
    console.log(`restarts, s: ${JSON.stringify([one, other])}`);
    expect(Math.max(one.from, other.from)).toBeGreaterThan(Math.min(one.to, other.to));
    expect((await prober.stop()).largestGapMs).toBeLessThan(1000);
    expect(longestOverlapMs(await sniffer.stop())).toBeLessThanOrEqual(ADVERT_INTERVAL_MS);
    await settled();
    expect(changedTasks(await applied(...change))).toEqual([]);
  });
});

/** When tandemd was not up the last time, by the clock that all hosts of a lab share, seconds. */
async function downtimeOf(node: string): Promise<{ readonly from: number; readonly to: number }> {
  const names = ['ActiveExitTimestampMonotonic', 'ActiveEnterTimestampMonotonic'];
  const argv = ['systemctl', 'show', '-p', names.join(','), 'tandemd'];
  const { stdout } = await lab.exec(node, argv, { check: true });
  const [from = Number.NaN, to = Number.NaN] = names.map(
    name => Number(new RegExp(`^${name}=(\\d+)$`, 'm').exec(stdout)?.[1]) / 1e6,
  );
  return { from, to };
}

describe('a host that is down', () => {
  test('is named with the reason, and the master that is left is not disturbed', async () => {
    await lab.crash('ka68');
    const { pid } = await daemonOf('ka67');
    const run = await apply('-e', 'vrrp_daemon_flags=-D');
    expect(run.code, said(run)).toBe(3);
    const [failure, ...others] = failuresOf(run);
    expect(others).toEqual([]);
    console.log(`unreachable: ${failure?.host}: ${failure?.step}: ${failure?.message}`);
    expect(failure).toMatchObject({ host: 'ka68', unreachable: true });
    expect(failure?.message).toMatch(/172\.16\.8\.11:22|EHOSTUNREACH/);
    expect((await daemonOf('ka67')).pid).toBe(pid);
    expect(await holders(lab)).toEqual(['ka67']);
    const limited = await apply('--limit', 'ka67', '-e', 'vrrp_daemon_flags=-D');
    expect(limited.code, said(limited)).toBe(3);
    expect(limited.stdout).toContain(
      'ka68 of two-node cannot take over: only what disturbs nothing was done',
    );
    expect((await daemonOf('ka67')).pid).toBe(pid);
    const human = await tandem(lab, ['apply', '-i', INVENTORY, '-e', 'vrrp_daemon_flags=-D']);
    expect(human.code).toBe(3);
    expect(`${human.stdout}${human.stderr}`).toMatch(/ka68.*unreachable/);
  });

  test('is done when it is back', async () => {
    await lab.start('ka68');
    await settled();
    await applied('-e', 'vrrp_daemon_flags=-D');
    await settled();
    expect(changedTasks(await applied('-e', 'vrrp_daemon_flags=-D'))).toEqual([]);
  });
});

describe('a firewall that shuts us out', () => {
  test('is taken back by the host itself, and the run says so', async () => {
    const { result, rulesBefore, elapsedMs } = await lockout;
    console.log(`locked out, and back after ${(elapsedMs / 1000).toFixed(1)} s`);
    expect(result.code, said(result)).toBe(1);
    expect(failuresOf(result)[0]?.message, said(result)).toMatch(/takes the change back by itself/);
    await eventually('the host answers again', 30_000, async () => {
      const hello = await lab.controllerExec([
        'ssh',
        '-F',
        lab.ssh.configFile,
        '-o',
        'ConnectTimeout=2',
        'watch',
        'true',
      ]);
      return hello.code === 0;
    });
    expect(await rulesOf('watch')).toBe(rulesBefore);
    const again = await tandem(lab, ['teardown', '-i', join(directory, 'shut-out.yml')]);
    expect(again.code, said(again)).toBe(0);
    expect(await ownPaths(lab, 'watch')).toEqual([]);
  });
});

/** The role's own way of dropping everything, with another port for SSH than the one that we use. */
async function lockOut(): Promise<Lockout> {
  const inventory = join(directory, 'shut-out.yml');
  writeFileSync(
    inventory,
    `all:
  hosts:
    watch: { ansible_host: 172.16.8.20, ansible_user: root }
  vars:
    firewall_default_drop: true
    firewall_ssh_port: 2222
`,
  );
  const rulesBefore = await rulesOf('watch');
  const startedAtMs = performance.now();
  const result = await tandem(lab, ['apply', '-i', inventory, '--json']);
  return { result, rulesBefore, elapsedMs: performance.now() - startedAtMs };
}

describe('teardown', () => {
  async function expectNoTrace(): Promise<void> {
    const argv = ['teardown', '-i', INVENTORY, '--yes', 'two-node', '--json'];
    const teardown = await tandem(lab, argv);
    expect(teardown.code, said(teardown)).toBe(0);
    for (const node of NODES) expect(await ownPaths(lab, node)).toEqual([]);
    expect(differences(before, await snapshots(lab))).toBe('');
  }

  test('leaves no trace of all that', expectNoTrace);

  test('leaves none either of a first run that was killed while it uploaded', async () => {
    const argv = ['apply', '-i', INVENTORY];
    await killWhen(lab, argv, event => event.type === 'upload' && event.sent > event.total / 2);
    expect((await ledgerOf(lab, 'ka67')).entries.length).toBeGreaterThan(0);
    await expectNoTrace();
  });

  test('leaves none either of two first runs at once', async () => {
    const results = await Promise.all([apply(), apply()]);
    for (const result of results) expect(result.code, said(result)).toBe(0);
    await settled();
    await expectNoTrace();
  });
});
