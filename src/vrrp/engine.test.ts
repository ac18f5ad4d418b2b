import { describe, expect, test } from 'vitest';
import { formatIp } from '#base/address.ts';
import type { VrrpInstance } from '#conf/model.ts';
import { advertisementFrom } from '#testing/advertisement.ts';
import { EngineRig, masterRig } from '#testing/engine-rig.ts';
import { instance, ip, syncGroup, vip } from '#testing/scenario-config.ts';
import { nextDeadline, receive } from './engine.ts';
import type { EngineEvent } from './event.ts';

const OWN = ip('192.0.2.5');

describe('deadlines', () => {
  test('a master is not declared dead before the sockets are drained', () => {
    const rig = new EngineRig([instance()]);
    rig.boot();
    rig.nowMs = nextDeadline(rig.engine);
    expect(rig.tell({ kind: 'deadline', socketsDrained: false })).toEqual(['drain']);
    expect(rig.router().state).toBe('Backup');
    const { segment } = rig.router();
    const arrival = advertisementFrom(instance({ priority: 110 }), ip('192.0.2.9'));
    receive(rig.engine, segment, arrival, rig.nowMs, rig.actions);
    expect(rig.tell({ kind: 'deadline', socketsDrained: true })).toEqual([]);
    expect(nextDeadline(rig.engine)).toBe(rig.nowMs + 3609.375);
  });

  test('an advertisement on time needs no draining, one that is late by an interval does', () => {
    const rig = new EngineRig([instance()]);
    rig.boot();
    rig.run(3700);
    rig.nowMs = nextDeadline(rig.engine);
    expect(rig.tell({ kind: 'deadline', socketsDrained: false })).toEqual(['send 100']);
    rig.nowMs = nextDeadline(rig.engine) + 1001;
    expect(rig.tell({ kind: 'deadline', socketsDrained: false })).toEqual(['drain']);
    expect(rig.tell({ kind: 'deadline', socketsDrained: true })).toEqual(['send 100']);
  });

  test('nor is a handover given up before that', () => {
    const rig = new EngineRig([instance()]);
    rig.boot();
    rig.run(3700);
    rig.tell({ kind: 'handover', router: rig.router() });
    rig.nowMs = rig.router().timers.releaseAtMs;
    expect(rig.tell({ kind: 'deadline', socketsDrained: false })).toEqual(['drain']);
    const { segment } = rig.router();
    const arrival = advertisementFrom(instance({ priority: 90 }), ip('192.0.2.9'));
    receive(rig.engine, segment, arrival, rig.nowMs, rig.actions);
    expect(rig.tell({ kind: 'deadline', socketsDrained: true })).toEqual([]);
    expect(rig.run(10)).toEqual(['remove 192.0.2.100', 'BACKUP']);
  });

  test('advertisements that are due within 2 ms share a wake-up and keep their phases', () => {
    const rig = new EngineRig(
      [1, 2, 3].map(vrid => instance({ name: `VI_${vrid}`, virtualRouterId: vrid, virtualAddresses: [] })),
    );
    rig.boot();
    rig.run(4000);
    const [first, second, third] = [0, 1, 2].map(index => rig.router(index).timers);
    if (!first || !second || !third) throw new Error('no timers');
    second.adverAtMs = first.adverAtMs + 1.5;
    third.adverAtMs = first.adverAtMs + 2.5;
    rig.nowMs = nextDeadline(rig.engine);
    expect(rig.tell({ kind: 'deadline', socketsDrained: false })).toEqual(['send 100', 'send 100']);
    expect(second.adverAtMs - first.adverAtMs).toBeCloseTo(1.5);
    expect(third.adverAtMs).toBe(rig.nowMs + 2.5);
  });

  test('there is none when nothing runs', () => {
    expect(nextDeadline(new EngineRig([instance()]).engine)).toBe(Infinity);
  });
});

