import { afterAll, beforeAll, expect, test } from 'vitest';
import { BALANCERS, Beside, buildNamespaces, RealServers, removeNamespaces } from './beside.ts';
import { groupOnly, virtualServers } from './beside-config.ts';
import { inside } from './segment.ts';
import { ipvsadm, restore } from './table.ts';

/** A service of somebody else. */
const FOREIGN = '-A -t 10.9.0.99:99 -s rr';

/** What the virtual server of a group gives. */
const GROUP_LINES = [
  '-t 10.9.0.10:80',
  '-t 10.9.0.11:80',
  '-t 10.9.0.12:80',
  '-t 10.9.1.1:81',
  '-f 9',
].flatMap(key => [`-A ${key} -s rr`, `-a ${key} -r 127.0.1.10:8080 -m -w 1`]);

/** What the configuration gives when all real servers are up. */
const AT_REST = [
  FOREIGN,
  '-A -t 10.9.0.1:80 -s wrr',
  '-a -t 10.9.0.1:80 -r 127.0.1.1:8080 -m -w 3',
  '-a -t 10.9.0.1:80 -r 127.0.1.2:8081 -m -w 5',
  '-A -t 10.9.0.2:443 -s wlc -p 300 -M 255.255.255.0',
  '-a -t 10.9.0.2:443 -r 127.0.1.3:443 -g -w 1',
  '-a -t 10.9.0.2:443 -r 127.0.1.4:443 -g -w 2',
  '-A -t 10.9.0.3:25 -s rr',
  '-a -t 10.9.0.3:25 -r 127.0.1.5:25 -i -w 1 --tun-type ipip',
  '-a -t 10.9.0.3:25 -r 127.0.1.6:25 -i -w 1 --tun-type gue --tun-port 6080 --tun-nocsum',
  '-A -t 10.9.0.4:80 -s sh -b sh-fallback,sh-port',
  '-a -t 10.9.0.4:80 -r 127.0.1.7:80 -m -w 4',
  '-a -t 10.9.0.4:80 -r 127.0.1.8:80 -m -w 1',
  '-A -f 7 -s lc',
  '-a -f 7 -r 127.0.1.9:0 -g -w 1',
  '-A -f 8 -6 -s rr',
  '-a -f 8 -6 -r [fd20::1]:0 -g -w 1',
  '-A -t [fd09::1]:80 -s wrr -p 60 -M 64',
  '-a -t [fd09::1]:80 -r [fd20::2]:8080 -m -w 2',
  ...GROUP_LINES,
  '-A -u 10.9.0.5:53 -s rr -o',
  '-a -u 10.9.0.5:53 -r 127.0.1.11:53 -m -w 1',
  '-A -t 10.9.0.20:80 -s rr',
  ...[21, 22, 23, 24].map(last => `-a -t 10.9.0.20:80 -r 127.0.1.${last}:8080 -m -w 1`),
  '-A -t 10.9.0.21:80 -s rr',
  '-a -t 10.9.0.21:80 -r 127.0.1.25:8080 -m -w 1',
  '-a -t 10.9.0.21:80 -r 127.0.1.98:8080 -m -w 0',
  '-A -t 10.9.0.22:80 -s rr',
  '-a -t 10.9.0.22:80 -r 127.0.1.26:8080 -m -w 1',
  '-a -t 10.9.0.22:80 -r 127.0.1.27:8080 -m -w 1',
  '-A -t 10.9.0.23:80 -s rr',
  '-a -t 10.9.0.23:80 -r 127.0.1.28:8080 -m -w 1',
];

