/**
 * An operator's own keepalived pair: moved to tandemd and back, node by node, taken over as it is, and given back as it
 * was. Tests run in this order.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Lab } from '#lab/lab.ts';
import {
  courseOf,
  daemons,
  MARGIN_MS,
  nothingToDo,
  observed,
  raiseKeepalived,
  run,
  SKEW_MS,
  systemctl,
} from '../support/keepalived-pair.ts';
import { differences, NODES, ownPaths, snapshots, VIP } from '../support/pair.ts';
import { healthy, placed } from '../support/rehearsal.ts';
import { eventsOf, ROOT, said, tandem } from '../support/tandem.ts';

const MIXED = `${ROOT}inventory/mixed-pair.yml`;
const folder = mkdtempSync(join(tmpdir(), 'tandem-migration-'));
let lab: Lab;

afterAll(async () => {
  await lab?.down();
  rmSync(folder, { recursive: true, force: true });
});

const inventory = join(folder, 'site', 'inventory.yml');
let before: Awaited<ReturnType<typeof snapshots>>;

beforeAll(async () => {
  lab = await raiseKeepalived('migration');
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

const mainPids = (): Promise<string[]> =>
  Promise.all(NODES.map(node => systemctl(lab, node, 'show', '-p', 'MainPID', '--value', 'keepalived')));

test('is left alone by an inventory that nobody said should replace it', async () => {
  await run(lab, 'import', '-i', MIXED, 'ka67', 'ka68', '--daemon', 'tandemd', '-o', join(folder, 'site'));
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
  const { value, gapMs } = await observed(lab, 'keepalived → tandemd', [VIP], async () => {
    const applied = await run(lab, 'apply', '-i', inventory, '--migrate', '--json');
    await placed(lab, { [VIP]: 'ka67' });
    await healthy(lab, inventory);
    return applied;
  });
  expect(courseOf(eventsOf(value))).toEqual(['ka68', 'ka67!', 'ka67']);
  expect(gapMs).toBeLessThan(SKEW_MS.classic + MARGIN_MS);
  expect(await daemons(lab)).toEqual({ ka67: 'tandemd', ka68: 'tandemd' });
  await nothingToDo(lab, inventory);
});

test('is moved back to keepalived by the inventory’s word', async () => {
  const text = readFileSync(inventory, 'utf8');
  writeFileSync(inventory, text.replace(/^all:\n/m, 'all:\n  vars: { vrrp_daemon: keepalived }\n'));
  const { value, gapMs } = await observed(lab, 'tandemd → keepalived', [VIP], async () => {
    const applied = await run(lab, 'apply', '-i', inventory, '--json');
    await placed(lab, { [VIP]: 'ka67' });
    await healthy(lab, inventory);
    return applied;
  });
  expect(courseOf(eventsOf(value))).toEqual(['ka68', 'ka67!', 'ka67']);
  expect(gapMs).toBeLessThan(SKEW_MS.classic + MARGIN_MS);
  expect(await daemons(lab)).toEqual({ ka67: 'keepalived', ka68: 'keepalived' });
  await nothingToDo(lab, inventory);
});

test('fails over and back when it is asked to, without a lost packet', async () => {
  for (const to of ['ka68', 'ka67']) {
    const { gapMs } = await observed(lab, `failover to ${to}`, [VIP], async () => {
      await run(lab, 'failover', 'VI_1', '--to', to, '-i', inventory);
      await placed(lab, { [VIP]: to });
    });
    expect(gapMs).toBeLessThan(MARGIN_MS);
  }
  await healthy(lab, inventory);
});

test('a change of its configuration is loaded without a move', async () => {
  const text = readFileSync(inventory, 'utf8');
  writeFileSync(inventory, text.replace('vrrp_garp_interval: 0.01', 'vrrp_garp_interval: 0.02'));
  const pids = await mainPids();
  const { value, gapMs } = await observed(lab, 'a reload of keepalived', [VIP], () =>
    run(lab, 'apply', '-i', inventory, '--json'),
  );
  expect(courseOf(eventsOf(value))).toEqual(['ka68', 'ka67']);
  expect(gapMs).toBeLessThan(MARGIN_MS);
  expect(await mainPids()).toEqual(pids);
  await nothingToDo(lab, inventory);
});

test('what keepalived does not accept never reaches its place', async () => {
  const text = readFileSync(inventory, 'utf8');
  const path = join(folder, 'site', 'refused.yml');
  writeFileSync(path, text.replace('vrrp_garp_interval: 0.02', 'vrrp_garp_interval: 0.02, no_such_word: 7'));
  const refused = await tandem(lab, ['apply', '-i', path]);
  expect(refused.code, said(refused)).toBe(1);
  expect(said(refused)).toMatch(/keepalived\.conf: refused by .*|Unknown keyword 'no_such_word'/);
  await nothingToDo(lab, inventory);
  await healthy(lab, inventory);
});

/** The operator's daemon and files, as they were. */
async function givenBack(): Promise<void> {
  await run(lab, 'teardown', '-i', inventory, '--yes', 'inventory');
  await placed(lab, { [VIP]: 'ka67' });
  expect(await daemons(lab)).toEqual({ ka67: 'keepalived', ka68: 'keepalived' });
  for (const node of NODES) expect(await ownPaths(lab, node)).toEqual([]);
  expect(differences(before, await snapshots(lab))).toBe('');
}

test('has its own keepalived and its own files again after a teardown', givenBack);

test('is taken over as it runs, without a move', async () => {
  const refused = await tandem(lab, ['apply', '-i', inventory]);
  expect(refused.code, said(refused)).toBe(1);
  expect(said(refused)).toMatch(/keepalived runs on this host, and not by Tandem: --migrate/);
  const pids = await mainPids();
  const { gapMs } = await observed(lab, 'keepalived taken over', [VIP], async () => {
    await run(lab, 'apply', '-i', inventory, '--migrate');
    await healthy(lab, inventory);
  });
  expect(gapMs).toBeLessThan(MARGIN_MS);
  expect(await mainPids()).toEqual(pids);
  await nothingToDo(lab, inventory);
});

test('and moved from there to tandemd without a lost address', async () => {
  const text = readFileSync(inventory, 'utf8');
  writeFileSync(inventory, text.replace('vrrp_daemon: keepalived', 'vrrp_daemon: tandemd'));
  const { gapMs } = await observed(lab, 'keepalived → tandemd, once it is known', [VIP], async () => {
    await run(lab, 'apply', '-i', inventory);
    await placed(lab, { [VIP]: 'ka67' });
    await healthy(lab, inventory);
  });
  expect(gapMs).toBeLessThan(MARGIN_MS);
  await givenBack();
});
