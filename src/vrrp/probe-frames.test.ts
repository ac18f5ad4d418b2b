/** What `tandemd probe` sends never means anything to a virtual router. */
import { describe, expect, test } from 'vitest';
import { formatIp } from '#base/address.ts';
import type { VrrpInstance } from '#conf/model.ts';
import { SecretBytes } from '#conf/secret.ts';
import { frame } from '#testing/lan.ts';
import { EngineRig } from '#testing/engine-rig.ts';
import { instance, ip } from '#testing/scenario-config.ts';
import { encodeProbe } from '#wire/probe.ts';
import { climb, PacketReader } from './ladder.ts';
import { nextDeadline, receive } from './engine.ts';

const position = { file: 'test.conf', line: 1, column: 1 };
const AH: Partial<VrrpInstance> = {
  authentication: { type: 'AH', data: new SecretBytes(new Uint8Array(8)), position },
};
const PEERS: Partial<VrrpInstance> = {
  unicastPeers: [{ address: ip('192.0.2.9'), minTtl: undefined, maxTtl: undefined, position }],
};

/** A frame from a peer with a higher address, which would win an election at equal priority. */
function probeFrame(rig: EngineRig) {
  const { config, family, authenticator } = rig.router();
  const source = family === 4 ? ip('192.0.2.9') : ip('fe80::9');
  const destination = config.unicastPeers.length > 0 ? ip('192.0.2.5') : config.mcastGroup;
  const way = { source, destination, ah: authenticator.authType === 2 };
  const payload = encodeProbe({ name: 'n', round: new Uint8Array(8), vrid: config.virtualRouterId }, way);
  return frame({ source, destination, payload });
}

describe.each<[string, Partial<VrrpInstance>]>([
  ['version 2', {}],
  ['version 3', { version: 3 }],
  ['AH', AH],
  ['unicast', PEERS],
  ['nopreempt', { preempt: 'nopreempt' }],
  ['the lowest priority', { priority: 1 }],
])('%s', (_what, fields) => {
  test.each(['Master', 'Backup'] as const)('a %s neither answers nor changes a deadline', state => {
    const rig = new EngineRig([instance(fields)]);
    rig.boot();
    rig.run(state === 'Master' ? 5000 : 100);
    const router = rig.router();
    expect(router.state).toBe(state);
    const before = JSON.stringify({
      state: router.state,
      nextAtMs: nextDeadline(rig.engine),
      heard: router.heard,
    });
    rig.actions.length = 0;
    receive(rig.engine, router.segment, probeFrame(rig), rig.nowMs, rig.actions);
    expect(rig.actions).toEqual([]);
    expect(router.segment.counters.unknownVrid).toBe(1);
    expect(
      JSON.stringify({ state: router.state, nextAtMs: nextDeadline(rig.engine), heard: router.heard }),
    ).toBe(before);
  });

  test('even if it were handed to the router, the ladder would throw it off', () => {
    const rig = new EngineRig([instance(fields)]);
    rig.boot();
    const reader = new PacketReader();
    const arrival = probeFrame(rig);
    expect(reader.read(arrival), formatIp(arrival.source)).toBe(true);
    expect(climb(rig.router(), reader)).toBeDefined();
  });
});
