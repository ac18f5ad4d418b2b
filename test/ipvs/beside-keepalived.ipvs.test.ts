import { afterAll, beforeAll, expect, test } from 'vitest';
import { BALANCERS, Beside, RealServers } from './beside.ts';
import { virtualServers } from './beside-config.ts';
import { inside } from './segment.ts';
import { ipvsadm } from './table.ts';

/** What the configuration gives when all real servers are up. */
const AT_REST = [
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
  ...['-t 10.9.0.10:80', '-t 10.9.0.11:80', '-t 10.9.0.12:80', '-t 10.9.1.1:81', '-f 9'].flatMap(key => [
    `-A ${key} -s rr`,
    `-a ${key} -r 127.0.1.10:8080 -m -w 1`,
  ]),
  '-A -u 10.9.0.5:53 -s rr -o',
  '-a -u 10.9.0.5:53 -r 127.0.1.11:53 -m -w 1',
  '-A -t 10.9.0.20:80 -s rr',
  ...[21, 22, 23, 24].map(last => `-a -t 10.9.0.20:80 -r 127.0.1.${last}:8080 -m -w 1`),
  '-A -t 10.9.0.21:80 -s rr',
  '-a -t 10.9.0.21:80 -r 127.0.1.25:8080 -m -w 1',
  '-a -t 10.9.0.21:80 -r 127.0.1.98:8080 -m -w 0',
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

const beside = new Beside();
const servers = new RealServers();
beforeAll(async () => {
  await servers.openAll();
  await beside.start(virtualServers());
});
afterAll(async () => {
  await servers.closeAll();
  await beside.stop();
});

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