describe('sources and sockets', () => {
  const opened = (fields: Partial<VrrpInstance>, ...addresses: string[]) => {
    const rig = new EngineRig([instance(fields)]);
    rig.tell({ kind: 'linkChanged', interface: 'eth0', exists: true, up: true });
    for (const text of addresses) rig.tell({ kind: 'addressAdded', interface: 'eth0', address: ip(text) });
    const { source } = rig.router();
    return source && formatIp(source);
  };
  const peer = (text: string) => ({
    unicastPeers: [
      { address: ip(text), minTtl: undefined, maxTtl: undefined, position: instance().position },
    ],
  });

  test.each([
    ['the first address', {}, ['192.0.2.7', '192.0.2.5'], '192.0.2.7'],
    ['never a VIP', {}, ['192.0.2.100', '192.0.2.5'], '192.0.2.5'],
    ['the owner may use it', { priority: 255 }, ['192.0.2.100'], '192.0.2.100'],
    ['link-local for IPv6', { family: 6 }, ['2001:db8::5', 'fe80::5'], 'fe80::5'],
    [
      'global for a global peer',
      { family: 6, ...peer('2001:db8::9') },
      ['fe80::5', '2001:db8::5'],
      '2001:db8::5',
    ],
    ['as configured', { mcastSrcIp: ip('192.0.2.7') }, ['192.0.2.5', '192.0.2.7'], '192.0.2.7'],
    ['configured, but not there', { mcastSrcIp: ip('192.0.2.7') }, ['192.0.2.5'], undefined],
    ['none of the family', { family: 6 }, ['192.0.2.5'], undefined],
  ] as const)('the source is %s', (_, fields, addresses, expected) => {
    expect(opened(fields, ...addresses)).toBe(expected);
  });

  test.each(['before', 'after'])(
    'an owner that loses its own address %s its VIP is told stays in FAULT',
    order => {
      const rig = new EngineRig([instance({ priority: 255 })]);
      const vip = { interface: 'eth0', address: ip('192.0.2.100') };
      const loseOwn = { kind: 'addressRemoved', interface: 'eth0', address: OWN } as const;
      expect(rig.boot()).toEqual([
        'open',
        'send 255',
        'add 192.0.2.100',
        'announce 192.0.2.100 ×5',
        'MASTER',
      ]);
      const echo = { kind: 'addressAdded', ...vip } as const;
      const events = order === 'before' ? [loseOwn, echo] : [echo, loseOwn];
      expect(rig.tell(...events)).toEqual(['send 0', 'remove 192.0.2.100', 'FAULT']);
      expect(rig.tell({ kind: 'addressRemoved', ...vip })).toEqual([]);
      expect(rig.router().state).toBe('Fault');
      // Put there by the host itself, it is the owner's own address.
      expect(rig.tell(echo)).toEqual([
        'reopen',
        'send 255',
        'add 192.0.2.100',
        'announce 192.0.2.100 ×5',
        'MASTER',
      ]);
    },
  );

  test('a VIP that a killed owner left is not its source', () => {
    const rig = new EngineRig([instance({ priority: 255 })]);
    rig.tell({ kind: 'linkChanged', interface: 'eth0', exists: true, up: true });
    rig.tell({ kind: 'addressAdded', interface: 'eth0', address: ip('192.0.2.100'), ours: true });
    expect(rig.tell({ kind: 'start' })).toEqual(['remove 192.0.2.100', 'FAULT']);
  });

  test('sockets follow the interface and the source address', () => {
    const rig = new EngineRig([instance()]);
    expect(rig.boot()).toEqual(['open', 'BACKUP']);
    expect(rig.tell({ kind: 'addressAdded', interface: 'eth0', address: ip('192.0.2.6') })).toEqual([]);
    expect(rig.tell({ kind: 'addressRemoved', interface: 'eth0', address: OWN })).toEqual(['reopen']);
    expect(rig.tell({ kind: 'addressRemoved', interface: 'eth0', address: ip('192.0.2.6') })).toEqual([
      'FAULT',
    ]);
    expect(rig.tell({ kind: 'linkChanged', interface: 'eth0', exists: false, up: false })).toEqual(['close']);
    expect(rig.tell({ kind: 'linkChanged', interface: 'eth0', exists: true, up: true })).toEqual([]);
    expect(rig.tell({ kind: 'addressAdded', interface: 'eth0', address: OWN })).toEqual(['open', 'BACKUP']);
  });

  test('sockets that cannot be opened are a fault until they can', () => {
    const rig = new EngineRig([instance()]);
    rig.boot();
    expect(rig.tell({ kind: 'socketFailed', router: rig.router(), error: 'EPERM' })).toEqual(['FAULT']);
    expect(rig.tell({ kind: 'socketOpened', router: rig.router() })).toEqual(['BACKUP']);
  });

  test('the reason shows the faults that are left', () => {
    const rig = new EngineRig([instance()]);
    rig.boot();
    rig.tell({ kind: 'socketFailed', router: rig.router(), error: 'EPERM' });
    rig.tell({ kind: 'linkChanged', interface: 'eth0', exists: true, up: false });
    expect(rig.router().reason).toBe('interface eth0 is down, its sockets cannot be opened: EPERM');
    expect(rig.tell({ kind: 'socketOpened', router: rig.router() })).toEqual([]);
    expect(rig.router().reason).toBe('interface eth0 is down');
  });

  test('dont_track_primary: the interface may be down', () => {
    const rig = new EngineRig([instance({ trackPrimary: false })]);
    rig.boot();
    expect(rig.tell({ kind: 'linkChanged', interface: 'eth0', exists: true, up: false })).toEqual([]);
  });

  test.each([
    ['no virtual_router_id', { virtualRouterId: 0 }],
    ['no unicast_peer', { unicastFaultNoPeer: true }],
  ])('%s is a fault', (reason, fields) => {
    const rig = new EngineRig([instance(fields)]);
    rig.boot();
    expect(rig.router().faults[0]?.reason).toContain(reason);
  });
});