/** Which lines go, and which come instead, when a real server goes. */
const LOSSES: readonly (readonly [server: string, gone: RegExp, instead: readonly string[]])[] = [
  ['127.0.1.1 8080', /^-a .*127\.0\.1\.1:/, []],
  ['127.0.1.3 443', /^-a .*127\.0\.1\.3:/, []],
  ['127.0.1.6 25', /^-a .*127\.0\.1\.6:/, []],
  ['127.0.1.7 80', /^-a .*127\.0\.1\.7:/, ['-a -t 10.9.0.4:80 -r 127.0.1.7:80 -m -w 0']],
  ['127.0.1.9 8080', /^-a .*127\.0\.1\.9:/, []],
  ['fd20::1 8080', /^-a .*\[fd20::1\]/, []],
  ['fd20::2 8080', /^-a .*\[fd20::2\]/, []],
  ['127.0.1.10 8080', /^-a .*127\.0\.1\.10:/, []],
  [
    '127.0.1.25 8080',
    /^-a -t 10\.9\.0\.21:/,
    ['-a -t 10.9.0.21:80 -r 127.0.1.25:8080 -m -w 0', '-a -t 10.9.0.21:80 -r 127.0.1.98:8080 -m -w 1'],
  ],
];

const FIFOS =
  'global_defs {\nscript_user root\nnotify_fifo FIFO\nlvs_notify_fifo OTHER\nlvs_notify_fifo_script "READER"\n}\n';

const beside = new Beside();
const servers = new RealServers();
beforeAll(async () => {
  buildNamespaces();
  await servers.openAll();
  await addForeign();
  await beside.start(FIFOS + virtualServers());
});
afterAll(async () => {
  await servers.closeAll();
  beside.remove();
  removeNamespaces();
});

async function addForeign(): Promise<void> {
  for (const name of BALANCERS)
    await inside(name, () => {
      if (!ipvsadm('-Sn').includes(FOREIGN)) restore([FOREIGN]);
    });
}

const WAIT = { timeout: 45_000, interval: 200 };

/** What `ipvsadm ARGUMENTS` says in each namespace, in alphabetical order. */
async function tables(...argv: readonly string[]): Promise<Record<string, string[]>> {
  const said: Record<string, string[]> = {};
  for (const name of BALANCERS) said[name] = await inside(name, () => ipvsadm(...argv).toSorted());
  return said;
}

const saved = async () => await tables('-Sn');
const both = (lines: readonly string[]) => ({ ours: lines.toSorted(), keepalived: lines.toSorted() });
const without = (table: readonly string[], ...servers: readonly string[]): string[] =>
  table.filter(line => !servers.some(server => line.includes(`-r ${server}:`)));

test('the table of keepalived at rest', async () => {
  await expect.poll(saved, WAIT).toEqual(both(AT_REST));
  const { ours, keepalived } = await tables('-Ln', '--thresholds');
  expect(ours).toEqual(keepalived);
  expect(ours?.join('\n')).toMatch(/127\.0\.1\.1:8080 +100 +50 /);
});

test('real servers go one after the other, and come back', async () => {
  let table: readonly string[] = AT_REST;
  for (const [server, gone, instead] of LOSSES) {
    await servers.close(server);
    table = [...table.filter(line => !gone.test(line)), ...instead];
    await expect.poll(saved, WAIT).toEqual(both(table));
  }
  for (const [server] of LOSSES) await servers.open(server);
  await expect.poll(saved, WAIT).toEqual(both(AT_REST));
});

test('quorum with hysteresis, and a sorry server', async () => {
  const [first, second, third] = ['127.0.1.21', '127.0.1.22', '127.0.1.23'];
  await servers.close(`${first} 8080`);
  await expect.poll(saved, WAIT).toEqual(both(without(AT_REST, first)));
  await servers.close(`${second} 8080`);
  await expect.poll(saved, WAIT).toEqual(both(without(AT_REST, first, second)));
  await servers.close(`${third} 8080`);
  const sorry = [
    ...AT_REST.filter(line => !line.startsWith('-a -t 10.9.0.20:')),
    '-a -t 10.9.0.20:80 -r 127.0.1.97:8080 -m -w 1',
  ];
  await expect.poll(saved, WAIT).toEqual(both(sorry));
  // Three of four are up again: more than the quorum, but not by the hysteresis.
  for (const server of [third, second]) {
    const before = beside.mark();
    await servers.open(`${server} 8080`);
    await beside.bothSay(before, `Adding service [${server}]:tcp:8080 to VS [10.9.0.20]:tcp:80`);
    expect(await saved()).toEqual(both(sorry));
  }
  await servers.open(`${first} 8080`);
  await expect.poll(saved, WAIT).toEqual(both(AT_REST));
});

