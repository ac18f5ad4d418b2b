import { describe, expect, test } from 'vitest';
import type { DaemonStatus, InstanceState } from '#control/status.ts';
import { mastered, representatives, rollingOrder, rollingUnits, unprotected } from './rolling.ts';

/** `VI_1=MASTER VI_2=BACKUP`; a BACKUP hears its master unless it is written `BACKUP!`. */
function status(text: string, syncGroups: Record<string, string[]> = {}): DaemonStatus {
  const instances = text.split(' ').map(each => {
    const [name = '', state = ''] = each.split('=');
    const heard = state === 'BACKUP' ? { address: 'x', priority: 254, ageMs: 5 } : null;
    return { name, state: state.replace('!', '') as InstanceState, heard, masterDownIntervalMs: 3000 };
  });
  const groups = Object.entries(syncGroups).map(([name, members]) => ({ name, members, state: 'MASTER' }));
  return { instances, syncGroups: groups } as unknown as DaemonStatus;
}

describe('units', () => {
  test('clusters that share a host roll as one; other hosts for themselves', () => {
    const clusters = [
      { name: 'a', members: ['h1', 'h2'] },
      { name: 'b', members: ['h3', 'h4'] },
      { name: 'c', members: ['h2', 'h5'] },
    ];
    expect(rollingUnits(clusters, ['h1', 'h2', 'h3', 'h4', 'h5', 'web8'])).toEqual([
      { name: 'b', clusters: ['b'], members: ['h3', 'h4'] },
      { name: 'a+c', clusters: ['a', 'c'], members: ['h1', 'h2', 'h5'] },
      { name: 'web8', clusters: [], members: ['web8'] },
    ]);
  });
});

describe('order', () => {
  const members = ['ka1', 'ka2', 'ka3'];
  test.each([
    ['nobody runs: preference', {}, ['ka1', 'ka2', 'ka3']],
    [
      'backups before the master',
      { ka1: 'V=MASTER', ka2: 'V=BACKUP', ka3: 'V=BACKUP' },
      ['ka3', 'ka2', 'ka1'],
    ],
    [
      'a master that is not preferred is still last',
      { ka1: 'V=BACKUP', ka2: 'V=MASTER', ka3: 'V=BACKUP' },
      ['ka3', 'ka1', 'ka2'],
    ],
    [
      'who holds less comes first',
      { ka1: 'V=MASTER W=MASTER', ka2: 'V=BACKUP W=BACKUP', ka3: 'V=BACKUP W=BACKUP X=MASTER' },
      ['ka2', 'ka3', 'ka1'],
    ],
    ['a member that does not run yet comes before the master', { ka1: 'V=MASTER' }, ['ka3', 'ka2', 'ka1']],
    ['nobody is master: preference', { ka1: 'V=FAULT', ka2: 'V=FAULT' }, ['ka1', 'ka2', 'ka3']],
  ])('%s', (_name, said, order) => {
    const live = new Map(Object.entries(said).map(([host, text]) => [host, status(text)]));
    expect(rollingOrder(members, members, live)).toEqual(order);
  });
});

describe('protection', () => {
  test.each([
    ['a BACKUP that hears its master', 'V=BACKUP', []],
    ['a BACKUP that hears nobody', 'V=BACKUP!', ['V']],
    ['a peer in FAULT', 'V=FAULT', ['V']],
    ['a peer without the instance', 'W=BACKUP', ['V']],
  ])('%s', (_name, peer, exposed) => {
    const live = new Map([
      ['ka1', status('V=MASTER')],
      ['ka2', status(peer)],
    ]);
    expect(unprotected('ka1', live)).toEqual(exposed);
  });

  test('a sync group is handed over by one of its instances', () => {
    const said = status('E1=MASTER I1=MASTER X=MASTER E2=BACKUP', { VG_1: ['E1', 'I1'], VG_2: ['E2'] });
    expect(representatives(said, mastered(said))).toEqual(['E1', 'X']);
  });
});
