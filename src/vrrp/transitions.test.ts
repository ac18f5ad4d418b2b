import { describe, expect, test } from 'vitest';
import { AssertionFailure } from '#base/assert.ts';
import type { VirtualRoute, VirtualRule, VrrpInstance } from '#conf/model.ts';
import { config, instance, ip, vip } from '#testing/scenario-config.ts';
import { summarise } from '#testing/summary.ts';
import type { Action } from './action.ts';
import { createEngine, nextDeadline, step } from './engine.ts';
import type { Heard, RouterEvent, RouterEventKind } from './router-event.ts';
import { ROUTER_STATES, type RouterState, type VirtualRouter, type VrrpEngine } from './state.ts';
import { dispatch, TRANSITIONS } from './transitions.ts';

/** A router of priority 100 with one of everything whose order matters. */
const EVERYTHING = {
  accept: false,
  virtualAddressesExcluded: [vip('192.0.2.200')],
  virtualRoutes: [{ metric: 1 }] as unknown as VirtualRoute[],
  virtualRules: [{ preference: 1 }] as unknown as VirtualRule[],
} satisfies Partial<VrrpInstance>;

interface Rig {
  readonly engine: VrrpEngine;
  readonly router: VirtualRouter;
  readonly actions: Action[];
}

function rigIn(state: RouterState, fields: Partial<VrrpInstance> = {}): Rig {
  const actions: Action[] = [];
  const engine = createEngine(config([instance({ ...EVERYTHING, ...fields })]), 0, actions);
  const [router] = engine.routers;
  if (!router) throw new Error('no router');
  const tell = (event: Parameters<typeof step>[1], nowMs: number) => step(engine, event, nowMs, actions);
  tell({ kind: 'linkChanged', interface: 'eth0', exists: true, up: state !== 'Fault' }, 0);
  tell({ kind: 'addressAdded', interface: 'eth0', address: ip('192.0.2.5') }, 0);
  if (state !== 'Initialize') tell({ kind: 'start' }, 0);
  if (state === 'Master' || state === 'Releasing')
    tell({ kind: 'deadline', socketsDrained: true }, nextDeadline(engine));
  if (state === 'Releasing') tell({ kind: 'handover', router }, 4000);
  expect(router.state).toBe(state);
  actions.length = 0;
  return { engine, router, actions };
}

function heard(kind: Heard['kind'], priority: number, senderOrder = -1): Heard {
  return { kind, priority, senderOrder, adverIntervalMs: 1000 };
}

/** One sample of every event. */
function sample(kind: RouterEventKind, router: VirtualRouter): RouterEvent {
  const [address] = router.addresses;
  if (!address) throw new Error('no address');
  switch (kind) {
    case 'heardRelease':
      return heard(kind, 0);
    case 'heardLower':
      return heard(kind, 90);
    case 'heardEqual':
      return heard(kind, 100);
    case 'heardHigher':
      return heard(kind, 110);
    case 'priorityChanged':
      router.effectivePriority = 80;
      return { kind, skewBeforeMs: 609.375 };
    case 'addressLost':
      return { kind, address };
    case 'addressAddFailed':
      return { kind, address, error: 'EPERM' };
    case 'sendFailed':
      return { kind, error: 'ENOBUFS' };
    case 'groupBackup':
      return { kind, member: 'VI_2' };
    case 'faultRaised':
      router.faults = [{ reason: 'interface eth0 is down', pending: false }];
      return { kind };
    case 'faultCleared':
      router.faults = [];
      return { kind };
    default:
      return { kind };
  }
}

const NOW_MS = 10_000;

/** What a cell does: the state after it, its actions, and the timers that it leaves, relative to now. */
function outcome(rig: Rig, event: RouterEvent): string {
  const { engine, router, actions } = rig;
  engine.turn.nowMs = NOW_MS;
  engine.turn.actions = actions;
  const before = { ...router.timers };
  try {
    dispatch(engine.turn, router, event);
  } catch (error) {
    if (error instanceof AssertionFailure) return 'impossible';
    throw error;
  }
  const timers = Object.entries(router.timers)
    .filter(([name, atMs]) => atMs !== Infinity && atMs !== before[name as keyof typeof before])
    .map(([name, atMs]) => `${name.slice(0, -2)} ${Math.round((atMs - NOW_MS) * 1000) / 1000}`);
  return [router.state, ...summarise(actions), ...timers].join(' | ');
}

const VIP = '192.0.2.100';
const TAKE = `send 100 | drop traffic | add ${VIP} 192.0.2.200 | add route | add rule | announce ${VIP} 192.0.2.200 ×5`;
const LEAVE = `remove rule | remove route | remove ${VIP} 192.0.2.200 | accept traffic`;
const ELECTED = 'adverAt 1000 | announceAt 5000';
const OUTBID = `Master | send 100 | announce ${VIP} 192.0.2.200 ×5 | MASTER_RX_LOWER_PRI | adverAt 1000 | announceAt 5000`;

