import { expect, test } from 'vitest';
import { loadConfig, readConfig } from './load.ts';
import { memorySource } from './memory-source.ts';
import { atOnce } from '#base/steps.ts';

const ENVIRONMENT = { hostname: 'r1' };
const REALS = 200;

/** A virtual server before what it refers to, and errors in every part. */
const TEXT = [
  'virtual_server 10.0.0.1 80 {\n protocol TCP\n lvs_sched rr\n lvs_method NAT\n bogus 1',
  ...Array.from(
    { length: REALS },
    (_, i) => ` real_server 10.1.0.${i + 1} 80 {\n  FILE_CHECK {\n   track_file f\n  }\n }`,
  ),
  '}',
  'virtual_server 10.0.0.1 80 {\n protocol TCP\n lvs_sched rr\n lvs_method NAT',
  ' real_server 10.1.0.1 80 {\n }\n}',
  'virtual_server 10.0.0.2 80 more {\n}',
  'virtual_server 10.0.0.3 80',
  'track_file f {\n file /run/f\n}',
  'vrrp_instance V {\n interface eth0\n virtual_router_id 300\n}',
].join('\n');

const COMPLAINTS = [
  'keyword-unknown',
  'virtual-server-twice',
  'name-extra',
  'block-missing',
  'vip-missing',
  'vrid-missing',
  'value-out-of-range',
];

const source = () => memorySource({ '/k.conf': TEXT });

test('what is read in steps is what is read at once, and nothing is said twice', () => {
  const { config, diagnostics } = loadConfig('/k.conf', source(), ENVIRONMENT);
  expect(config.virtualServers.map(({ realServers }) => realServers.length)).toEqual([REALS]);
  expect(diagnostics.map(({ id }) => id)).toEqual(COMPLAINTS);
});

test('no step holds more than a few lines or one real server', () => {
  let steps = 0;
  for (const work = readConfig('/k.conf', source(), ENVIRONMENT); !work.next().done;) steps++;
  const lines = TEXT.split('\n').length;
  expect(steps).toBeGreaterThan((2 * lines) / 32 - 2 + REALS);
});

test('virtual servers are handed over one by one and need not be kept', () => {
  const seen: string[] = [];
  const { config, diagnostics } = atOnce(
    readConfig('/k.conf', source(), ENVIRONMENT, (server, others) => {
      seen.push(`${server.realServers.length} real servers, ${others.trackFiles.length} files`);
      return undefined;
    }),
  );
  expect(seen).toEqual([`${REALS} real servers, 1 files`]);
  expect(config.virtualServers).toEqual([]);
  expect(diagnostics.map(({ id }) => id)).toEqual(COMPLAINTS);
});

test('a file that changes between the two passes is read as it was', () => {
  let reads = 0;
  const changing = { read: () => (reads++ === 0 ? TEXT : ''), glob: () => [] };
  expect(loadConfig('/k.conf', changing, ENVIRONMENT).config.virtualServers).toHaveLength(1);
  expect(reads).toBe(1);
});
