/**
 * `vrrp_daemon: keepalived`: an operator's pair moved to tandemd and back, node by node, and given back as it was; then
 * `inventory/mixed-pair.yml` from nothing. Tests run in this order.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RunEvent } from '#control/events.ts';
import { labUp, sweepDeadLabs, type FrameRecord, type Lab } from '#lab/lab.ts';
import { advertsOf, longestOverlapMs } from '#testing/vrrp-senders.ts';
import { editedInventory } from '../support/edited-inventory.ts';
import {
  ADVERT_INTERVAL_MS,
  differences,
  NODES,
  ownPaths,
  pairSpec,
  snapshots,
  VIP,
} from '../support/pair.ts';
import { healthy, placed } from '../support/rehearsal.ts';
import { countSshUse } from '../support/sessions.ts';
import { eventsOf, said, tandem, totalsOf } from '../support/tandem.ts';
import { reportRow } from '../support/topology-report.ts';
import { ROOT } from '../support/tandem.ts';

const MIXED = `${ROOT}inventory/mixed-pair.yml`;
const VIPS = [VIP, '172.16.8.101'] as const;
/** RFC 3768 §5.3.2 at the operator's backup priority, and at the derived one. */
const SKEW_MS = { classic: ((256 - 95) / 256) * 1000, derived: ((256 - 253) / 256) * 1000 };
/** What a busy machine and a measurement in steps of 10 ms may add. */
const MARGIN_MS = 400;

const folder = mkdtempSync(join(tmpdir(), 'tandem-keepalived-'));
let lab: Lab;

beforeAll(async () => {
  await sweepDeadLabs();
  const spec = pairSpec(`keepalived-${process.pid}`, { firewall: 'none', layers: ['keepalived'] });
  lab = await labUp(spec, { ephemeral: true });
  const script = 'echo LogLevel VERBOSE >/etc/ssh/sshd_config.d/verbose.conf; systemctl reload ssh';
  await Promise.all(NODES.map(node => lab.exec(node, { script }, { check: true })));
});

afterAll(async () => {
  await lab?.down();
  rmSync(folder, { recursive: true, force: true });
});

async function run(...argv: string[]) {
  const result = await tandem(lab, argv);
  expect(result.code, said(result)).toBe(0);
  return result;
}

const systemctl = (node: string, ...argv: string[]) =>
  lab.exec(node, ['systemctl', ...argv]).then(({ stdout }) => stdout.trim());

/** What runs of the two daemons, and starts at boot. */
async function daemons(): Promise<Record<string, string>> {
  const seen = NODES.map(async node => {
    const each = ['tandemd', 'keepalived'].map(async name => {
      const [active, enabled] = [
        await systemctl(node, 'is-active', name),
        await systemctl(node, 'is-enabled', name),
      ];
      return active === 'active' && enabled === 'enabled' ? name : active === 'active' ? `${name}?` : '';
    });
    return [node, (await Promise.all(each)).filter(Boolean).join('+')] as const;
  });
  return Object.fromEntries(await Promise.all(seen));
}

/** Echoes every 10 ms to each VIP, and a sniffer on the segment, while `work` runs. */
async function observed<T>(what: string, vips: readonly string[], work: () => Promise<T>) {
  const sniffer = await lab.sniff('lan', { filter: 'vrrp or arp' });
  const probers = await Promise.all(vips.map(vip => lab.probe('watch', vip, { intervalMs: 10 })));
  await Promise.all(probers.map(prober => prober.nextAnswer(10_000)));
  const value = await work();
  await Promise.all(probers.map(prober => prober.nextAnswer(10_000)));
  const reports = await Promise.all(probers.map(prober => prober.stop()));
  const frames = await sniffer.stop();
  const gapMs = Math.max(...reports.map(({ largestGapMs }) => largestGapMs));
  const overlapMs = longestOverlapMs(frames);
  console.log(`${what}: longest gap ${gapMs.toFixed(0)} ms, two senders for ${overlapMs.toFixed(0)} ms`);
  expect(advertsOf(frames).length).toBeGreaterThan(0);
  expect(overlapMs).toBeLessThanOrEqual(ADVERT_INTERVAL_MS);
  return { value, gapMs, frames };
}

