import { describe, expect, test } from 'vitest';
import { EngineRig, masterRig } from '#testing/engine-rig.ts';
import { instance, ip, syncGroup, vip } from '#testing/scenario-config.ts';
import { nextDeadline } from './engine.ts';

describe('reload', () => {
  test('of the same configuration does nothing', () => {
    const rig = masterRig();
    const { timers } = rig.router();
    const before = { ...timers };
    expect(rig.reload([instance()])).toEqual([]);
    expect(rig.router().timers).toEqual(before);
  });

  test('keeps state and statistics under another name', () => {
    const rig = masterRig();
    expect(rig.reload([instance({ name: 'RENAMED' })])).toEqual([]);
    expect(rig.router().state).toBe('Master');
    expect(rig.router().counters.becomeMaster).toBe(1);
  });

  test('another VRID is another router: the old one releases first, and the new one keeps the addresses', () => {
    const rig = masterRig();
    expect(rig.reload([instance({ virtualRouterId: 99 })])).toEqual([
      'send 0',
      'FAULT',
      'close',
      'open',
      'BACKUP',
    ]);
    expect(rig.router().segment.byVrid[51]).toBeUndefined();
    expect(rig.router().segment.byVrid[99]).toBe(rig.router());
  });

  test('a master with another VRID listens for an interval with its addresses, and goes on', () => {
    const rig = masterRig();
    rig.reload([instance({ virtualRouterId: 99 })]);
    expect(rig.run(1000)).toEqual([]);
    expect(rig.run(5).slice(0, 3)).toEqual(['send 100', 'add 192.0.2.100', 'announce 192.0.2.100 ×5']);
    expect(rig.router().state).toBe('Master');
  });

  test('what it cannot keep is away for the skew only', () => {
    const rig = masterRig();
    rig.tell({ kind: 'linkChanged', interface: 'eth9', exists: true, up: true });
    const moved = instance({ virtualRouterId: 99, virtualAddresses: [vip('192.0.2.100', 'eth9')] });
    expect(rig.reload([moved])).toContain('remove 192.0.2.100');
    rig.run(610);
    expect(rig.router().state).toBe('Master');
  });

  test('addresses that a master kept go when it fails before it is one again', () => {
    const rig = masterRig();
    rig.reload([instance({ virtualRouterId: 99 })]);
    const down = { kind: 'linkChanged', interface: 'eth0', exists: true, up: false } as const;
    expect(rig.tell(down)).toContain('remove 192.0.2.100');
  });

  test('notify_deleted tells DELETED', () => {
    const rig = masterRig({ notifyDeleted: true });
    expect(rig.reload([])).toEqual(['send 0', 'remove 192.0.2.100', 'DELETED', 'close']);
  });

  test('the echo of an address that came back with another prefix is not a loss', () => {
    const rig = masterRig();
    expect(rig.reload([instance({ virtualAddresses: [vip('192.0.2.100/24')] })])).toEqual([
      'remove 192.0.2.100',
      'add 192.0.2.100',
      'announce 192.0.2.100 ×5',
    ]);
    expect(rig.tell({ kind: 'addressRemoved', interface: 'eth0', address: ip('192.0.2.100') })).toEqual([]);
  });

  test('excluded addresses, routes and rules come and go', () => {
    const route = (metric: number) => ({ metric }) as never;
    const rig = masterRig({ virtualRoutes: [route(1), route(2)] });
    const next = { virtualRoutes: [route(2), route(3)], virtualRules: [route(1)] };
    expect(rig.reload([instance({ ...next, virtualAddressesExcluded: [vip('192.0.2.200')] })])).toEqual([
      'add 192.0.2.200',
      'announce 192.0.2.100 192.0.2.200 ×5',
      'remove route',
      'add route',
      'add rule',
    ]);
  });

  test('no_accept takes effect on a master', () => {
    const rig = masterRig();
    expect(rig.reload([instance({ accept: false })])).toEqual(['drop traffic']);
    expect(rig.reload([instance()])).toEqual(['accept traffic']);
  });

  test('a shorter interval shortens what is running', () => {
    const rig = masterRig({ version: 3, advertIntervalMs: 10_000 });
    rig.run(40_000);
    rig.reload([instance({ version: 3, advertIntervalMs: 100 })]);
    expect(nextDeadline(rig.engine)).toBeLessThanOrEqual(rig.nowMs + 100);
    const backup = new EngineRig([instance({ version: 3, advertIntervalMs: 10_000 })]);
    backup.boot();
    backup.reload([instance({ version: 3, advertIntervalMs: 100 })]);
    expect(nextDeadline(backup.engine)).toBeCloseTo(360.9375);
  });

  test('sockets are opened anew for another group, peer or kind of authentication only', () => {
    const rig = masterRig();
    expect(rig.reload([instance({ mcastGroup: ip('224.0.0.111') })])).toEqual(['reopen']);
    expect(rig.reload([instance({ mcastGroup: ip('224.0.0.111'), priority: 120 })])).toEqual([]);
  });

  test('the priority takes effect at once', () => {
    const rig = masterRig();
    rig.reload([instance({ priority: 120 })]);
    expect(rig.run(1000)).toEqual(['send 120']);
  });

  test('a member that joins a group of masters follows within an interval', () => {
    const group = { vrrpSyncGroups: [syncGroup('G', ['A', 'B'])] };
    const a = instance({ name: 'A', virtualAddresses: [] });
    const b = instance({ name: 'B', virtualRouterId: 52, virtualAddresses: [] });
    const rig = new EngineRig([a], { vrrpSyncGroups: [syncGroup('G', ['A'])] });
    rig.boot();
    rig.run(3700);
    rig.reload([a, b], group);
    rig.run(1010);
    expect(rig.engine.routers.map(router => router.state)).toEqual(['Master', 'Master']);
    expect(rig.engine.groups[0]?.state).toBe('Master');
  });

  test('an address that moves from a removed instance to a new one is not given up for good', () => {
    const rig = masterRig();
    rig.tell({ kind: 'addressAdded', interface: 'eth0', address: ip('192.0.2.100') });
    rig.reload([instance({ name: 'OTHER', virtualRouterId: 99, priority: 255 })]);
    expect(rig.router()).toMatchObject({ state: 'Master' });
    const gone = { kind: 'addressRemoved', interface: 'eth0', address: ip('192.0.2.100') } as const;
    expect(rig.tell(gone)).toEqual([]);
    expect(rig.router().addresses[0]?.held).toBe(true);
  });

  test('tracker results are kept', () => {
    const rig = new EngineRig([instance()], { vrrpScripts: [{ name: 'chk', initFail: false } as never] });
    rig.boot();
    rig.tell({ kind: 'scriptResult', script: 'chk', success: true });
    rig.reload([instance()], { vrrpScripts: [{ name: 'chk', initFail: false } as never] });
    expect(rig.engine.trackers.get('script chk')?.verdict).toBe('up');
  });
});