/** All but that of `alpha`. */
const START = [
  '[10.9.0.1]:tcp:80',
  '[10.9.0.2]:tcp:443',
  '[10.9.0.3]:tcp:25',
  '[10.9.0.4]:tcp:80',
  'FWM 7',
  'FWM 8',
  '[fd09::1]:tcp:80',
  '[several]:0',
  '[10.9.0.5]:udp:53',
  '[10.9.0.20]:tcp:80',
  '[10.9.0.21]:tcp:80',
  '[10.9.0.23]:tcp:80',
];

/** What each told of whom, in order: `RS … …` or `VS …`, and its states. Checks of several servers are not in step. */
function statesBySubject(lines: string): Record<string, string[]> {
  const states: Record<string, string[]> = {};
  for (const line of lines.split('\n').slice(0, -1)) {
    const at = line.lastIndexOf(' ');
    (states[line.slice(0, at)] ??= []).push(line.slice(at + 1));
  }
  return states;
}

test('FIFOs are told what keepalived tells, byte by byte', async () => {
  const told = statesBySubject(beside.told.ours);
  expect(told).toEqual(statesBySubject(beside.told.keepalived));
  expect(Object.keys(told).length).toBeGreaterThan(25);
  // At the start the order is that of the file, for both.
  const start = START.map(name => `VS ${name} UP\n`).join('');
  expect(beside.told.ours.slice(0, start.length)).toBe(start);
  expect(beside.told.keepalived.slice(0, start.length)).toBe(start);
  // The other FIFO has the same, and a script of each reads it.
  await expect.poll(() => beside.read, WAIT).toEqual(beside.told);
});

test('a reload without some of them is told, and leaves the table of keepalived', async () => {
  const before = { ...beside.told };
  beside.reload(FIFOS + virtualServers('fewer'));
  const table = without(AT_REST, '127.0.1.27', '127.0.1.28').filter(line => !line.includes('10.9.0.23'));
  await expect.poll(saved, WAIT).toEqual(both(table));
  const since = (name: 'ours' | 'keepalived') => beside.told[name].slice(before[name].length);
  const [other, gone] = [
    '[127.0.1.27]:tcp:8080 [10.9.0.22]:tcp:80',
    '[127.0.1.28]:tcp:8080 [10.9.0.23]:tcp:80',
  ];
  const lines = `RS ${other} DOWN\nRS ${gone} DOWN\nVS [10.9.0.23]:tcp:80 DOWN\n`;
  await expect.poll(() => [since('ours'), since('keepalived')], WAIT).toEqual([lines, lines]);
});

test('a stop tells what `omega` asks for, and leaves services of others', async () => {
  const before = { ...beside.told };
  await beside.stop();
  expect(await saved()).toEqual(both([FOREIGN]));
  const since = (name: 'ours' | 'keepalived') => beside.told[name].slice(before[name].length);
  const lines = 'RS [127.0.1.26]:tcp:8080 [10.9.0.22]:tcp:80 DOWN\nVS [10.9.0.22]:tcp:80 DOWN\n';
  expect([since('ours'), since('keepalived')]).toEqual([lines, lines]);
});

test.each([
  ['VS', 'lvs_flush_on_stop VS', [FOREIGN], [FOREIGN]],
  ['everything', 'lvs_flush\nlvs_flush_on_stop', [], []],
])('lvs_flush_on_stop: %s', async (_, globals, atStart, atEnd) => {
  const other = new Beside();
  try {
    await addForeign();
    await other.start(`global_defs {\n${globals}\n}\n${groupOnly()}`);
    await expect.poll(saved, WAIT).toEqual(both([...atStart, ...GROUP_LINES]));
    await addForeign();
    await other.stop();
    expect(await saved()).toEqual(both(atEnd));
  } finally {
    other.remove();
  }
});