/** Hosts in the order in which their gates were passed, and `FROM!` where a switchover was announced. */
function courseOf(events: readonly RunEvent[]): string[] {
  return events.flatMap(event => {
    if (event.type === 'switchover') return `${event.from}!`;
    return event.type === 'gate' && event.status === 'passed' ? event.host : [];
  });
}

async function announcedBy(node: string, frames: readonly FrameRecord[], vip: string): Promise<number> {
  const mac = (await lab.exec(node, ['cat', '/sys/class/net/eth0/address'])).stdout.trim();
  return frames.filter(
    ({ etherType, srcIp, dstIp, srcMac }) =>
      etherType === 0x0806 && srcIp === vip && dstIp === vip && srcMac === mac,
  ).length;
}

async function nothingToDo(inventory: string): Promise<void> {
  const plan = await tandem(lab, ['plan', '-i', inventory]);
  expect(plan.code, said(plan)).toBe(0);
}

describe('an operator’s own pair', () => {
  const inventory = join(folder, 'site', 'inventory.yml');
  let before: Awaited<ReturnType<typeof snapshots>>;

  beforeAll(async () => {
    for (const [node, priority] of [
      ['ka67', 100],
      ['ka68', 95],
    ] as const) {
      const script = `mkdir -p /etc/keepalived/conf.d
printf '%s\\n' 'global_defs {' '  vrrp_garp_interval 0.01' '}' 'include conf.d/*.conf' >/etc/keepalived/keepalived.conf
cat >/etc/keepalived/conf.d/vip.conf <<'END'
vrrp_instance VI_1 {
  state ${node === 'ka67' ? 'MASTER' : 'BACKUP'}
  interface eth0
  virtual_router_id 51
  priority ${priority}
  authentication {
    auth_type PASS
    auth_pass k3epsecr
  }
  virtual_ipaddress {
    ${VIP}
  }
}
END
systemctl enable --now keepalived`;
      await lab.exec(node, { script }, { check: true });
    }
    await placed(lab, { [VIP]: 'ka67' });
    before = await snapshots(lab);
  });

  test('is left alone by an inventory that nobody said should replace it', async () => {
    await run('import', '-i', MIXED, 'ka67', 'ka68', '--daemon', 'tandemd', '-o', join(folder, 'site'));
    const refused = await tandem(lab, ['apply', '-i', inventory]);
    expect(refused.code, said(refused)).toBe(1);
    expect(said(refused)).toMatch(/keepalived runs on this host, and not by Tandem.*--migrate/);
    const plan = await tandem(lab, ['plan', '-i', inventory]);
    expect(plan.code).toBe(1);
    expect(differences(before, await snapshots(lab))).toBe('');
  });

  test('is moved to tandemd, the backup first', async () => {
    const status = await tandem(lab, ['status', '-i', inventory]);
    expect(status.code, said(status)).toBe(2);
    expect(status.stdout).toContain('ka68 runs keepalived, and the inventory says vrrp_daemon: tandemd');
    expect(status.stdout).toMatch(/ka67 {2}MASTER .*\(keepalived 2\.2\.7\)/);
    const { value, gapMs } = await observed('keepalived → tandemd', [VIP], async () => {
      const applied = await run('apply', '-i', inventory, '--migrate', '--json');
      await placed(lab, { [VIP]: 'ka67' });
      await healthy(lab, inventory);
      return applied;
    });
    expect(courseOf(eventsOf(value))).toEqual(['ka68', 'ka67!', 'ka67']);
    expect(gapMs).toBeLessThan(SKEW_MS.classic + MARGIN_MS);
    expect(await daemons()).toEqual({ ka67: 'tandemd', ka68: 'tandemd' });
    await nothingToDo(inventory);
  });

  test('is moved back to keepalived by the inventory’s word', async () => {
    const text = readFileSync(inventory, 'utf8');
    writeFileSync(inventory, text.replace(/^all:\n/m, 'all:\n  vars: { vrrp_daemon: keepalived }\n'));
    const { value, gapMs } = await observed('tandemd → keepalived', [VIP], async () => {
      const applied = await run('apply', '-i', inventory, '--json');
      await placed(lab, { [VIP]: 'ka67' });
      await healthy(lab, inventory);
      return applied;
    });
    expect(courseOf(eventsOf(value))).toEqual(['ka68', 'ka67!', 'ka67']);
    expect(gapMs).toBeLessThan(SKEW_MS.classic + MARGIN_MS);
    expect(await daemons()).toEqual({ ka67: 'keepalived', ka68: 'keepalived' });
    await nothingToDo(inventory);
  });

  test('fails over and back when it is asked to, without a lost packet', async () => {
    for (const to of ['ka68', 'ka67']) {
      const { gapMs } = await observed(`failover to ${to}`, [VIP], async () => {
        await run('failover', 'VI_1', '--to', to, '-i', inventory);
        await placed(lab, { [VIP]: to });
      });
      expect(gapMs).toBeLessThan(MARGIN_MS);
    }
    await healthy(lab, inventory);
  });

  test('a change of its configuration is loaded without a move', async () => {
    const text = readFileSync(inventory, 'utf8');
    writeFileSync(inventory, text.replace('vrrp_garp_interval: 0.01', 'vrrp_garp_interval: 0.02'));
    const pids = await Promise.all(
      NODES.map(node => systemctl(node, 'show', '-p', 'MainPID', '--value', 'keepalived')),
    );
    const { value, gapMs } = await observed('a reload of keepalived', [VIP], () =>
      run('apply', '-i', inventory, '--json'),
    );
    expect(courseOf(eventsOf(value))).toEqual(['ka68', 'ka67']);
    expect(gapMs).toBeLessThan(MARGIN_MS);
    expect(
      await Promise.all(NODES.map(node => systemctl(node, 'show', '-p', 'MainPID', '--value', 'keepalived'))),
    ).toEqual(pids);
    await nothingToDo(inventory);
  });

  test('what keepalived does not accept never reaches its place', async () => {
    const text = readFileSync(inventory, 'utf8');
    const path = join(folder, 'site', 'refused.yml');
    writeFileSync(
      path,
      text.replace('vrrp_garp_interval: 0.02', 'vrrp_garp_interval: 0.02, no_such_word: 7'),
    );
    const refused = await tandem(lab, ['apply', '-i', path]);
    expect(refused.code, said(refused)).toBe(1);
    expect(said(refused)).toMatch(/keepalived\.conf: refused by .*|Unknown keyword 'no_such_word'/);
    await nothingToDo(inventory);
    await healthy(lab, inventory);
  });

  test('has its own keepalived and its own files again after a teardown', async () => {
    await run('teardown', '-i', inventory, '--yes', 'inventory');
    await placed(lab, { [VIP]: 'ka67' });
    expect(await daemons()).toEqual({ ka67: 'keepalived', ka68: 'keepalived' });
    for (const node of NODES) expect(await ownPaths(lab, node)).toEqual([]);
    expect(differences(before, await snapshots(lab))).toBe('');
  });

  afterAll(async () => {
    const script =
      'systemctl disable --now keepalived; rm -r /etc/keepalived/keepalived.conf /etc/keepalived/conf.d';
    await Promise.all(NODES.map(node => lab.exec(node, { script }, { check: true })));
  });
});

