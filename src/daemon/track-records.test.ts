import { expect, test } from 'vitest';
import { checkConfig } from '#conf/load.ts';
import type { Config } from '#conf/model.ts';
import { openFifoRecords } from './notifier.ts';
import { trackedFiles, trackOrders } from './track-records.ts';
import { readFifo, readProcess } from './worker/records.ts';

function configured(text: string): Config {
  return checkConfig('a.conf', { read: () => text, glob: () => [] }, { hostname: 'ka67' }).config;
}

const TRACKERS = `
vrrp_track_process plain {
  process httpd
}
vrrp_track_process full {
  process /usr/sbin/haproxy -f /etc
  param_match initial
  quorum 2
  quorum_max 4
  fork_delay 0.5
  terminate_delay 2
}
vrrp_track_process unused {
  process x
}
track_file value {
  file /run/value
}
track_file unused {
  file /run/unused
}
`;

const config = configured(`${TRACKERS}
vrrp_sync_group G {
  group {
    VG_1
    VG_2
  }
  sync_group_tracking_weight
  track_file {
    value weight 2
  }
}
${[1, 2]
  .map(
    id => `vrrp_instance VG_${id} {
  interface eth0
  virtual_router_id ${id}
  virtual_ipaddress {
    192.0.2.${id}
  }
  track_process {
    plain
    full weight 5
  }
}`,
  )
  .join('\n')}`);

test('what an instance or a group tracks is ordered, once, and nothing else', () => {
  expect(trackOrders(config).map(({ kind, name, record }) => [kind, name, record.kind])).toEqual([
    ['process', 'plain', 'trackProcess'],
    ['process', 'full', 'trackProcess'],
    ['file', 'value', 'trackFile'],
  ]);
  expect(trackedFiles(config).map(({ file }) => file)).toEqual(['/run/value']);
});

test('the worker reads the order for a process as it was meant', () => {
  const [plain, full] = trackOrders(config).map(({ record }) => readProcess(record.strings));
  expect(plain).toEqual({
    process: ['httpd'],
    paramMatch: undefined,
    fullCommand: false,
    quorum: 1,
    quorumMax: undefined,
    forkDelayMs: 0,
    terminateDelayMs: 0,
  });
  expect(full).toEqual({
    process: ['/usr/sbin/haproxy', '-f', '/etc'],
    paramMatch: 'initial',
    fullCommand: true,
    quorum: 2,
    quorumMax: 4,
    forkDelayMs: 500,
    terminateDelayMs: 2000,
  });
});

test('a FIFO’s reader is given its path last', () => {
  const fifos = configured(`global_defs {
    script_user root
    notify_fifo /run/a
    notify_fifo_script "/bin/read -x" 
    vrrp_notify_fifo /run/b
  }`);
  expect(openFifoRecords(fifos).map(({ strings }) => readFifo(strings))).toEqual([
    ['/run/a', { user: 'root', group: '' }, { user: 'root', group: '', argv: ['/bin/read', '-x', '/run/a'] }],
    ['/run/b', { user: 'root', group: '' }, undefined],
  ]);
});
