import { describe, expect, test } from 'vitest';
import { parseExpectation, unmet } from './expectation.ts';
import type { DaemonStatus, InstanceStatus } from './status.ts';

const vip = { address: '10.0.0.1/32', dev: 'eth0', present: true, excluded: false, lost: 0, error: null };
const master = {
  name: 'VG_1',
  state: 'MASTER',
  interface: 'eth0',
  virtualRouterId: 103,
  masterDownIntervalMs: 3000,
  vips: [vip],
  heard: null,
  faults: [],
} as unknown as InstanceStatus;
const backup: InstanceStatus = {
  ...master,
  state: 'BACKUP',
  vips: [{ ...vip, present: false }],
  heard: { address: '10.0.0.2', priority: 254, ageMs: 900 },
};

const complaints = (instance: InstanceStatus, wanted: string) =>
  unmet({ instances: [instance] } as unknown as DaemonStatus, parseExpectation([wanted]));

describe('await', () => {
  test.each([
    [['VG_1=MASTER'], [['VG_1', ['MASTER']]]],
    [
      ['a=b=backup|MASTER', 'c=FAULT'],
      [
        ['a=b', ['BACKUP', 'MASTER']],
        ['c', ['FAULT']],
      ],
    ],
    [
      ['{"x":"MASTER","y":["MASTER","BACKUP"]}'],
      [
        ['x', ['MASTER']],
        ['y', ['MASTER', 'BACKUP']],
      ],
    ],
  ])('%j is read', (texts, expected) => {
    expect([...parseExpectation(texts)]).toEqual(expected);
  });

  test.each(['VG_1', '=MASTER', 'VG_1=LEADER', '{"VG_1":"LEADER"}', '{'])('%s is refused', text => {
    expect(() => parseExpectation([text])).toThrow(SyntaxError);
  });

  test('what is as it should be', () => {
    expect(complaints(master, 'VG_1=MASTER')).toEqual([]);
    expect(complaints(backup, 'VG_1=MASTER|BACKUP')).toEqual([]);
  });

  test.each<[string, InstanceStatus, string, string]>([
    [
      'another state',
      { ...master, state: 'FAULT', faults: ['eth0 is down'] },
      'VG_1=MASTER',
      'is FAULT, expected MASTER: eth0 is down',
    ],
    ['no such instance', master, 'VG_2=MASTER', 'VG_2: not configured (VG_1)'],
    [
      'VIP missing',
      { ...master, vips: [{ ...vip, present: false }] },
      'VG_1=MASTER',
      '10.0.0.1/32 is not on eth0',
    ],
    ['VIP left', { ...backup, vips: [vip] }, 'VG_1=BACKUP', 'still on eth0'],
    [
      'nobody heard',
      { ...backup, heard: null },
      'VG_1=BACKUP',
      'heard no advert on eth0, virtual_router_id 103',
    ],
    [
      'heard long ago',
      { ...backup, heard: { address: '10.0.0.2', priority: 254, ageMs: 3001 } },
      'VG_1=BACKUP',
      '3001 ms ago',
    ],
    [
      'master leaving',
      { ...backup, heard: { address: '10.0.0.2', priority: 0, ageMs: 1 } },
      'VG_1=BACKUP',
      'giving up',
    ],
  ])('%s is said', (_, instance, wanted, said) => {
    expect(complaints(instance, wanted)).toEqual([expect.stringContaining(said)]);
  });
});
