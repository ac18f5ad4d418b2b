import { expect, test } from 'vitest';
import { must } from '#base/assert.ts';
import { checkConfig } from '#conf/load.ts';
import { memorySource } from '#conf/memory-source.ts';
import { advertisementFrom } from '#testing/advertisement.ts';
import { EngineRig } from '#testing/engine-rig.ts';
import { instance, ip } from '#testing/scenario-config.ts';
import { receive } from './engine.ts';

const { globalDefs } = checkConfig(
  'a.conf',
  memorySource({ 'a.conf': 'global_defs { log_unknown_vrids }' }),
  {
    hostname: 'r1',
  },
).config;

test('log_unknown_vrids names each stranger once in a while', () => {
  const rig = new EngineRig([instance()], { globalDefs });
  rig.boot();
  const hear = (virtualRouterId: number): string[] => {
    rig.actions.length = 0;
    const arrival = advertisementFrom(instance({ virtualRouterId }), ip('192.0.2.9'));
    receive(rig.engine, rig.router().segment, arrival, rig.nowMs, rig.actions);
    return rig.actions.flatMap(action =>
      action.kind === 'log' ? [`${action.subject}: ${action.message}`] : [],
    );
  };
  expect(hear(77)).toEqual([
    'eth0: an advertisement for VRID 77 from 192.0.2.9: no vrrp_instance here has it',
  ]);
  expect(hear(77)).toEqual([]);
  expect(hear(78)).toHaveLength(1);
  rig.nowMs += 3_600_000;
  expect(hear(77)).toHaveLength(1);
});

test('a track_group whose statics are missing puts its instances in FAULT, and only them', () => {
  const position = must(instance().position, 'a position');
  const other = instance({ name: 'VI_2', virtualRouterId: 2 });
  const trackGroups = [{ name: 'T', position, group: ['VI_1'] }];
  const rig = new EngineRig([instance(), other], { trackGroups });
  rig.boot();
  rig.run(3700);
  rig.tell({ kind: 'staticsMissing', missing: new Map([['T', 'static route 10.8.0.0/16']]) });
  expect(rig.router(0)).toMatchObject({
    state: 'Fault',
    reason: 'static route 10.8.0.0/16 of track_group T is missing',
  });
  expect(rig.router(1).state).toBe('Master');
  expect(rig.tell({ kind: 'staticsMissing', missing: new Map() })).toEqual(['BACKUP']);
});
