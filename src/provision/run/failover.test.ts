import { mkdirSync, readFileSync } from 'node:fs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { RunEvent } from '#control/events.ts';
import { LOCAL_PATHS, LocalHosts } from '#testing/local-hosts.ts';
import { failover, type FailoverOptions } from './failover.ts';

const NODES = ['ka67', 'ka68'];
let hosts: LocalHosts;
let events: RunEvent[];
beforeEach(() => {
  hosts = new LocalHosts(NODES);
  events = [];
  hosts.runs('ka67', 'MASTER');
  hosts.runs('ka68', 'BACKUP');
});
afterEach(() => hosts.remove());

function move(more: Partial<FailoverOptions> = {}): Promise<number> {
  return failover({
    cluster: 'pair',
    instance: 'VG_1',
    nodes: NODES,
    to: undefined,
    members: NODES.map(name => ({ access: { name } })),
    transport: hosts.transport(),
    emit: event => events.push(event),
    settings: { paths: LOCAL_PATHS, silenceTimeoutMs: 5000, lockTimeoutMs: 0, owner: 'ann@desk' },
    ...more,
  });
}

const orders = (): string[] => hosts.log.filter(line => !line.startsWith('tandemd status'));

function expectUnlocked(): void {
  for (const node of NODES) expect(hosts.read(node, 'run/lock')).toBeUndefined();
}

test('the master hands over, the successor is awaited, and the last event says so', async () => {
  expect(await move()).toBe(0);
  // Both have the same priority, so the former master would not preempt anyway: it is not held.
  expect(orders()).toEqual([
    'tandemd handover --timeout 30 VG_1',
    'tandemd await --timeout 30 --expect=VG_1=MASTER',
    'tandemd handover --end VG_1',
  ]);
  expect(events.at(-1)).toMatchObject({
    type: 'failover',
    cluster: 'pair',
    instances: ['VG_1'],
    status: 'done',
    from: 'ka67',
    to: 'ka68',
    held: false,
    exitCode: 0,
  });
  expectUnlocked();
});

test('a master that finds no taker fails, may preempt, and is unlocked', async () => {
  hosts.write('ka67', 'no-handover', '');
  expect(await move()).toBe(1);
  expect(orders().at(-1)).toBe('tandemd handover --end VG_1');
  expect(events.at(-1)).toMatchObject({ status: 'failed', exitCode: 1 });
  expect(events).toContainEqual(expect.objectContaining({ type: 'host-failed', host: 'ka67' }));
  expectUnlocked();
});

test('nobody is told anything when nobody could take over', async () => {
  hosts.runs('ka68', 'FAULT');
  expect(await move()).toBe(1);
  expect(orders()).toEqual([]);
  expect(events.at(-1)).toMatchObject({
    status: 'refused',
    from: 'ka67',
    message: 'nobody could take over from ka67: ka68 is FAULT of VG_1 (eth0 is down); nothing was disturbed',
  });
  expectUnlocked();
});

test('a lock that another run holds is respected', async () => {
  // The lock of this very process, which lives.
  const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  const stat = readFileSync(`/proc/${process.pid}/stat`, 'utf8');
  const startTime = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  mkdirSync(`${hosts.root}/ka68/run`, { recursive: true });
  hosts.write('ka68', 'run/lock', `${boot} ${process.pid} ${startTime}\nbob@desk\n`);
  expect(await move()).toBe(1);
  expect(orders()).toEqual([]);
  expect(events.at(-1)).toMatchObject({ status: 'refused', message: 'ka68 could not be locked' });
  expect(events).toContainEqual(
    expect.objectContaining({ type: 'host-failed', message: expect.stringContaining('bob@desk') }),
  );
});
