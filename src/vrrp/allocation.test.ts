import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import type { VrrpInstance } from '#conf/model.ts';
import { advertisementFrom } from '#testing/advertisement.ts';
import { config, instance, ip, syncGroup } from '#testing/scenario-config.ts';
import type { Action } from './action.ts';
import { createEngine, nextDeadline, preparePackets, receive, step } from './engine.ts';
import type { DeadlineEvent } from './event.ts';

// Less than the smallest object for each packet: V8's own bookkeeping is all that may grow. Times are whole milliseconds
// (priority 128 has a skew of 500 ms), because V8 boxes a fraction that is passed to a function it does not inline:
// that costs the caller 16 bytes a call, and no object of ours. A round is short enough to fit the young generation, so
// that no collection in its midst hides anything.
const PACKETS = 4000;
const BYTES_PER_PACKET = 4;
const MOST_ROUNDS = 300;

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/**
 * Heap growth per packet, in the best of many rounds: until V8 has optimised the path it boxes fractions, and when that
 * happens is its business. A path that allocates has no good round.
 */
function leastGrowthPerPacket(work: (packets: number) => void): number {
  let least = Infinity;
  for (let round = 0; round < MOST_ROUNDS && least >= BYTES_PER_PACKET; round++) {
    collectGarbage();
    const before = getHeapStatistics().used_heap_size;
    work(PACKETS);
    least = Math.min(least, (getHeapStatistics().used_heap_size - before) / PACKETS);
  }
  return least;
}

const KINDS: readonly [string, Partial<VrrpInstance>, string, string][] = [
  ['version 2', {}, '192.0.2.5', '192.0.2.9'],
  ['version 3', { version: 3 }, '192.0.2.5', '192.0.2.9'],
  ['IPv6', { family: 6 }, 'fe80::5', 'fe80::9'],
];

function startedEngine(fields: Partial<VrrpInstance>, own: string) {
  const actions: Action[] = [];
  const engine = createEngine(
    config([instance({ ...fields, priority: 128 })], {
      vrrpSyncGroups: [syncGroup('G', ['VI_1'])],
    }),
    0,
    actions,
  );
  step(engine, { kind: 'linkChanged', interface: 'eth0', exists: true, up: true }, 0, actions);
  step(engine, { kind: 'addressAdded', interface: 'eth0', address: ip(own) }, 0, actions);
  step(engine, { kind: 'start' }, 0, actions);
  actions.length = 0;
  const [router] = engine.routers;
  if (!router) throw new Error('no router');
  return { engine, router, actions };
}

test.each(KINDS)('receiving allocates nothing: %s', (_, fields, own, peer) => {
  const { engine, router, actions } = startedEngine(fields, own);
  const arrival = advertisementFrom(instance({ ...fields, priority: 200 }), ip(peer));
  let nowMs = 0;
  const growth = leastGrowthPerPacket(packets => {
    for (let i = 0; i < packets; i++) {
      nowMs += 1;
      receive(engine, router.segment, arrival, nowMs, actions);
      nextDeadline(engine);
    }
  });
  expect(router.counters.advertisementsReceived).toBe(nowMs);
  expect(actions).toHaveLength(0);
  expect(growth).toBeLessThan(BYTES_PER_PACKET);
});

test.each(KINDS)('sending allocates nothing: %s', (_, fields, own) => {
  const { engine, router, actions } = startedEngine(fields, own);
  const deadline: DeadlineEvent = { kind: 'deadline', socketsDrained: true };
  step(engine, deadline, nextDeadline(engine), actions);
  step(engine, deadline, nextDeadline(engine) + 5000, actions);
  actions.length = 1;
  let sent = 0;
  const growth = leastGrowthPerPacket(packets => {
    for (let i = 0; i < packets; i++) {
      step(engine, deadline, nextDeadline(engine), actions);
      const action = actions[1];
      if (action?.kind === 'sendAdvertisement')
        for (const { bytes } of preparePackets(router, action.priority)) sent += bytes.length > 0 ? 1 : 0;
      // An array that is emptied gives its storage away; with one element left it keeps it.
      actions.length = 1;
    }
  });
  expect(sent).toBeGreaterThanOrEqual(PACKETS);
  expect(growth).toBeLessThan(BYTES_PER_PACKET);
});
