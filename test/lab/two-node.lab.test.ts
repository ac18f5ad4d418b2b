/** `inventory/two-node.yml`, from nothing to a pair that fails over, and back to nothing. Tests run in this order. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RunEvent } from '#control/events.ts';
import type { DaemonStatus } from '#control/status.ts';
import type { FrameRecord, Lab, Snapshot } from '#lab/lab.ts';
import { advertsOf, longestOverlapMs, overlapsOf, stintsOf } from '#testing/vrrp-senders.ts';
import { DRIFT } from '../support/drift.ts';
import { editedInventory } from '../support/edited-inventory.ts';
import {
  ADVERT_INTERVAL_MS,
  awaitHolder,
  differences,
  eventually,
  holders,
  INSTANCE,
  INVENTORY,
  NODES,
  ownPaths,
  raisePair,
  snapshots,
  VIP,
  VRID,
} from '../support/pair.ts';
import { secondPackage } from '../support/second-package.ts';
import { countSshUse } from '../support/sessions.ts';
import { eventsOf, pendingResources, said, tandem, totalsOf } from '../support/tandem.ts';
import { reportRow } from '../support/topology-report.ts';

/** Derived priorities are 254 and 253: RFC 3768 §5.3.2's skew of the backup. */
const SKEW_MS = ((256 - 253) / 256) * 1000;
/** What a busy machine and a measurement in steps of 10 ms may add. */
const MARGIN_MS = 400;
let lab: Lab;
let directory: string;
let before: ReadonlyMap<string, Snapshot>;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'tandem-two-node-'));
  lab = await raisePair('two-node');
  before = await snapshots(lab);
});

afterAll(async () => {
  await lab?.down();
  rmSync(directory, { recursive: true, force: true });
});

const seconds = (ms: number): string => `${(ms / 1000).toFixed(2)} s`;

async function timed<T>(what: string, work: () => Promise<T>): Promise<T> {
  const startedAtMs = performance.now();
  const value = await work();
  console.log(`${what}: ${seconds(performance.now() - startedAtMs)}`);
  return value;
}

async function apply(...more: string[]) {
  const result = await tandem(lab, ['apply', '-i', INVENTORY, '--json', ...more]);
  expect(result.code, said(result)).toBe(0);
  return result;
}

async function macOf(node: string): Promise<string> {
  return (await lab.exec(node, ['cat', '/sys/class/net/eth0/address'])).stdout.trim();
}

async function statusOf(node: string): Promise<DaemonStatus> {
  const argv = ['/opt/tandem/current/bin/tandemd', 'status', '--json'];
  return JSON.parse((await lab.exec(node, argv, { check: true })).stdout) as DaemonStatus;
}

/** Both healthy, as the inventory wants them: the master has a backup that hears it. */
async function settled(): Promise<void> {
  await awaitHolder(lab, 'ka67');
  await eventually('status is healthy', 10_000, async () => {
    const status = await tandem(lab, ['status', '-i', INVENTORY]);
    return status.code === 0;
  });
}

/** Sniffs VRRP and measures the VIP's reachability while `work` runs. */
async function observed(what: string, work: () => Promise<void>) {
  const sniffer = await lab.sniff('lan', { filter: 'vrrp or arp' });
  const prober = await lab.probe('watch', VIP, { intervalMs: 5 });
  await prober.nextAnswer(5000);
  await work();
  await prober.nextAnswer(10_000);
  const { largestGapMs, lost } = await prober.stop();
  const frames = await sniffer.stop();
  const overlapMs = longestOverlapMs(frames);
  console.log(
    `${what}: largest gap ${largestGapMs.toFixed(0)} ms (${lost} of the echoes lost), two senders for ${overlapMs.toFixed(0)} ms`,
  );
  return { frames, gapMs: largestGapMs, overlapMs };
}

const isGarp = (frame: FrameRecord, mac: string): boolean =>
  frame.etherType === 0x0806 && frame.srcIp === VIP && frame.dstIp === VIP && frame.srcMac === mac;

