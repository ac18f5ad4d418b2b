import { describe, expect, test } from 'vitest';
import type { Trackers, VrrpInstance, VrrpScript } from '#conf/model.ts';
import { config, instance, ip, script, syncGroup, tracker } from '#testing/scenario-config.ts';
import { summarise } from '#testing/summary.ts';
import type { Action } from './action.ts';
import { createEngine, step } from './engine.ts';
import type { EngineEvent } from './event.ts';
import { applyScriptResult, newTracker } from './tracking.ts';

describe('rise and fall of a script', () => {
  const verdicts = (fields: Partial<VrrpScript>, results: string) => {
    const state = newTracker('script', 'chk', fields.initFail);
    const definition = script('chk', fields);
    return Array.from(results)
      .map(result => {
        applyScriptResult(state, definition, result === '+');
        return state.verdict === 'up' ? 'U' : state.verdict === 'down' ? 'D' : '?';
      })
      .join('');
  };

  test.each([
    ['the first result decides at once', { rise: 3, fall: 3 }, '+-', 'UU'],
    ['the first failure too', { rise: 3, fall: 3 }, '-', 'D'],
    ['fall failures in a row', { fall: 3 }, '+--+---', 'UUUUUUD'],
    ['rise successes in a row', { rise: 2 }, '-+-++', 'DDDDU'],
    ['init_fail needs rise', { initFail: true, rise: 2 }, '++', 'DU'],
  ])('%s', (_, fields, results, expected) => {
    expect(verdicts(fields, results)).toBe(expected);
  });
});

interface Case {
  readonly title: string;
  readonly trackers: Partial<Trackers>;
  readonly events?: readonly EngineEvent[];
  readonly priority?: number;
  readonly fault?: string;
  readonly pending?: true;
  readonly base?: number;
}

const ok: EngineEvent = { kind: 'scriptResult', script: 'chk', success: true };
const bad: EngineEvent = { kind: 'scriptResult', script: 'chk', success: false };
const eth1 = (up: boolean): EngineEvent => ({ kind: 'linkChanged', interface: 'eth1', exists: true, up });
const file = (value: number): EngineEvent => ({ kind: 'fileValue', file: 'chk', value });
const quorum = (quorate: boolean): EngineEvent => ({ kind: 'processResult', process: 'chk', quorate });
const scripts = (weight: number, reverse = false) => ({ trackScripts: [tracker('chk', weight, reverse)] });
const files = (weight: number, reverse = false) => ({ trackFiles: [tracker('chk', weight, reverse)] });
const processes = (weight: number) => ({ trackProcesses: [tracker('chk', weight)] });
const links = (weight: number, reverse = false) => ({ trackInterfaces: [tracker('eth1', weight, reverse)] });

const CASES: readonly Case[] = [
  {
    title: 'script, weight 0, no result',
    trackers: scripts(0),
    fault: 'script chk has no result yet',
    pending: true,
  },
  { title: 'script, weight 0, success', trackers: scripts(0), events: [ok] },
  { title: 'script, weight 0, failure', trackers: scripts(0), events: [bad], fault: 'script chk fails' },
  {
    title: 'script, weight 0 reversed, success',
    trackers: scripts(0, true),
    events: [ok],
    fault: 'script chk succeeds',
  },
  { title: 'script, +20, no result', trackers: scripts(20), priority: 100 },
  { title: 'script, +20, success', trackers: scripts(20), events: [ok], priority: 120 },
  { title: 'script, +20, failure', trackers: scripts(20), events: [bad], priority: 100 },
  { title: 'script, −20, success', trackers: scripts(-20), events: [ok], priority: 100 },
  { title: 'script, −20, failure', trackers: scripts(-20), events: [bad], priority: 80 },
  { title: 'script, +20 reversed, failure', trackers: scripts(20, true), events: [bad], priority: 120 },
  { title: 'script, −20 reversed, success', trackers: scripts(-20, true), events: [ok], priority: 80 },
  { title: 'the sum is at least 1', trackers: scripts(-253), events: [bad], priority: 1 },
  { title: 'the sum is at most 254', trackers: scripts(253), events: [ok], priority: 254 },
  { title: '255 ignores weights', trackers: scripts(-20), events: [bad], base: 255, priority: 255 },
  {
    title: '255 does not ignore faults',
    trackers: scripts(0),
    events: [bad],
    base: 255,
    priority: 255,
    fault: 'script chk fails',
  },
  {
    title: 'interface, weight 0, down',
    trackers: links(0),
    events: [eth1(false)],
    fault: 'tracked interface eth1 is down',
  },
  { title: 'interface, weight 0, unknown', trackers: links(0), fault: 'tracked interface eth1 is down' },
  { title: 'interface, weight 0, up', trackers: links(0), events: [eth1(true)] },
  { title: 'interface, −10, down', trackers: links(-10), events: [eth1(false)], priority: 90 },
  { title: 'interface, +10, up', trackers: links(10), events: [eth1(true)], priority: 110 },
  {
    title: 'interface, weight 0 reversed, up',
    trackers: links(0, true),
    events: [eth1(true)],
    fault: 'tracked interface eth1 is up',
  },
  {
    title: 'process, weight 0, no result',
    trackers: processes(0),
    fault: 'process chk has no result yet',
    pending: true,
  },
  {
    title: 'process, weight 0, no quorum',
    trackers: processes(0),
    events: [quorum(false)],
    fault: 'process chk is down',
  },
  { title: 'process, −30, no quorum', trackers: processes(-30), events: [quorum(false)], priority: 70 },
  {
    title: 'process, −254, no quorum',
    trackers: processes(-254),
    events: [quorum(false)],
    fault: 'process chk is down',
  },
  { title: 'file, weight 1', trackers: files(1), events: [file(12)], priority: 112 },
  { title: 'file, weight −2', trackers: files(-2), events: [file(12)], priority: 76 },
  { title: 'file, weight 1 reversed', trackers: files(1, true), events: [file(12)], priority: 88 },
  { title: 'file, −254 or less', trackers: files(-2), events: [file(127)], fault: 'file chk says 127' },
  { title: 'file, weight 0, not zero', trackers: files(0), events: [file(1)], fault: 'file chk says 1' },
  { title: 'file, weight 0, zero', trackers: files(0), events: [file(0)] },
  {
    title: 'file, weight 0 reversed, zero',
    trackers: files(0, true),
    events: [file(0)],
    fault: 'file chk says 0',
  },
  { title: 'file, unread', trackers: files(1), priority: 100 },
];

