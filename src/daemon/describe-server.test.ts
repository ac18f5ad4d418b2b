import { expect, test } from 'vitest';
import type { VirtualServerStatus } from '#control/server-status.ts';
import { describeServer } from './describe-server.ts';
import { serverMetrics } from './server-metrics.ts';

const traffic = { connections: 7, packetsIn: 70, packetsOut: 60, bytesIn: 7000, bytesOut: 6000 };
const real = {
  name: '[10.0.0.1]:tcp:80',
  up: true,
  weight: 3,
  weightInKernel: 3,
  activeConnections: 2,
  inactiveConnections: 1,
  traffic,
  checkers: [],
};
const checker = {
  kind: 'TCP_CHECK',
  up: false,
  said: 'connection refused by 10.0.0.2:80',
  attempts: 9,
  failures: 4,
  failuresInARow: 4,
  lastAttemptAgeMs: 1234,
  lastChangeAgeMs: 5000,
};
const down = { ...real, name: '[10.0.0.2]:tcp:80', up: false, weightInKernel: null, checkers: [checker] };
const server: VirtualServerStatus = {
  name: '[10.0.0.100]:tcp:80',
  protocol: 'TCP',
  quorate: true,
  liveWeight: 3,
  quorum: 1,
  sorry: false,
  suspended: false,
  inKernel: true,
  draining: ['[10.0.0.3]:tcp:80'],
  traffic,
  realServers: [real, down],
};

test('status says which real servers are up, and why others are not', () => {
  expect(describeServer(server)).toEqual([
    'VS [10.0.0.100]:tcp:80: 1 of 2 real servers up, weight 3, quorum 1 held',
    '  [10.0.0.1]:tcp:80 is up, weight 3, 2 active, 1 inactive connections',
    '  [10.0.0.2]:tcp:80 is down, 2 active, 1 inactive connections',
    '    TCP_CHECK: connection refused by 10.0.0.2:80 (4 times, last 1.2 s ago)',
    '  [10.0.0.3]:tcp:80 is removed when its connections have ended',
  ]);
  const lost = { ...server, quorate: false, sorry: true, suspended: true, inKernel: false };
  expect(describeServer(lost)[0]).toBe(
    'VS [10.0.0.100]:tcp:80: 1 of 2 real servers up, weight 3, quorum 1 lost, the sorry server stands in, ' +
      'its address is not here: nothing is checked, not in the kernel',
  );
});

test('metrics per virtual and real server', () => {
  const lines = serverMetrics([server]).split('\n');
  expect(lines).toContain('keepalived_lvs_vs_quorum_up{vs="[10.0.0.100]:tcp:80"} 1');
  expect(lines).toContain('keepalived_lvs_rs_up{vs="[10.0.0.100]:tcp:80",rs="[10.0.0.2]:tcp:80"} 0');
  expect(lines).toContain('keepalived_lvs_rs_weight{vs="[10.0.0.100]:tcp:80",rs="[10.0.0.1]:tcp:80"} 3');
  expect(lines).toContain('keepalived_lvs_vip_conn{vs="[10.0.0.100]:tcp:80"} 7');
  expect(lines).toContain(
    'keepalived_lvs_rs_out_bytes{vs="[10.0.0.100]:tcp:80",rs="[10.0.0.1]:tcp:80"} 6000',
  );
  expect(serverMetrics([])).toBe('');
});
