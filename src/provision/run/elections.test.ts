import { describe, expect, test } from 'vitest';
import type { DaemonStatus } from '#control/status.ts';
import type { HostPlan } from '#provision/model/plan.ts';
import { calmOrder } from './elections.ts';

interface Router {
  readonly host: string;
  readonly state: 'MASTER' | 'BACKUP' | 'FAULT';
  readonly before: number;
  readonly after: number;
  /** What trackers add now. */
  readonly weight?: number;
  readonly preempts?: boolean;
}

const router = (
  host: string,
  state: Router['state'],
  before: number,
  after: number,
  more: Partial<Router> = {},
) => ({
  host,
  state,
  before,
  after,
  ...more,
});

/** Backups before masters, as every roll. */
function order(...routers: Router[]) {
  const live = routers.map(({ host, state, before, weight = 0 }): [string, DaemonStatus] => {
    const instance = { name: 'V', state, effectivePriority: before + weight };
    return [host, { instances: [instance] } as unknown as DaemonStatus];
  });
  const plans = routers.map(({ host, before, after, preempts = true }): [string, HostPlan] => [
    host,
    { elections: [{ instance: 'V', before, after, preempts }] } as unknown as HostPlan,
  ]);
  const preferred = routers.filter(({ state }) => state !== 'MASTER').map(({ host }) => host);
  const masters = routers.filter(({ state }) => state === 'MASTER').map(({ host }) => host);
  return calmOrder([...preferred, ...masters], new Map(plans), new Map(live));
}

describe('the order of the turns', () => {
  test('nothing of the election changes: as it was', () => {
    expect(order(router('a', 'MASTER', 254, 254), router('b', 'BACKUP', 253, 253))).toEqual({
      order: ['b', 'a'],
      changes: [],
    });
  });

  test('the nodes change places: the new first one takes over in the end, by a switchover', () => {
    expect(order(router('a', 'MASTER', 254, 253), router('b', 'BACKUP', 253, 254))).toEqual({
      order: ['b', 'a'],
      changes: [{ from: 'a', to: 'b', instances: ['V'] }],
    });
  });

  test('both rise, the backup above what the master has now: the master goes first', () => {
    expect(order(router('a', 'MASTER', 100, 200), router('b', 'BACKUP', 80, 150))).toEqual({
      order: ['a', 'b'],
      changes: [],
    });
  });

  test('weights count: what a tracker takes from the master now is taken from its new priority', () => {
    const found = order(router('a', 'MASTER', 100, 120, { weight: -30 }), router('b', 'BACKUP', 60, 80));
    expect(found).toEqual({ order: ['a', 'b'], changes: [] });
  });

  test('who does not preempt takes nothing', () => {
    const backup = router('b', 'BACKUP', 80, 150, { preempts: false });
    expect(order(router('a', 'MASTER', 100, 110), backup)).toEqual({ order: ['b', 'a'], changes: [] });
  });

  test('a router at fault has no say', () => {
    expect(order(router('a', 'MASTER', 100, 110), router('b', 'FAULT', 80, 250))).toMatchObject({
      changes: [],
    });
  });

  test('three hosts: the new master takes over directly', () => {
    const found = order(
      router('a', 'MASTER', 100, 50),
      router('b', 'BACKUP', 80, 60),
      router('c', 'BACKUP', 60, 110),
    );
    expect(found).toMatchObject({ order: ['b', 'c', 'a'], changes: [{ from: 'a', to: 'c' }] });
  });
});

test('without such an order it says who would be in between', () => {
  // V wants a before b, W wants b before a.
  const live = (v: string, w: string): DaemonStatus =>
    ({
      instances: [
        { name: 'V', state: v, effectivePriority: v === 'MASTER' ? 100 : 80 },
        { name: 'W', state: w, effectivePriority: w === 'MASTER' ? 100 : 80 },
      ],
    }) as unknown as DaemonStatus;
  const plan = (v: readonly [number, number], w: readonly [number, number]): HostPlan =>
    ({
      elections: [
        { instance: 'V', before: v[0], after: v[1], preempts: true },
        { instance: 'W', before: w[0], after: w[1], preempts: true },
      ],
    }) as unknown as HostPlan;
  const plans = new Map([
    ['a', plan([100, 200], [80, 150])],
    ['b', plan([80, 150], [100, 200])],
  ]);
  const found = calmOrder(
    ['a', 'b'],
    plans,
    new Map([
      ['a', live('MASTER', 'BACKUP')],
      ['b', live('BACKUP', 'MASTER')],
    ]),
  );
  expect(found).toMatchObject({ refused: expect.stringMatching(/a would become MASTER of W for a moment/) });
});

describe('a sync group that is made of running instances', () => {
  const grouped = (masterOfW: 'a' | 'b') => {
    const state = (host: string, master: string) => (host === master ? 'MASTER' : 'BACKUP');
    const live = ['a', 'b'].map((host): [string, DaemonStatus] => {
      const instances = [
        { name: 'V', state: state(host, 'a'), effectivePriority: 254 },
        { name: 'W', state: state(host, masterOfW), effectivePriority: 254 },
      ];
      return [host, { instances } as unknown as DaemonStatus];
    });
    const elections = ['V', 'W'].map(name => ({
      instance: name,
      before: 254,
      after: 254,
      preempts: true,
      joins: ['V', 'W'],
    }));
    const plans = ['a', 'b'].map((host): [string, HostPlan] => [host, { elections } as unknown as HostPlan]);
    return calmOrder(['b', 'a'], new Map(plans), new Map(live));
  };

  test('whose master is the same', () => {
    expect(grouped('a')).toEqual({ order: ['b', 'a'], changes: [] });
  });

  test('whose masters differ is refused, with the way to it', () => {
    expect(grouped('b')).toMatchObject({
      refused: expect.stringMatching(/V has its master on a and W on b.*prefer the same host first/),
    });
  });
});