const CELLS: { readonly [S in RouterState]: { readonly [K in RouterEventKind]: string } } = {
  Initialize: {
    start: 'Backup | BACKUP | masterDownAt 3609.375',
    startTimer: 'Backup | BACKUP | masterDownAt 3609.375',
    masterDownTimer: 'impossible',
    adverTimer: 'impossible',
    announceTimer: 'impossible',
    refreshTimer: 'impossible',
    releaseTimer: 'impossible',
    restoreTimer: 'impossible',
    heardRelease: 'Initialize',
    heardLower: 'Initialize',
    heardEqual: 'Initialize',
    heardHigher: 'Initialize',
    faultRaised: 'Initialize',
    faultCleared: 'Initialize',
    priorityChanged: 'Initialize',
    addressLost: 'impossible',
    addressAddFailed: 'Initialize',
    sendFailed: 'Initialize',
    handover: 'Initialize',
    handoverEnd: 'Initialize',
    groupBackup: 'Initialize',
    groupMaster: 'impossible',
    stop: 'Initialize',
  },
  Backup: {
    start: 'impossible',
    startTimer: 'impossible',
    masterDownTimer: `Master | ${TAKE} | MASTER | ${ELECTED}`,
    adverTimer: 'impossible',
    announceTimer: 'impossible',
    refreshTimer: 'impossible',
    releaseTimer: 'impossible',
    restoreTimer: 'impossible',
    heardRelease: 'Backup | masterDownAt 609.375',
    heardLower: 'Backup',
    heardEqual: 'Backup | masterDownAt 3609.375',
    heardHigher: 'Backup | masterDownAt 3609.375',
    faultRaised: 'Fault | FAULT',
    faultCleared: 'impossible',
    // The timer that was to end at 3609.375 moves by (256 − 80) / 256 s − 609.375 ms, and lies in the past.
    priorityChanged: 'Backup | masterDownAt 0',
    addressLost: 'impossible',
    addressAddFailed: 'Backup',
    sendFailed: 'Backup',
    handover: 'Backup',
    handoverEnd: 'Backup',
    groupBackup: 'Backup',
    groupMaster: `Master | ${TAKE} | MASTER | ${ELECTED}`,
    stop: 'Initialize | STOP',
  },
  Master: {
    start: 'impossible',
    startTimer: 'impossible',
    masterDownTimer: 'impossible',
    adverTimer: 'Master | send 100 | adverAt 1000',
    announceTimer: `Master | announce ${VIP} 192.0.2.200 ×5`,
    refreshTimer: `Master | announce ${VIP} 192.0.2.200 ×1`,
    releaseTimer: 'impossible',
    restoreTimer: 'Master',
    heardRelease: 'Master | send 100 | adverAt 1000',
    heardLower: OUTBID,
    heardEqual: OUTBID,
    heardHigher: `Backup | ${LEAVE} | BACKUP | masterDownAt 3609.375`,
    faultRaised: `Fault | send 0 | ${LEAVE} | FAULT`,
    faultCleared: 'impossible',
    priorityChanged: 'Master',
    addressLost: `Master | add ${VIP} | announce ${VIP} 192.0.2.200 ×1`,
    addressAddFailed: 'Master | restoreAt 1000',
    sendFailed: 'Master',
    handover: 'Releasing | send 0 | adverAt 1000 | releaseAt 3609.375',
    handoverEnd: 'Master',
    groupBackup: `Backup | send 0 | ${LEAVE} | BACKUP | masterDownAt 3609.375`,
    groupMaster: 'Master',
    stop: `Initialize | send 0 | ${LEAVE} | STOP`,
  },
  Releasing: {
    start: 'impossible',
    startTimer: 'impossible',
    masterDownTimer: 'impossible',
    adverTimer: 'Releasing | send 0 | adverAt 1000',
    announceTimer: 'impossible',
    refreshTimer: 'impossible',
    releaseTimer: `Master | send 100 | drop traffic | add route | add rule | announce ${VIP} 192.0.2.200 ×5 | MASTER | ${ELECTED}`,
    restoreTimer: 'Releasing',
    heardRelease: 'Releasing',
    heardLower: 'Releasing | releaseAt 10',
    heardEqual: 'Releasing | releaseAt 10',
    heardHigher: 'Releasing | releaseAt 10',
    faultRaised: `Fault | send 0 | ${LEAVE} | FAULT`,
    faultCleared: 'impossible',
    priorityChanged: 'Releasing',
    addressLost: `Releasing | add ${VIP} | announce ${VIP} 192.0.2.200 ×1`,
    addressAddFailed: 'Releasing | restoreAt 1000',
    sendFailed: 'Releasing',
    handover: 'Releasing',
    handoverEnd: 'Releasing',
    groupBackup: 'Releasing',
    groupMaster: 'impossible',
    stop: `Initialize | send 0 | ${LEAVE} | STOP`,
  },
  Fault: {
    start: 'impossible',
    startTimer: 'impossible',
    masterDownTimer: 'impossible',
    adverTimer: 'impossible',
    announceTimer: 'impossible',
    refreshTimer: 'impossible',
    releaseTimer: 'impossible',
    restoreTimer: 'impossible',
    heardRelease: 'Fault',
    heardLower: 'Fault',
    heardEqual: 'Fault',
    heardHigher: 'Fault',
    faultRaised: 'Fault',
    faultCleared: 'Backup | BACKUP | masterDownAt 3609.375',
    priorityChanged: 'Fault',
    addressLost: 'impossible',
    addressAddFailed: 'Fault',
    sendFailed: 'Fault',
    handover: 'Fault',
    handoverEnd: 'Fault',
    groupBackup: 'Fault',
    groupMaster: 'impossible',
    stop: 'Initialize | STOP',
  },
};

