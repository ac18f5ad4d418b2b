/** Changes across which the two routers do not understand each other, on a running pair. Tests run in this order. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ExecResult, Lab } from '#lab/lab.ts';
import { longestOverlapMs } from '#testing/vrrp-senders.ts';
import { longestDoubleMs, watchAddress } from '../support/address-monitor.ts';
import { editedInventory } from '../support/edited-inventory.ts';
import { ADVERT_INTERVAL_MS, holders, INVENTORY, NODES, raisePair, VIP } from '../support/pair.ts';
import { eventsOf, said, tandem } from '../support/tandem.ts';

/** A hand-over, on a busy machine and measured in steps of 5 ms. */
const GAP_MAX_MS = 1000;
/** How long both have the VIP while it passes from one to the other: the old one waits until it hears the new one. */
const DOUBLE_MAX_MS = 250;
let lab: Lab;
let directory: string;
/** What the pair runs with. */
let current = INVENTORY;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'tandem-wire-'));
  lab = await raisePair('wire');
  const first = await apply(INVENTORY);
  expect(first.code, said(first)).toBe(0);
  expect(await holders(lab)).toEqual(['ka67']);
});

afterAll(async () => {
  await lab?.down();
  rmSync(directory, { recursive: true, force: true });
});

const apply = (inventory: string, ...more: string[]): Promise<ExecResult> =>
  tandem(lab, ['apply', '-i', inventory, '--json', ...more]);

async function configurations(): Promise<string[]> {
  const texts = NODES.map(node => lab.exec(node, ['cat', '/etc/tandem/keepalived.conf'], { check: true }));
  return (await Promise.all(texts)).map(({ stdout }) => stdout);
}

async function firewalls(): Promise<string[]> {
  const rules = NODES.map(node => lab.exec(node, ['nft', '-s', 'list', 'ruleset'], { check: true }));
  return (await Promise.all(rules)).map(({ stdout }) => stdout);
}

async function pids(): Promise<string[]> {
  const asked = NODES.map(node =>
    lab.exec(node, ['systemctl', 'show', '-p', 'MainPID', '--value', 'tandemd']),
  );
  return (await Promise.all(asked)).map(({ stdout }) => stdout.trim());
}

const wireEvents = (result: ExecResult) =>
  eventsOf(result).flatMap(event => (event.type === 'wire-breaking' ? event : []));

/** Runs `work` with the VIP probed, VRRP sniffed and the kernels' addresses followed. */
async function observed(what: string, work: () => Promise<ExecResult>) {
  const [sniffer, watch, prober] = await Promise.all([
    lab.sniff('lan', { filter: 'vrrp' }),
    watchAddress(lab, NODES, VIP),
    lab.probe('watch', VIP, { intervalMs: 5 }),
  ]);
  await prober.nextAnswer(5000);
  const result = await work();
  await prober.nextAnswer(10_000);
  const [{ largestGapMs: gapMs }, frames, holdings] = await Promise.all([
    prober.stop(),
    sniffer.stop(),
    watch.stop(),
  ]);
  const overlapMs = longestOverlapMs(frames);
  const doubleMs = longestDoubleMs(holdings);
  const unprotectedMs = wireEvents(result).at(-1)?.elapsedMs ?? 0;
  console.log(
    `${what}: VIP away ${gapMs.toFixed(0)} ms, on both ${doubleMs.toFixed(0)} ms, two senders ${overlapMs.toFixed(0)} ms, without redundancy ${unprotectedMs} ms`,
  );
  return { result, gapMs, overlapMs, doubleMs, holdings };
}

/** Each on top of those before it. */
const CHANGES = [
  {
    what: 'another auth_pass',
    keywords: ['authentication'],
    edit: [/^( *vrrp_pass:).*$/m, '$1 Tandem-2'],
  },
  {
    what: 'another VRID',
    keywords: ['virtual_router_id'],
    edit: [/^( *virtual_router_id:).*$/m, '$1 104'],
  },
  {
    what: 'another advert_int of version 2',
    keywords: ['advert_int'],
    edit: [/^( *)virtual_router_id:.*$/m, '$&\n$1advert_int: 2'],
  },
  {
    what: 'another multicast group',
    keywords: ['mcast_dst_ip'],
    edit: [/vrrp_mcast_group4: 224.0.0.111/, 'vrrp_mcast_group4: 224.0.0.112'],
  },
  {
    what: 'unicast instead of multicast',
    keywords: ['unicast_peer'],
    edit: [/^( *)virtual_router_id:.*$/m, '$&\n$1unicast: true'],
  },
  {
    what: 'version 3 instead of 2',
    keywords: ['version', 'authentication'],
    edit: [/^( *)virtual_router_id:.*$/m, '$&\n$1version: 3'],
  },
] as const;

describe.each(CHANGES)('$what', ({ what, keywords, edit: [from, to] }) => {
  let inventory: string;
  beforeAll(() => {
    inventory = editedInventory(current, directory, from, to);
    current = inventory;
  });

  test('is refused unasked: nothing is disturbed, and the way is named', async () => {
    // What lets the others in belongs to the configuration that is spoken.
    const before = [await configurations(), await pids(), await firewalls()];
    const { result, gapMs } = await observed(`${what}, refused`, () => apply(inventory));
    expect(result.code, said(result)).toBe(2);
    expect(wireEvents(result)).toMatchObject([
      { cluster: 'two-node', status: 'refused', instances: [{ instance: 'VG_1', keywords }] },
    ]);
    expect(result.stdout).toMatch(/--allow-unprotected \d+/);
    expect([await configurations(), await pids(), await firewalls()]).toEqual(before);
    expect(gapMs).toBeLessThan(GAP_MAX_MS);
  });

  test('is rolled with the backup stopped and the VIP where it is', async () => {
    const { result, gapMs, overlapMs, doubleMs, holdings } = await observed(what, () =>
      apply(inventory, '--allow-unprotected', '30'),
    );
    expect(result.code, said(result)).toBe(0);
    expect(wireEvents(result).map(({ status }) => status)).toEqual(['started', 'done']);
    expect(gapMs).toBeLessThan(GAP_MAX_MS);
    expect(overlapMs).toBeLessThanOrEqual(ADVERT_INTERVAL_MS);
    expect(doubleMs).toBe(0);
    // Not for a moment was it anywhere else.
    expect(holdings).toEqual([{ host: 'ka67', fromMs: 0, toMs: Number.POSITIVE_INFINITY }]);
    expect(await holders(lab)).toEqual(['ka67']);
    const status = await tandem(lab, ['status', '-i', inventory]);
    expect(status.code, said(status)).toBe(0);
    const again = await apply(inventory);
    expect(again.code, said(again)).toBe(0);
    expect(wireEvents(again)).toEqual([]);
  });
});

test('nodes that change places: the new first one is MASTER in the end, by a planned switchover', async () => {
  const inventory = editedInventory(current, directory, /\[ka67, ka68\]/, '[ka68, ka67]');
  const { result, gapMs, overlapMs, doubleMs } = await observed('nodes change places', () =>
    apply(inventory),
  );
  expect(result.code, said(result)).toBe(0);
  expect(eventsOf(result).filter(event => event.type === 'switchover')).toMatchObject([{ from: 'ka67' }]);
  expect(await holders(lab)).toEqual(['ka68']);
  expect(gapMs).toBeLessThan(GAP_MAX_MS);
  expect(overlapMs).toBeLessThanOrEqual(ADVERT_INTERVAL_MS);
  expect(doubleMs).toBeLessThanOrEqual(DOUBLE_MAX_MS);
});