describe('apply', () => {
  test('builds the pair behind firewalls that drop by default', async () => {
    await timed('first apply', () => apply());
    expect(await holders(lab)).toEqual(['ka67']);
    const status = await tandem(lab, ['status', '-i', INVENTORY]);
    expect(status.code, said(status)).toBe(0);
    for (const node of NODES) {
      const enabled = await lab.exec(node, ['systemctl', 'is-enabled', 'tandemd']);
      expect(enabled.stdout.trim()).toBe('enabled');
      const failed = await lab.exec(node, ['systemctl', '--failed', '--no-legend']);
      expect(failed.stdout).toBe('');
    }
    const ka68 = await statusOf('ka68');
    expect(ka68.instances[0]).toMatchObject({
      state: 'BACKUP',
      virtualRouterId: VRID,
      heard: { address: '172.16.8.10' },
    });
  });

  test('finds nothing to do the second time, in one session of few bytes per host', async () => {
    const counts = await Promise.all(NODES.map(node => countSshUse(lab, node)));
    const again = await timed('second apply', () => apply());
    expect(totalsOf(again)).toMatchObject({ changed: 0, pending: 0, unknown: 0, failed: 0 });
    for (const [index, node] of NODES.entries()) {
      const use = await counts[index]?.();
      console.log(`second apply, ${node}: ${JSON.stringify(use)}`);
      expect(use).toMatchObject({ connections: 1, execs: 1 });
      // Half of it is the log-in. Acknowledgements depend on timing.
      expect(use?.bytes).toBeLessThanOrEqual(22 * 1024);
    }
  });

  test('plan and --check find nothing either', async () => {
    for (const argv of [['plan'], ['apply', '--check']]) {
      const plan = await tandem(lab, [...argv, '-i', INVENTORY]);
      expect(plan.code, said(plan)).toBe(0);
    }
  });

  test('plan and --check of a change touch nothing', async () => {
    const untouched = await snapshots(lab);
    for (const argv of [['plan'], ['apply', '--check']]) {
      const change = ['-e', 'vrrp_daemon_flags=-D', '-e', '{"sysctl_settings": {"net.ipv4.ip_forward": 1}}'];
      const plan = await tandem(lab, [...argv, '-i', INVENTORY, '--json', ...change]);
      expect(plan.code, said(plan)).toBe(2);
      expect(pendingResources(plan)).toContain('ka68 file:/etc/systemd/system/tandemd.service');
      expect(pendingResources(plan)).toContain('ka67 sysctl:net.ipv4.ip_forward');
    }
    expect(differences(untouched, await snapshots(lab))).toBe('');
  });
});

describe('drift', () => {
  test.each(DRIFT)('$what: named by plan, mended by apply', async ({ host, script, resource }) => {
    await lab.exec(host, { script }, { check: true });
    const plan = await tandem(lab, ['plan', '-i', INVENTORY, '--json']);
    expect(plan.code, said(plan)).toBe(2);
    const pending = pendingResources(plan);
    expect(
      pending.filter(line => line.startsWith(`${host} `) && resource.test(line)),
      said(plan),
    ).not.toEqual([]);
    expect(pending.filter(line => !line.startsWith(`${host} `))).toEqual([]);
    const { overlapMs } = await observed('mended', async () => {
      await apply();
      await settled();
    });
    expect(overlapMs).toBeLessThanOrEqual(ADVERT_INTERVAL_MS);
    const after = await tandem(lab, ['plan', '-i', INVENTORY, '--json']);
    expect(after.code, said(after)).toBe(0);
  });
});

