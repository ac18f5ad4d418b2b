/** `inventory/mixed-pair.yml`: one node on tandemd, one on keepalived; then both on keepalived. Tests run in this order. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Lab } from '#lab/lab.ts';
import { editedInventory } from '../support/edited-inventory.ts';
import {
  announcedBy,
  courseOf,
  daemons,
  MARGIN_MS,
  nothingToDo,
  observed,
  raiseKeepalived,
  run,
  SKEW_MS,
} from '../support/keepalived-pair.ts';
import { ADVERT_INTERVAL_MS, differences, NODES, ownPaths, snapshots, VIP } from '../support/pair.ts';
import { healthy, placed } from '../support/rehearsal.ts';
import { countSshUse } from '../support/sessions.ts';
import { eventsOf, ROOT, said, tandem, totalsOf } from '../support/tandem.ts';
import { reportRow } from '../support/topology-report.ts';

const MIXED = `${ROOT}inventory/mixed-pair.yml`;
const VIPS = [VIP, '172.16.8.101'] as const;
const folder = mkdtempSync(join(tmpdir(), 'tandem-keepalived-'));
let lab: Lab;
let before: Awaited<ReturnType<typeof snapshots>>;

beforeAll(async () => {
  lab = await raiseKeepalived('mixed');
  before = await snapshots(lab);
});

afterAll(async () => {
  await lab?.down();
  rmSync(folder, { recursive: true, force: true });
});

const crossed = { [VIPS[0]]: 'ka67', [VIPS[1]]: 'ka68' };
const on = (node: string) => ({ [VIPS[0]]: node, [VIPS[1]]: node });
test('is built from nothing, and a second apply finds nothing in one exec per host', async () => {
  await run(lab, 'apply', '-i', MIXED);
  await placed(lab, crossed);
  await healthy(lab, MIXED);
  expect(await daemons(lab)).toEqual({ ka67: 'tandemd', ka68: 'keepalived' });
  const counts = await Promise.all(NODES.map(node => countSshUse(lab, node)));
  const again = await run(lab, 'apply', '-i', MIXED, '--json');
  expect(totalsOf(again)).toMatchObject({ changed: 0, pending: 0, unknown: 0, failed: 0 });
  for (const count of counts) expect(await count()).toMatchObject({ connections: 1, execs: 1 });
});

test('doctor finds that each hears the other, and neither daemon notices', async () => {
  const words = async (): Promise<string> =>
    (await lab.exec('ka68', ['journalctl', '-u', 'keepalived', '-o', 'cat', '--no-pager'], { check: true }))
      .stdout;
  const before = await words();
  const { gapMs } = await observed(lab, 'doctor', VIPS, async () => {
    const result = await run(lab, 'doctor', '-i', MIXED);
    expect(result.stdout.match(/every member hears every other/g)).toHaveLength(2);
  });
  expect(gapMs).toBeLessThan(MARGIN_MS);
  expect(await words()).toBe(before);
  await placed(lab, crossed);
});

test('each takes over from the other, with announcements, and gives back', async ({ task }) => {
  const gaps: number[] = [];
  for (const [node, other, unit, vip] of [
    ['ka67', 'ka68', 'tandemd', VIPS[0]],
    ['ka68', 'ka67', 'keepalived', VIPS[1]],
  ] as const) {
    const stopped = await observed(lab, `${unit} of ${node} stopped`, VIPS, async () => {
      await lab.exec(node, ['systemctl', 'stop', unit], { check: true });
      await placed(lab, on(other));
    });
    expect(await announcedBy(lab, other, stopped.frames, vip)).toBeGreaterThanOrEqual(5);
    expect(stopped.gapMs).toBeLessThan(SKEW_MS.derived + MARGIN_MS);
    const started = await observed(lab, `${unit} of ${node} started`, VIPS, async () => {
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
    const crashed = await observed(lab, `crash of ${node}`, VIPS, async () => {
      await lab.crash(node);
      await placed(lab, on(other));
    });
    expect(crashed.gapMs).toBeLessThan(3 * ADVERT_INTERVAL_MS + SKEW_MS.derived + MARGIN_MS);
    gaps.push(crashed.gapMs);
    await observed(lab, `${node} back`, VIPS, async () => {
      await lab.start(node);
      await placed(lab, crossed);
    });
  }
  await healthy(lab, MIXED);
  await nothingToDo(lab, MIXED);
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
    const { gapMs } = await observed(lab, `failover of ${instance} to ${to}`, VIPS, async () => {
      await run(lab, 'failover', instance, '--to', to, '-i', MIXED);
      await placed(lab, expected);
    });
    expect(gapMs).toBeLessThan(MARGIN_MS);
  }
  await healthy(lab, MIXED);
});

test('ka67 moves to keepalived as well, which then runs on both', async () => {
  const both = editedInventory(MIXED, folder, /^( *ka67: .*\/24 \}) \}$/m, '$1, vrrp_daemon: keepalived }');
  const { value, gapMs } = await observed(lab, 'ka67: tandemd → keepalived', VIPS, async () => {
    const applied = await run(lab, 'apply', '-i', both, '--json');
    await placed(lab, crossed);
    await healthy(lab, both);
    return applied;
  });
  expect(courseOf(eventsOf(value))).toEqual(['ka67!', 'ka67']);
  expect(gapMs).toBeLessThan(MARGIN_MS);
  expect(await daemons(lab)).toEqual({ ka67: 'keepalived', ka68: 'keepalived' });
  await nothingToDo(lab, both);
});

/** The inventory of the test before with one thing changed, in the same place. */
const edited = (from: RegExp, to: string): string =>
  editedInventory(join(folder, 'mixed-pair.yml'), folder, from, to);