describe('start', () => {
  test('vrrp_delay_after_boot counts from the boot', () => {
    const rig = new EngineRig([instance()], { globalDefs: { vrrpDelayAfterBootMs: 60_000 } });
    rig.tell({ kind: 'start', sinceBootMs: 50_000 });
    expect(nextDeadline(rig.engine)).toBe(10_000);
  });

  test('owners in a sync group become master together, at once', () => {
    const members = ['A', 'B'].map((name, i) =>
      instance({ name, virtualRouterId: i + 1, priority: 255, virtualAddresses: [] }),
    );
    const rig = new EngineRig(members, { vrrpSyncGroups: [syncGroup('G', ['A', 'B'])] });
    rig.boot();
    expect(rig.run(0)).toEqual(['send 255', 'MASTER', 'send 255', 'MASTER', 'G MASTER']);
  });

  test('nothing happens after a stop', () => {
    const rig = new EngineRig([instance()]);
    rig.boot();
    expect(rig.tell({ kind: 'stop' })).toEqual(['STOP']);
    expect(rig.boot()).toEqual([]);
    expect(nextDeadline(rig.engine)).toBe(Infinity);
  });
});

describe('addresses', () => {
  const gone: EngineEvent = { kind: 'addressRemoved', interface: 'eth0', address: ip('192.0.2.100') };

  test('the echo of our own removal is not a loss, even when we are master again', () => {
    const rig = masterRig();
    rig.tell({ kind: 'linkChanged', interface: 'eth0', exists: true, up: false });
    rig.tell({ kind: 'linkChanged', interface: 'eth0', exists: true, up: true });
    rig.run(3700);
    expect(rig.router().state).toBe('Master');
    expect(rig.tell(gone)).toEqual([]);
    expect(rig.tell(gone)).toEqual(['add 192.0.2.100', 'announce 192.0.2.100 ×1']);
  });

  test('an echo that got lost does not hide a loss for ever', () => {
    const rig = masterRig();
    rig.tell({ kind: 'linkChanged', interface: 'eth0', exists: true, up: false });
    rig.tell({ kind: 'linkChanged', interface: 'eth0', exists: true, up: true });
    rig.run(11_000);
    expect(rig.tell(gone)).toEqual(['add 192.0.2.100', 'announce 192.0.2.100 ×1']);
  });

  test('a removal that found nothing has no echo', () => {
    const rig = masterRig();
    const { router } = { router: rig.router() };
    rig.tell({ kind: 'handover', router });
    rig.tell({ kind: 'linkChanged', interface: 'eth0', exists: true, up: false });
    rig.tell({
      kind: 'addressRemoveFailed',
      router,
      address: ip('192.0.2.100'),
      error: 'EADDRNOTAVAIL',
      gone: true,
    });
    expect(rig.engine.turn.removalsPending.size).toBe(0);
  });

  test('no_track: a loss does not matter', () => {
    const rig = new EngineRig([instance({ virtualAddresses: [{ ...vip('192.0.2.100'), noTrack: true }] })]);
    rig.boot();
    rig.run(3700);
    expect(rig.tell(gone)).toEqual([]);
  });

  test('an interface that vanishes takes the addresses of others along', () => {
    const rig = new EngineRig([instance({ virtualAddresses: [vip('198.51.100.1', 'eth1')] })]);
    rig.boot();
    rig.run(3700);
    expect(rig.tell({ kind: 'linkChanged', interface: 'eth1', exists: false, up: false })).toEqual([
      'add 198.51.100.1',
      'announce 198.51.100.1 ×1',
    ]);
  });
});