describe('failover', () => {
  test('a crash of the master moves the VIP within the bound, and a third host hears of it', async ({
    task,
  }) => {
    const ka68 = await macOf('ka68');
    const heard = lab.exec(
      'watch',
      ['tcpdump', '-n', '-e', '-i', 'eth0', '-c', '1', `arp and ether src ${ka68} and arp[14:4] = arp[24:4]`],
      { timeoutMs: 15_000 },
    );
    heard.catch(() => undefined);
    const { gapMs, frames } = await observed('crash of the master', async () => {
      await lab.crash('ka67');
      await awaitHolder(lab, 'ka68', 10_000);
    });
    expect(frames.filter(frame => isGarp(frame, ka68)).length).toBeGreaterThanOrEqual(5);
    expect((await heard).stdout).toContain(VIP);
    const neighbour = await lab.exec('watch', ['ip', 'neigh', 'show', VIP]);
    expect(neighbour.stdout).toContain(ka68);
    expect(gapMs).toBeLessThanOrEqual(3 * ADVERT_INTERVAL_MS + SKEW_MS + MARGIN_MS);
    reportRow(task, 1, `crash of ka67: ${VIP} on ka68, gratuitous ARP seen by a third host`, gapMs);
  });

  test('status of a pair with one node down says so', async () => {
    const status = await tandem(lab, ['status', '-i', INVENTORY]);
    expect(status.code, said(status)).toBe(3);
    expect(`${status.stdout}${status.stderr}`).toMatch(/ka67.*(unreachable|connect)/);
  });

  test('started again the node takes the VIP back, and a boot has undone nothing', async ({ task }) => {
    const { overlapMs, gapMs } = await observed('start of the preferred node', async () => {
      await lab.start('ka67');
      await settled();
    });
    expect(overlapMs).toBeLessThanOrEqual(ADVERT_INTERVAL_MS);
    expect(gapMs).toBeLessThan(MARGIN_MS);
    const plan = await tandem(lab, ['plan', '-i', INVENTORY]);
    expect(plan.code, said(plan)).toBe(0);
    reportRow(task, 1, `started again: ${VIP} back on ka67, plan finds nothing to do`, gapMs);
  });

  test('a master that is stopped hands over within the skew', async ({ task }) => {
    const { gapMs, frames } = await observed('stop of the service', async () => {
      await lab.exec('ka67', ['systemctl', 'stop', 'tandemd'], { check: true });
      await awaitHolder(lab, 'ka68', 5000);
    });
    const released = advertsOf(frames).filter(advert => advert.priority === 0);
    expect(released.map(advert => advert.source)).toContain('172.16.8.10');
    expect(gapMs).toBeLessThanOrEqual(SKEW_MS + MARGIN_MS);
    await lab.exec('ka67', ['systemctl', 'start', 'tandemd'], { check: true });
    await settled();
    reportRow(task, 1, `tandemd stopped on ka67: ${VIP} on ka68; started: back on ka67`, gapMs);
  });
});

/** Hosts in the order in which their gates were passed. */
function turnsOf(events: readonly RunEvent[]): string[] {
  const passed = events.flatMap(event =>
    event.type === 'gate' && event.status === 'passed' ? event.host : [],
  );
  return [...new Set(passed)];
}

