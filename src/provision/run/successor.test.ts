import { describe, expect, test } from 'vitest';
import type { DaemonStatus, InstanceStatus } from '#control/status.ts';
import { type FailoverNode, succession } from './successor.ts';

const HEARD = { address: '192.0.2.1', priority: 254, ageMs: 10 };

/** What {@link succession} reads of an instance. */
type Own = Pick<
  InstanceStatus,
  'name' | 'state' | 'effectivePriority' | 'heard' | 'faults' | 'masterDownIntervalMs'
> &
  Partial<Pick<InstanceStatus, 'priority' | 'handedOver' | 'canHandOver'>>;

function own(state: InstanceStatus['state'], priority: number, more: Partial<Own> = {}): Own {
  return {
    name: 'VG_1',
    state,
    effectivePriority: priority,
    heard: state === 'MASTER' ? null : HEARD,
    faults: [],
    masterDownIntervalMs: 3000,
    ...more,
  };
}

function node(name: string, instances: readonly Own[], group: readonly string[] = []): FailoverNode {
  const syncGroups = group.length > 0 ? [{ name: 'G', state: 'MASTER' as const, members: group }] : [];
  const sight: Partial<DaemonStatus> = { instances: instances as InstanceStatus[], syncGroups };
  return { name, sight: sight as DaemonStatus };
}

const A = node('a', [own('MASTER', 254)]);
const B = node('b', [own('BACKUP', 253)]);
const C = node('c', [own('BACKUP', 252)]);

describe('a healthy instance', () => {
  test('goes to the highest priority, and the former master is held if its own is higher', () => {
    const next = { kind: 'switch', from: 'a', to: 'b', instances: ['VG_1'], held: true };
    expect(succession('VG_1', undefined, [A, C, B])).toEqual(next);
    expect(succession('VG_1', 'b', [A, B, C])).toEqual(next);
  });

  test('goes back to the higher priority, and nobody is held', () => {
    const [backup, master] = [node('a', [own('BACKUP', 254)]), node('b', [own('MASTER', 253)])];
    expect(succession('VG_1', 'a', [backup, master])).toMatchObject({ from: 'b', to: 'a', held: false });
  });

  test('stays where it is wanted', () => {
    expect(succession('VG_1', 'a', [A, B])).toEqual({ kind: 'unchanged', at: 'a' });
  });

  test('does not go past a higher priority', () => {
    expect(succession('VG_1', 'c', [A, B, C])).toMatchObject({
      kind: 'refused',
      reason: 'b has the higher priority (253, c has 252) and would take over instead',
    });
  });

  test('goes past one that is in FAULT', () => {
    const fault = node('b', [own('FAULT', 253, { faults: ['eth0 is down'] })]);
    expect(succession('VG_1', 'c', [A, fault, C])).toMatchObject({ kind: 'switch', to: 'c' });
    expect(succession('VG_1', undefined, [A, fault, C])).toMatchObject({ kind: 'switch', to: 'c' });
  });
});

describe('refused, with the reason', () => {
  const others: [string, FailoverNode][] = [
    ['b is FAULT of VG_1 (eth0 is down)', node('b', [own('FAULT', 253, { faults: ['eth0 is down'] })])],
    ['b is BACKUP of VG_1 and hears no MASTER', node('b', [own('BACKUP', 253, { heard: null })])],
    [
      'b is BACKUP of VG_1 and hears no MASTER',
      node('b', [own('BACKUP', 253, { heard: { ...HEARD, ageMs: 3001 } })]),
    ],
    ['b does not have VG_1 configured', node('b', [])],
    ['b cannot be reached', { name: 'b', sight: { silent: 'cannot be reached' } }],
  ];
  test.each(others)('%s', (why, other) => {
    for (const to of [undefined, 'b']) {
      const refused = succession('VG_1', to, [A, other]);
      expect(refused).toMatchObject({ kind: 'refused', from: 'a' });
      expect(refused).toHaveProperty('reason', expect.stringContaining(`take over from a: ${why}`));
    }
  });

  test('nobody, or two, are MASTER', () => {
    const silent: FailoverNode = { name: 'a', sight: { silent: 'cannot be reached' } };
    expect(succession('VG_1', undefined, [silent, B])).toEqual({
      kind: 'refused',
      reason: 'nobody is MASTER of VG_1: a cannot be reached',
    });
    expect(succession('VG_1', undefined, [A, node('b', [own('MASTER', 253)])])).toMatchObject({
      reason: 'a and b are MASTER at the same time',
    });
  });
});

describe('a sync group', () => {
  const both = ['VG_1', 'VG_2'];
  const pair = (state: InstanceStatus['state'], priority: number, second: Partial<Own> = {}): Own[] => [
    own(state, priority),
    own(state, priority, { name: 'VG_2', ...second }),
  ];

  test('goes along', () => {
    const nodes = [node('a', pair('MASTER', 254), both), node('b', pair('BACKUP', 253), both)];
    expect(succession('VG_2', undefined, nodes)).toMatchObject({ kind: 'switch', to: 'b', instances: both });
  });

  test('needs a successor that is healthy in all of it', () => {
    const half = node('b', pair('BACKUP', 253, { state: 'FAULT' }), both);
    expect(succession('VG_1', undefined, [node('a', pair('MASTER', 254), both), half])).toMatchObject({
      kind: 'refused',
      reason: 'nobody could take over from a: b is FAULT of VG_2',
    });
  });
});

describe('where keepalived runs', () => {
  const stock = (of: FailoverNode): FailoverNode => ({
    ...of,
    sight: 'silent' in of.sight ? of.sight : { ...of.sight, program: 'keepalived' },
  });

  test('a priority that it has lowered to hand over is not its own', () => {
    const lowered = own('BACKUP', 1, { priority: 254, handedOver: true });
    const [backup, master] = [stock(node('a', [lowered])), node('b', [own('MASTER', 253)])];
    expect(succession('VG_1', 'a', [backup, master, C])).toMatchObject({
      kind: 'switch',
      to: 'a',
      held: false,
    });
  });

  test('one that is not Tandem’s cannot be asked', () => {
    const foreign = stock(node('a', [own('MASTER', 254, { canHandOver: false })]));
    expect(succession('VG_1', undefined, [foreign, B])).toMatchObject({
      kind: 'refused',
      from: 'a',
      reason: expect.stringMatching(/only a stop would give VG_1 away: tandem apply first/),
    });
  });

  test('a preferred one cannot be held back as a group', () => {
    const both = (state: 'MASTER' | 'BACKUP', priority: number): Own[] =>
      ['VG_1', 'VG_2'].map(name => own(state, priority, { name }));
    const [master, backup] = [
      node('a', both('MASTER', 254), ['VG_1', 'VG_2']),
      node('b', both('BACKUP', 253)),
    ];
    expect(succession('VG_1', undefined, [master, backup])).toMatchObject({ kind: 'switch', held: true });
    expect(succession('VG_1', undefined, [stock(master), backup])).toMatchObject({
      kind: 'refused',
      reason: expect.stringMatching(/keepalived cannot hold a sync group back/),
    });
  });
});
