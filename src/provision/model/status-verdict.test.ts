import { describe, expect, test } from 'vitest';
import type { DaemonStatus, InstanceState, InstanceStatus } from '#control/status.ts';
import { exitCodeOfHealth, judgeCluster, type Sight } from './status-verdict.ts';

function daemon(
  state: InstanceState,
  instance: Partial<InstanceStatus> = {},
  more: Partial<DaemonStatus> = {},
): Sight {
  const vips = [{ address: '172.16.8.100/24', dev: 'eth0', present: state === 'MASTER' }];
  const heard = state === 'BACKUP' ? { address: '172.16.8.10', priority: 254, ageMs: 100 } : null;
  const base = { name: 'VG_1', state, vips, heard, masterDownIntervalMs: 3008, faults: [] };
  const status = {
    instances: [{ ...base, ...instance }],
    reload: { outcome: 'loaded', diagnostics: [] },
    worker: { state: 'running', lastLoss: null },
    ...more,
  };
  return { kind: 'status', status: status as unknown as DaemonStatus, daemon: 'tandemd' };
}

const pair = { name: 'pair', instances: [{ name: 'VG_1', nodes: ['ka67', 'ka68'] }] };
const judge = (ka67: Sight | undefined, ka68: Sight | undefined) =>
  judgeCluster(
    pair,
    new Map(Object.entries({ ka67, ka68 }).flatMap(([host, sight]) => (sight ? [[host, sight]] : []))),
  );
const vip = (present: boolean) => [
  { address: '172.16.8.100/24', dev: 'eth0', present, excluded: false, lost: 0, error: null },
];
const unreachable: Sight = { kind: 'unreachable', reason: 'no answer' };

describe('the verdict on a pair', () => {
  const cases: readonly [string, Sight | undefined, Sight | undefined, string, number, RegExp][] = [
    ['one MASTER, one BACKUP', daemon('MASTER'), daemon('BACKUP'), 'healthy', 0, /^$/],
    ['roles swapped', daemon('BACKUP'), daemon('MASTER'), 'healthy', 0, /^$/],
    ['two MASTERs', daemon('MASTER'), daemon('MASTER'), 'split-brain', 1, /ka67 and ka68 are MASTER/],
    [
      'two that hear nobody',
      daemon('BACKUP', { heard: null }),
      daemon('BACKUP', { heard: null }),
      'no-master',
      1,
      /nobody is MASTER/,
    ],
    [
      'a BACKUP that heard one long ago',
      daemon('FAULT'),
      daemon('BACKUP', { heard: { address: 'x', priority: 9, ageMs: 9999 } }),
      'no-master',
      1,
      /hears no MASTER/,
    ],
    [
      'a master that is giving up',
      daemon('FAULT'),
      daemon('BACKUP', { heard: { address: 'x', priority: 0, ageMs: 1 } }),
      'no-master',
      1,
      /nobody/,
    ],
    [
      'a MASTER without its VIP',
      daemon('MASTER', { vips: vip(false) }),
      daemon('BACKUP'),
      'vip-misplaced',
      1,
      /ka67 is MASTER without 172.16.8.100\/24 on eth0/,
    ],
    [
      'a BACKUP with the VIP',
      daemon('MASTER'),
      daemon('BACKUP', { vips: vip(true) }),
      'vip-misplaced',
      1,
      /ka68 is BACKUP and has/,
    ],
    [
      'a BACKUP in FAULT',
      daemon('MASTER'),
      daemon('FAULT', { faults: ['eth0 is down'] }),
      'degraded',
      2,
      /ka68 is in FAULT: eth0 is down/,
    ],
    [
      'a deaf BACKUP',
      daemon('MASTER'),
      daemon('BACKUP', { heard: null }),
      'degraded',
      2,
      /ka68 is BACKUP and hears no MASTER/,
    ],
    [
      'an unreachable BACKUP',
      daemon('MASTER'),
      unreachable,
      'degraded',
      2,
      /ka68 cannot be reached: no answer/,
    ],
    [
      'an unreachable MASTER that is heard',
      unreachable,
      daemon('BACKUP'),
      'degraded',
      2,
      /ka67 cannot be reached/,
    ],
    ['nobody reachable', unreachable, unreachable, 'no-master', 1, /ka67 cannot be reached/],
    [
      'a member that was not asked',
      daemon('MASTER'),
      undefined,
      'degraded',
      2,
      /ka68 cannot be reached: it was not asked/,
    ],
    [
      'a daemon that does not run',
      daemon('MASTER'),
      { kind: 'silent', reason: 'exit 3' },
      'degraded',
      2,
      /runs no VRRP daemon/,
    ],
    [
      'another daemon than the inventory says',
      daemon('MASTER'),
      daemon('BACKUP', {}, { program: 'keepalived' }),
      'degraded',
      2,
      /^ka68 runs keepalived, and the inventory says vrrp_daemon: tandemd$/,
    ],
    [
      'an instance that is not configured',
      daemon('MASTER'),
      daemon('BACKUP', { name: 'VG_2' }),
      'degraded',
      2,
      /does not have VG_1/,
    ],
    [
      'a rejected file',
      daemon('MASTER', {}, { reload: { atMs: 0, outcome: 'rejected', diagnostics: ['f:1:2: error'] } }),
      daemon('BACKUP'),
      'degraded',
      2,
      /was rejected \(f:1:2/,
    ],
    [
      'a worker that keeps dying',
      daemon('MASTER', {}, { worker: { state: 'backing-off', pid: null, restarts: 3, lastLoss: 'SIGSEGV' } }),
      daemon('BACKUP'),
      'degraded',
      2,
      /SIGSEGV/,
    ],
  ];
  test.each(cases)('%s', (_name, ka67, ka68, health, exitCode, reasons) => {
    const verdict = judge(ka67, ka68);
    expect(verdict.health).toBe(health);
    expect(exitCodeOfHealth(verdict.health)).toBe(exitCode);
    expect(verdict.instances[0]?.reasons.join('; ')).toMatch(reasons);
  });

  test('the worst instance decides', () => {
    const two = { name: 'pair', instances: [...pair.instances, { name: 'VG_2', nodes: ['ka67', 'ka68'] }] };
    const sights = new Map([
      ['ka67', daemon('MASTER')],
      ['ka68', daemon('BACKUP')],
    ]);
    expect(judgeCluster(two, sights)).toMatchObject({
      health: 'no-master',
      instances: [{ health: 'healthy' }, { health: 'no-master' }],
    });
  });
});