describe('a change of the running pair', () => {
  test('that reloads keeps every VIP where it is', async () => {
    const edited = editedInventory(
      INVENTORY,
      directory,
      /^( *)virtual_router_id: 103$/m,
      '$&\n$1garp_master_delay: 3',
    );
    const pids = await Promise.all(NODES.map(async node => (await statusOf(node)).pid));
    let events: RunEvent[] = [];
    const { gapMs, frames } = await observed('roll-out of a reload', async () => {
      const run = await tandem(lab, ['apply', '-i', edited, '--json']);
      expect(run.code, said(run)).toBe(0);
      events = eventsOf(run);
    });
    expect(turnsOf(events)).toEqual(['ka68', 'ka67']);
    expect(events.filter(event => event.type === 'switchover')).toEqual([]);
    const masters = stintsOf(advertsOf(frames)).map(stint => stint.source);
    expect(masters).toEqual(['172.16.8.10']);
    expect(gapMs).toBeLessThan(MARGIN_MS);
    expect(await Promise.all(NODES.map(async node => (await statusOf(node)).pid))).toEqual(pids);
    for (const node of NODES) {
      const text = await lab.exec(node, ['cat', '/etc/tandem/keepalived.conf']);
      expect(text.stdout).toContain('garp_master_delay 3');
    }
    await apply();
  });

  test('that restarts goes to the backup first, and the master is switched over', async () => {
    const { events, gapMs, overlapMs } = await rolled('roll-out of a restart', () =>
      tandem(lab, ['apply', '-i', INVENTORY, '--json', '-e', 'vrrp_daemon_flags=-D']),
    );
    expectRolled(events);
    expect(overlapMs).toBeLessThanOrEqual(ADVERT_INTERVAL_MS);
    expect(gapMs).toBeLessThan(1000);
  });

  test('an upgrade of tandemd goes the same way', async () => {
    const { root, release } = secondPackage(directory);
    const { events, gapMs, overlapMs } = await rolled('upgrade of tandemd', () =>
      tandem(lab, ['apply', '-i', INVENTORY, '--json', '-e', 'vrrp_daemon_flags=-D'], { root }),
    );
    expectRolled(events);
    expect(overlapMs).toBeLessThanOrEqual(ADVERT_INTERVAL_MS);
    expect(gapMs).toBeLessThan(1000);
    for (const node of NODES) expect(await statusOf(node)).toMatchObject({ release });
  });

  test('and a rollback, once: run again it has nothing to do', async () => {
    const upgraded = (await statusOf('ka67')).release;
    const { events, gapMs, overlapMs } = await rolled('rollback of tandemd', () =>
      tandem(lab, ['rollback', '-i', INVENTORY, '--json']),
    );
    expectRolled(events);
    expect(overlapMs).toBeLessThanOrEqual(ADVERT_INTERVAL_MS);
    expect(gapMs).toBeLessThan(1000);
    for (const node of NODES) expect((await statusOf(node)).release).not.toBe(upgraded);
    const again = await tandem(lab, ['rollback', '-i', INVENTORY, '--json']);
    expect([again.code, totalsOf(again).changed], said(again)).toEqual([0, 0]);
    const plan = await tandem(lab, ['plan', '-i', INVENTORY, '-e', 'vrrp_daemon_flags=-D']);
    expect(plan.code, said(plan)).toBe(0);
  });

  async function rolled(what: string, run: () => ReturnType<typeof tandem>) {
    let events: RunEvent[] = [];
    const { frames, gapMs, overlapMs } = await observed(what, async () => {
      const result = await timed(what, run);
      expect(result.code, said(result)).toBe(0);
      events = eventsOf(result);
      await settled();
    });
    for (const overlap of overlapsOf(stintsOf(advertsOf(frames)))) console.log(what, JSON.stringify(overlap));
    return { events, gapMs, overlapMs };
  }

  function expectRolled(events: readonly RunEvent[]): void {
    expect(turnsOf(events)).toEqual(['ka68', 'ka67']);
    const switchover = events.findIndex(event => event.type === 'switchover');
    const verified = events.findIndex(
      event => event.type === 'gate' && event.host === 'ka68' && event.status === 'passed',
    );
    expect(events[switchover]).toMatchObject({ from: 'ka67', instances: [INSTANCE] });
    expect(verified).toBeGreaterThanOrEqual(0);
    expect(switchover).toBeGreaterThan(verified);
  }
});

describe('teardown', () => {
  test('refuses to take a serving cluster down unasked', async () => {
    const refused = await tandem(lab, ['teardown', '-i', INVENTORY]);
    expect(refused.code, said(refused)).not.toBe(0);
    expect(`${refused.stdout}${refused.stderr}`).toContain('--yes two-node');
    expect(await holders(lab)).toEqual(['ka67']);
  });

  test('leaves no trace', async () => {
    const teardown = await timed('teardown', () =>
      tandem(lab, ['teardown', '-i', INVENTORY, '--yes', 'two-node', '--json']),
    );
    expect(teardown.code, said(teardown)).toBe(0);
    expect(await holders(lab)).toEqual([]);
    for (const node of NODES) expect(await ownPaths(lab, node)).toEqual([]);
    expect(differences(before, await snapshots(lab))).toBe('');
  });

  test('has nothing to do the second time', async () => {
    const again = await tandem(lab, ['teardown', '-i', INVENTORY, '--json']);
    expect(`${again.stdout}${again.stderr}`).not.toMatch(/"changed":[1-9]/);
  });
});