describe('mixed-pair', () => {
  const crossed = { [VIPS[0]]: 'ka67', [VIPS[1]]: 'ka68' };
  const on = (node: string) => ({ [VIPS[0]]: node, [VIPS[1]]: node });
  let before: Awaited<ReturnType<typeof snapshots>>;

  beforeAll(async () => {
    before = await snapshots(lab);
  });

  test('is built from nothing, and a second apply finds nothing in one exec per host', async () => {
    await run('apply', '-i', MIXED);
    await placed(lab, crossed);
    await healthy(lab, MIXED);
    expect(await daemons()).toEqual({ ka67: 'tandemd', ka68: 'keepalived' });
    const counts = await Promise.all(NODES.map(node => countSshUse(lab, node)));
    const again = await run('apply', '-i', MIXED, '--json');
    expect(totalsOf(again)).toMatchObject({ changed: 0, pending: 0, unknown: 0, failed: 0 });
    for (const count of counts) expect(await count()).toMatchObject({ connections: 1, execs: 1 });
  });

  test('each takes over from the other, with announcements, and gives back', async ({ task }) => {
    const gaps: number[] = [];
    for (const [node, other, unit, vip] of [
      ['ka67', 'ka68', 'tandemd', VIPS[0]],
      ['ka68', 'ka67', 'keepalived', VIPS[1]],
    ] as const) {
      const stopped = await observed(`${unit} of ${node} stopped`, VIPS, async () => {
        await lab.exec(node, ['systemctl', 'stop', unit], { check: true });
        await placed(lab, on(other));
      });
      expect(await announcedBy(other, stopped.frames, vip)).toBeGreaterThanOrEqual(5);
      expect(stopped.gapMs).toBeLessThan(SKEW_MS.derived + MARGIN_MS);
      const started = await observed(`${unit} of ${node} started`, VIPS, async () => {
        await lab.exec(node, ['systemctl', 'start', unit], { check: true });
        await placed(lab, crossed);
      });
      expect(started.gapMs).toBeLessThan(MARGIN_MS);
      gaps.push(stopped.gapMs, started.gapMs);
    }
    await healthy(lab, MIXED);
    reportRow(
      task,
      20,
      'the daemon of ka67, then of ka68 stopped: both VIPs on the other, announced; started: one each again',
      Math.max(...gaps),
    );
  });

  test('a crash of either is survived by the other', async ({ task }) => {
    const gaps: number[] = [];
    for (const [node, other] of [
      ['ka67', 'ka68'],
      ['ka68', 'ka67'],
    ] as const) {
      const crashed = await observed(`crash of ${node}`, VIPS, async () => {
        await lab.crash(node);
        await placed(lab, on(other));
      });
      expect(crashed.gapMs).toBeLessThan(3 * ADVERT_INTERVAL_MS + SKEW_MS.derived + MARGIN_MS);
      gaps.push(crashed.gapMs);
      await observed(`${node} back`, VIPS, async () => {
        await lab.start(node);
        await placed(lab, crossed);
      });
    }
    await healthy(lab, MIXED);
    await nothingToDo(MIXED);
    reportRow(
      task,
      20,
      'ka67, then ka68 crashed: both VIPs on the other; back: one each again',
      Math.max(...gaps),
    );
  });

  test('fails over from either when it is asked to', async () => {
    for (const [instance, to, expected] of [
      ['VI_1', 'ka68', on('ka68')],
      ['VI_1', 'ka67', crossed],
      ['VI_2', 'ka67', on('ka67')],
      ['VI_2', 'ka68', crossed],
    ] as const) {
      const { gapMs } = await observed(`failover of ${instance} to ${to}`, VIPS, async () => {
        await run('failover', instance, '--to', to, '-i', MIXED);
        await placed(lab, expected);
      });
      expect(gapMs).toBeLessThan(MARGIN_MS);
    }
    await healthy(lab, MIXED);
  });

  test('ka67 moves to keepalived as well, which then runs on both', async () => {
    const both = editedInventory(MIXED, folder, /^( *ka67: .*\/24 \}) \}$/m, '$1, vrrp_daemon: keepalived }');
    const { value, gapMs } = await observed('ka67: tandemd → keepalived', VIPS, async () => {
      const applied = await run('apply', '-i', both, '--json');
      await placed(lab, crossed);
      await healthy(lab, both);
      return applied;
    });
    expect(courseOf(eventsOf(value))).toEqual(['ka67!', 'ka67']);
    expect(gapMs).toBeLessThan(MARGIN_MS);
    expect(await daemons()).toEqual({ ka67: 'keepalived', ka68: 'keepalived' });
    await nothingToDo(both);
  });

  /** The inventory of the test before with one thing changed, in the same place. */
  const edited = (from: RegExp, to: string): string =>
    editedInventory(join(folder, 'mixed-pair.yml'), folder, from, to);

  test('another order of preference is a planned switchover', async () => {
    const inventory = edited(/nodes: \[ka68, ka67\]/, 'nodes: [ka67, ka68]');
    const { value, gapMs } = await observed('VI_2 prefers ka67', VIPS, async () => {
      const applied = await run('apply', '-i', inventory, '--json');
      await placed(lab, on('ka67'));
      await healthy(lab, inventory);
      return applied;
    });
    expect(
      courseOf(eventsOf(value))
        .filter(step => !step.endsWith('!'))
        .toSorted(),
    ).toEqual([...NODES]);
    expect(gapMs).toBeLessThan(MARGIN_MS);
  });

  test('a sync group is made without a move, and keepalived cannot hold it back', async () => {
    const inventory = edited(/^topology:$/m, '$&\n  vrrp_sync_groups: { G: [VI_1, VI_2] }');
    const { gapMs } = await observed('a sync group', VIPS, async () => {
      await run('apply', '-i', inventory);
      await placed(lab, on('ka67'));
      await healthy(lab, inventory);
    });
    expect(gapMs).toBeLessThan(MARGIN_MS);
    const refused = await tandem(lab, ['failover', 'VI_1', '-i', inventory]);
    expect(refused.code, said(refused)).toBe(1);
    expect(said(refused)).toContain('keepalived cannot hold a sync group back');
  });

  test('the group is handed over before its daemon is replaced', async () => {
    const inventory = edited(/^( *ka67: .*), vrrp_daemon: keepalived \}$/m, '$1 }');
    const { value, gapMs } = await observed('ka67: keepalived → tandemd', VIPS, async () => {
      const applied = await run('apply', '-i', inventory, '--json');
      await placed(lab, on('ka67'));
      await healthy(lab, inventory);
      return applied;
    });
    expect(courseOf(eventsOf(value))).toEqual(['ka67!', 'ka67']);
    expect(gapMs).toBeLessThan(MARGIN_MS);
  });

  test('another password is rolled with the keepalived of the backup stopped', async () => {
    const inventory = edited(/vrrp_pass: Tandem-1/, 'vrrp_pass: Tandem-2');
    const refused = await tandem(lab, ['apply', '-i', inventory]);
    expect(refused.code, said(refused)).toBe(2);
    const { gapMs } = await observed('another password', VIPS, async () => {
      await run('apply', '-i', inventory, '--allow-unprotected', '60');
      await placed(lab, on('ka67'));
      await healthy(lab, inventory);
    });
    expect(gapMs).toBeLessThan(MARGIN_MS);
    await nothingToDo(inventory);
  });

  test('leaves no trace after a teardown', async () => {
    await run('teardown', '-i', join(folder, 'mixed-pair.yml'), '--yes', 'mixed-pair');
    await placed(lab, { [VIPS[0]]: '', [VIPS[1]]: '' });
    for (const node of NODES) expect(await ownPaths(lab, node)).toEqual([]);
    expect(differences(before, await snapshots(lab))).toBe('');
  });
});