test('a sync group of instances whose masters differ is not made', async () => {
  const elsewhere = mkdtempSync(join(folder, 'torn-'));
  const sources = join(folder, 'mixed-pair.yml');
  const inventory = editedInventory(
    sources,
    elsewhere,
    /^topology:$/m,
    '$&\n  vrrp_sync_groups: { G: [VI_1, VI_2] }',
  );
  const { value, gapMs } = await observed(lab, 'a torn sync group', VIPS, () =>
    tandem(lab, ['apply', '-i', inventory]),
  );
  expect(value.code, said(value)).toBe(2);
  expect(said(value)).toMatch(/VI_1 has its master on ka67 and VI_2 on ka68.*would give one up/);
  expect(gapMs).toBeLessThan(MARGIN_MS);
});

test('another order of preference is a planned switchover', async () => {
  const inventory = edited(/nodes: \[ka68, ka67\]/, 'nodes: [ka67, ka68]');
  const { value, gapMs } = await observed(lab, 'VI_2 prefers ka67', VIPS, async () => {
    const applied = await run(lab, 'apply', '-i', inventory, '--json');
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
  const { gapMs } = await observed(lab, 'a sync group', VIPS, async () => {
    await run(lab, 'apply', '-i', inventory);
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
  const { value, gapMs } = await observed(lab, 'ka67: keepalived → tandemd', VIPS, async () => {
    const applied = await run(lab, 'apply', '-i', inventory, '--json');
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
  const { gapMs } = await observed(lab, 'another password', VIPS, async () => {
    await run(lab, 'apply', '-i', inventory, '--allow-unprotected', '60');
    await placed(lab, on('ka67'));
    await healthy(lab, inventory);
  });
  expect(gapMs).toBeLessThan(MARGIN_MS);
  await nothingToDo(lab, inventory);
});

test('leaves no trace after a teardown', async () => {
  await run(lab, 'teardown', '-i', join(folder, 'mixed-pair.yml'), '--yes', 'mixed-pair');
  await placed(lab, { [VIPS[0]]: '', [VIPS[1]]: '' });
  for (const node of NODES) expect(await ownPaths(lab, node)).toEqual([]);
  expect(differences(before, await snapshots(lab))).toBe('');
});