function rig(instances: readonly VrrpInstance[], groups: Parameters<typeof config>[1] = {}) {
  const actions: Action[] = [];
  const engine = createEngine(
    config(instances, {
      vrrpScripts: [script('chk')],
      trackFiles: [{ name: 'chk' } as never],
      trackProcesses: [{ name: 'chk' } as never],
      ...groups,
    }),
    0,
    actions,
  );
  const tell = (event: EngineEvent) => step(engine, event, 0, actions);
  tell({ kind: 'linkChanged', interface: 'eth0', exists: true, up: true });
  tell({ kind: 'addressAdded', interface: 'eth0', address: ip('192.0.2.5') });
  tell({ kind: 'start' });
  return { engine, actions, tell };
}

describe('what a tracker does', () => {
  test.each(CASES)(
    '$title',
    ({ trackers, events = [], priority = 100, fault, pending = false, base = 100 }) => {
      const { engine, tell } = rig([instance({ ...trackers, priority: base })]);
      for (const event of events) tell(event);
      const [router] = engine.routers;
      expect(router?.effectivePriority).toBe(priority);
      expect(router?.faults).toEqual(fault === undefined ? [] : [{ reason: fault, pending }]);
      expect(router?.state === 'Fault').toBe(fault !== undefined);
    },
  );

  test('a pending fault is silent, and told once it is real', () => {
    const { actions, tell } = rig([instance(scripts(0))]);
    expect(summarise(actions)).toEqual(['open']);
    tell(bad);
    expect(summarise(actions)).toEqual(['open', 'FAULT']);
  });

  test('vrrp_notify_priority_changes', () => {
    const { actions, tell } = rig([instance({ ...scripts(-20), notifyPriorityChanges: true })]);
    tell(ok);
    tell(bad);
    expect(summarise(actions)).toEqual(['open', 'BACKUP', 'priority 80']);
  });
});

describe('in a sync group', () => {
  const members = () => [
    instance({ name: 'A', virtualRouterId: 1, ...scripts(-20) }),
    instance({ name: 'B', virtualRouterId: 2 }),
  ];
  const withGroup = (fields: Parameters<typeof syncGroup>[2]) =>
    rig(members(), { vrrpSyncGroups: [syncGroup('G', ['A', 'B'], fields)] });
  const priorities = ({ engine }: ReturnType<typeof rig>) =>
    engine.routers.map(router => router.effectivePriority);

  test("a member's weighted script does not count, and the log says so", () => {
    const group = withGroup({});
    group.tell(bad);
    expect(priorities(group)).toEqual([100, 100]);
    expect(group.actions[0]).toMatchObject({ kind: 'log', subject: 'A', severity: 'warning' });
  });

  test('it does with sync_group_tracking_weight', () => {
    const group = withGroup({ syncGroupTrackingWeight: true });
    group.tell(bad);
    expect(priorities(group)).toEqual([80, 100]);
  });

  test("the group's own trackers bear on all members", () => {
    const group = withGroup({ trackFiles: [tracker('chk', 1)] });
    group.tell(file(7));
    expect(priorities(group)).toEqual([107, 107]);
  });

  test("one member's fault is everybody's, until it is gone", () => {
    const group = rig(
      [
        instance({ name: 'A', virtualRouterId: 1, ...scripts(0) }),
        instance({ name: 'B', virtualRouterId: 2 }),
      ],
      { vrrpSyncGroups: [syncGroup('G', ['A', 'B'])] },
    );
    group.tell(bad);
    expect(group.engine.routers[1]?.faults).toEqual([
      { reason: 'A of sync group G is at fault', pending: false },
    ]);
    expect(group.engine.groups[0]?.state).toBe('Fault');
    group.tell(ok);
    expect(group.engine.routers.map(router => router.state)).toEqual(['Backup', 'Backup']);
    expect(group.engine.groups[0]?.state).toBe('Backup');
  });
});
