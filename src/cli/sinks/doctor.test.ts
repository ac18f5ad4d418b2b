import { expect, test } from 'vitest';
import type { Diagnosis } from '#provision/model/diagnosis.ts';
import type { Examination } from '#provision/model/examination.ts';
import { painter } from './color.ts';
import { doctorLines } from './doctor.ts';

const seen: Examination = {
  kind: 'seen',
  facts: {
    hostname: 'a',
    architecture: 'x64',
    kernel: '6.1',
    os: { id: 'debian', versionId: '12', idLike: [] },
    bootId: 'b',
    init: 'systemd',
    container: false,
    networkManager: false,
    interfaces: [],
  },
  clock: { aheadMs: -2400, uncertainMs: 5 },
  daemons: [],
  missingModules: [],
  probe: undefined,
};
const hearing = (from: string, to: string, heard: boolean) => ({ instance: 'V', from, to, heard });

test('a diagnosis with its hosts, who hears whom, and the way out', () => {
  const diagnosis: Diagnosis = {
    cluster: 'pair',
    health: 'broken',
    hearings: [hearing('a', 'b', false), hearing('b', 'a', true)],
    findings: [
      {
        id: 'not-heard',
        severity: 'broken',
        host: 'b',
        instance: 'V',
        message: 'does not hear a',
        hint: 'look at the switch',
      },
      { id: 'other-router', severity: 'note', host: 'a', message: 'another virtual router' },
    ],
  };
  const examinations = new Map<string, Examination>([
    ['a', seen],
    ['b', { ...seen, clock: { aheadMs: -20, uncertainMs: 5 } }],
    ['c', { kind: 'unreachable', reason: 'timed out' }],
  ]);
  expect(doctorLines(diagnosis, ['a', 'b', 'c'], examinations, painter(false))).toEqual([
    'pair: broken',
    '  a  reached, debian 12, Linux 6.1, clock -2.4 s',
    '  b  reached, debian 12, Linux 6.1, clock +0.0 s',
    '  c  unreachable',
    '  V: b does not hear a, a hears b',
    '  broken: b V: does not hear a',
    '      look at the switch',
    '  note: a: another virtual router',
  ]);
  const fine = { ...diagnosis, health: 'fine', hearings: [hearing('a', 'b', true)], findings: [] } as const;
  expect(doctorLines(fine, [], examinations, painter(false))).toEqual([
    'pair: fine',
    '  V: every member hears every other',
  ]);
});