describe('the table', () => {
  test.each(ROUTER_STATES)('has a case for every cell of %s', state => {
    expect(Object.keys(CELLS[state])).toEqual(Object.keys(TRANSITIONS[state]));
  });

  const cells = ROUTER_STATES.flatMap(state =>
    (Object.keys(TRANSITIONS[state]) as RouterEventKind[]).map(kind => [state, kind] as const),
  );
  test.each(cells)('%s × %s', (state, kind) => {
    const rig = rigIn(state);
    expect(outcome(rig, sample(kind, rig.router))).toBe(CELLS[state][kind]);
  });
});

describe('cells that depend on the configuration', () => {
  test('Backup × heardLower: nopreempt accepts', () => {
    const rig = rigIn('Backup', { preempt: 'nopreempt' });
    expect(outcome(rig, heard('heardLower', 90))).toBe('Backup | masterDownAt 3609.375');
  });

  test('Backup × heardLower: after a handover it accepts, until that is over', () => {
    const rig = rigIn('Backup');
    rig.router.handedOver = true;
    expect(outcome(rig, heard('heardLower', 90))).toBe('Backup | masterDownAt 3609.375');
    outcome(rig, { kind: 'handoverEnd' });
    expect(outcome(rig, heard('heardLower', 90))).toBe('Backup');
  });

  test('Backup × heardLower: preempt_delay accepts until it has run out', () => {
    const rig = rigIn('Backup', { preemptDelayMs: 5000 });
    expect(outcome(rig, heard('heardLower', 90))).toBe('Backup | masterDownAt 3609.375');
    rig.router.preemptAtMs = NOW_MS;
    rig.router.timers.masterDownAtMs = NOW_MS + 1;
    expect(outcome(rig, heard('heardLower', 90))).toBe('Backup');
  });

  test('Backup × heardLower: the owner knows neither nopreempt nor preempt_delay', () => {
    for (const fields of [{ preempt: 'nopreempt' } as const, { preemptDelayMs: 5000 }]) {
      const rig = rigIn('Backup', fields);
      rig.router.config = { ...rig.router.config, priority: 255 };
      expect(outcome(rig, heard('heardLower', 90))).toBe('Backup');
    }
  });

  test('Backup × heardHigher ends a preempt_delay', () => {
    const rig = rigIn('Backup', { preemptDelayMs: 5000 });
    outcome(rig, heard('heardLower', 90));
    outcome(rig, heard('heardHigher', 110));
    expect(rig.router.preemptAtMs).toBe(0);
  });

  test('Backup × heardHigher: version 3 learns the interval, but never 0', () => {
    const rig = rigIn('Backup', { version: 3 });
    expect(outcome(rig, { ...heard('heardHigher', 110), adverIntervalMs: 100 })).toBe(
      'Backup | masterDownAt 360.938',
    );
    outcome(rig, { ...heard('heardHigher', 110), adverIntervalMs: 0 });
    expect(rig.router.masterAdverIntervalMs).toBe(100);
  });

  test('Backup × priorityChanged moves the timer by the difference of the skews', () => {
    const rig = rigIn('Backup');
    rig.router.timers.masterDownAtMs = NOW_MS + 2000;
    rig.router.effectivePriority = 80;
    expect(outcome(rig, { kind: 'priorityChanged', skewBeforeMs: 609.375 })).toBe(
      'Backup | masterDownAt 2078.125',
    );
  });

  test('Master × heardEqual: the higher address stays', () => {
    const rig = rigIn('Master');
    expect(outcome(rig, heard('heardEqual', 100, 1))).toBe(CELLS.Master.heardHigher);
  });

  test('Master × heardLower: lower_prio_no_advert', () => {
    const rig = rigIn('Master', { lowerPrioNoAdvert: true });
    expect(outcome(rig, heard('heardLower', 90))).toBe(
      `Master | announce ${VIP} 192.0.2.200 ×5 | MASTER_RX_LOWER_PRI | announceAt 5000`,
    );
  });

  test('Master × heardHigher: higher_prio_send_advert', () => {
    const rig = rigIn('Master', { higherPrioSendAdvert: true });
    expect(outcome(rig, heard('heardHigher', 110))).toBe(
      `Backup | send 100 | ${LEAVE} | BACKUP | masterDownAt 3609.375`,
    );
  });

  test('Master × adverTimer keeps its phase unless it was stalled', () => {
    const rig = rigIn('Master');
    rig.router.timers.adverAtMs = NOW_MS - 3;
    expect(outcome(rig, { kind: 'adverTimer' })).toBe('Master | send 100 | adverAt 997');
  });

  test('Master × addressLost: again within a second waits for the rest of it', () => {
    const rig = rigIn('Master');
    const [address] = rig.router.addresses;
    if (!address) throw new Error('no address');
    address.restoredAtMs = NOW_MS - 400;
    expect(outcome(rig, { kind: 'addressLost', address })).toBe('Master | restoreAt 600');
  });

  test('Releasing × releaseTimer: after the successor was heard', () => {
    const rig = rigIn('Releasing');
    outcome(rig, heard('heardLower', 90));
    rig.actions.length = 0;
    expect(outcome(rig, { kind: 'releaseTimer' })).toBe(`Backup | ${LEAVE} | BACKUP | masterDownAt 3609.375`);
    expect(rig.router.handedOver).toBe(true);
  });

  test('Releasing × heardRelease: the successor goes again, so it is our turn after the skew', () => {
    const rig = rigIn('Releasing');
    outcome(rig, heard('heardLower', 90));
    rig.actions.length = 0;
    expect(outcome(rig, heard('heardRelease', 0))).toBe(`Backup | ${LEAVE} | BACKUP | masterDownAt 609.375`);
  });

  test.each(['faultRaised', 'stop'] as const)(
    'Releasing × %s: no priority 0 once the successor was heard',
    kind => {
      const rig = rigIn('Releasing');
      outcome(rig, heard('heardLower', 90));
      rig.actions.length = 0;
      expect(outcome(rig, sample(kind, rig.router))).toBe(CELLS.Releasing[kind].replace('send 0 | ', ''));
    },
  );

  test('Fault × faultRaised: the first real fault is told, a second is not', () => {
    const rig = rigIn('Fault');
    rig.router.faultTold = false;
    rig.router.faults = [{ reason: 'script chk fails', pending: false }];
    expect(outcome(rig, { kind: 'faultRaised' })).toBe('Fault | FAULT');
    rig.actions.length = 0;
    expect(outcome(rig, { kind: 'faultRaised' })).toBe('Fault');
  });

  test('Initialize × start: 255 is master at once, unless at fault', () => {
    const rig = rigIn('Initialize', { priority: 255, accept: true });
    expect(outcome(rig, { kind: 'start' })).toBe(
      `Master | send 255 | add ${VIP} 192.0.2.200 | add route | add rule | announce ${VIP} 192.0.2.200 ×5 | MASTER | ${ELECTED}`,
    );
    const faulty = rigIn('Initialize', { priority: 255 });
    faulty.router.faults = [{ reason: 'script chk has no result yet', pending: true }];
    expect(outcome(faulty, { kind: 'start' })).toBe('Fault');
  });

  test('leftovers go when a master is heard, on a fault and on a stop, and stay on priority 0', () => {
    const withLeftover = (state: RouterState) => {
      const rig = rigIn(state);
      for (const address of rig.router.addresses.slice(0, 1)) address.leftover = true;
      return rig;
    };
    for (const kind of ['heardLower', 'heardEqual', 'heardHigher', 'faultRaised', 'stop'] as const) {
      const rig = withLeftover('Backup');
      expect(outcome(rig, sample(kind, rig.router)), kind).toContain(`remove ${VIP}`);
    }
    const rig = withLeftover('Backup');
    expect(outcome(rig, heard('heardRelease', 0))).not.toContain('remove');
    const early = withLeftover('Initialize');
    expect(outcome(early, heard('heardLower', 90))).toBe(`Initialize | remove ${VIP}`);
  });
});
