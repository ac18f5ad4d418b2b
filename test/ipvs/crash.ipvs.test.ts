import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { must } from '#base/assert.ts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Director } from './director.ts';
import { askName, connectTo, Download, startWebServers, type WebServers, WHOLE } from './download.ts';
import { buildSegment, inside, realAddress, REAL_SERVERS, VIPS } from './segment.ts';
import { ipvsadm } from './table.ts';

const VIP = `${VIPS.vrrp}:80`;
const WAIT = { timeout: 20_000, interval: 100 };
const CRASH_AFTER_BYTES = WHOLE.bytes / 5;

const CHECK = 'url {\npath /health\nstatus_code 200\n}\nconnect_timeout 3\nretry 2\ndelay_before_retry 1';

/** Two directors of one VIP, by VRRP; `without` real servers, which drain. */
function config(priority: number, drainTimeoutS: number, without: readonly string[] = []): string {
  const reals = REAL_SERVERS.flatMap((name, index) =>
    without.includes(name) ? [] : [`real_server ${realAddress(index)[0]} 80 {\nHTTP_GET {\n${CHECK}\n}\n}`],
  );
  return `global_defs {
  lvs_sync_daemon eth0 V
  lvs_timeouts tcpfin 1
}
vrrp_instance V {
  state BACKUP
  interface eth0
  virtual_router_id 51
  priority ${priority}
  advert_int 1
  virtual_ipaddress {
    ${VIPS.vrrp}/32
  }
}
virtual_server ${VIPS.vrrp} 80 {
  delay_loop 2
  warmup 0
  protocol TCP
  lvs_sched rr
  lvs_method DR
  drain_timeout ${drainTimeoutS}
  ${reals.join('\n')}
}
`;
}

const first = new Director();
const second = new Director();
let web: WebServers;
let download: Download;

beforeAll(async () => {
  buildSegment();
  web = await startWebServers();
  await inside('dir', () => first.start(config(150, 300)));
  await inside('dir2', () => second.start(config(100, 300)));
});
afterAll(async () => {
  for (const server of web.servers) server.closeAllConnections();
  await Promise.all([first.stop(), second.stop()]);
  first.remove();
  second.remove();
});

const on = async (namespace: string, ...argv: readonly string[]): Promise<string> =>
  await inside(namespace, () => ipvsadm(...argv).join('\n'));
const connectionsOf = async (namespace: string): Promise<string> =>
  await inside(namespace, () => readFileSync('/proc/thread-self/net/ip_vs_conn', 'utf8'));
const lineOf = (name: string, weight: number): string =>
  `-a -t ${VIP} -r ${realAddress(REAL_SERVERS.indexOf(name as 'rs1'))[0]}:80 -g -w ${weight}`;

/** The host is off: all its processes at once, and its link. */
function crash(namespace: string): void {
  const ip = (...argv: readonly string[]) => execFileSync('ip', argv, { encoding: 'utf8' });
  const pids = ip('netns', 'pids', namespace).trim().split('\n');
  expect(pids.length).toBeGreaterThan(1);
  for (const pid of pids) process.kill(Number(pid), 'SIGKILL');
  ip('-n', 'sw', 'link', 'set', namespace, 'down');
}

test('a download goes on when its director crashes', async () => {
  await first.said('Entering MASTER STATE');
  for (const name of ['dir', 'dir2'])
    await expect.poll(async () => await on(name, '-Sn'), WAIT).toContain(lineOf('rs2', 1));
  expect(await on('dir', '-l', '--daemon')).toMatch(/^master sync daemon .*mcast=eth0.*syncid=51/);
  expect(await on('dir2', '-l', '--daemon')).toMatch(/^backup sync daemon .*mcast=eth0.*syncid=51/);
  download = await Download.start(VIPS.vrrp);
  await expect.poll(() => download.bytes, WAIT).toBeGreaterThan(CRASH_AFTER_BYTES);
  expect(await connectionsOf('dir2')).toContain('ESTABLISHED');
  const stallBeforeMs = download.longestStallMs;

  download.longestStallMs = 0;
  crash('dir');
  const atCrash = download.bytes;
  await second.said('Entering MASTER STATE');
  await expect.poll(() => download.bytes, WAIT).toBeGreaterThan(atCrash + WHOLE.bytes / 10);
  const outageMs = Math.round(download.longestStallMs);
  console.log(
    `longest stall of the download: ${Math.round(stallBeforeMs)} ms before, ${outageMs} ms by the crash`,
  );
  // 3 adverts and the skew, and as much again until the sender tries once more.
  expect(outageMs).toBeLessThan(9000);
  await expect
    .poll(async () => await on('dir2', '-l', '--daemon'), WAIT)
    .toMatch(/^master sync daemon .*syncid=51/);
});

test('the real server of a download is removed by a reload: it drains, and goes when the download has ended', async () => {
  const [server, other] = download.server === 'rs1' ? ['rs1', 'rs2'] : ['rs2', 'rs1'];
  second.configure(config(100, 300, [server]));
  second.reload();
  await second.said('Draining service');
  await expect.poll(async () => await on('dir2', '-Sn'), WAIT).toContain(lineOf(server, 0));
  for (let i = 0; i < 10; i++) expect(await askName(VIPS.vrrp)).toBe(other);
  const atReload = download.bytes;
  expect(await download.result).toEqual(WHOLE);
  expect(atReload).toBeLessThan(WHOLE.bytes);
  await second.said('Removing drained service');
  await expect.poll(async () => await on('dir2', '-Sn'), WAIT).not.toContain(lineOf(server, 0));
  expect(second.log).toMatch(/Removing drained service .*: 0 connections left/);
});

test('a connection that does not end is given up after drain_timeout', async () => {
  second.configure(config(100, 3));
  second.reload();
  for (const name of REAL_SERVERS)
    await expect.poll(async () => await on('dir2', '-Sn'), WAIT).toContain(lineOf(name, 1));
  const socket = await connectTo(VIPS.vrrp);
  const busy = () =>
    second.status().virtualServers[0]?.realServers.findIndex(real => real.activeConnections === 1) ?? -1;
  await expect.poll(busy, WAIT).toBeGreaterThanOrEqual(0);
  const server = must(REAL_SERVERS[busy()], 'a real server');
  second.configure(config(100, 3, [server]));
  second.reload();
  const line = lineOf(server, 0);
  await expect.poll(async () => await on('dir2', '-Sn'), WAIT).toContain(line);
  expect(second.ask('status')).toContain('is removed when its connections have ended');
  await expect.poll(async () => await on('dir2', '-Sn'), WAIT).not.toContain(line);
  await second.said(/Removing drained service .*: 1 connections left/);
  expect(socket.destroyed).toBe(false);
  socket.destroy();
});

test('it says why a real server is down, and counts for each virtual and real server', async () => {
  second.configure(config(100, 3));
  second.reload();
  for (const name of REAL_SERVERS)
    await expect.poll(async () => await on('dir2', '-Sn'), WAIT).toContain(lineOf(name, 1));
  web.ill.add('rs1');
  await second.said('Removing service [10.9.1.11]:tcp:80 from VS [10.9.0.104]:tcp:80');
  expect(second.ask('status')).toMatch(
    /\[10\.9\.1\.11\]:tcp:80 is down, .*\n +HTTP_GET: .*503.* \(\d+ times, last \d+\.\d s ago\)/,
  );
  for (let i = 0; i < 3; i++) expect(await askName(VIPS.vrrp)).toBe('rs2');
  const labels = { vip: 'vs="[10.9.0.104]:tcp:80"', rs: 'vs="[10.9.0.104]:tcp:80",rs="[10.9.1.12]:tcp:80"' };
  const value = (name: string, of: keyof typeof labels): number => {
    const start = `keepalived_lvs_${of}_${name}{${labels[of]}} `;
    const line = second
      .ask('stats')
      .split('\n')
      .find(each => each.startsWith(start));
    return Number(must(line, start).slice(start.length));
  };
  // The kernel adds its counters up every two seconds.
  await expect.poll(() => value('conn', 'rs'), WAIT).toBeGreaterThanOrEqual(3);
  expect(value('conn', 'vip')).toBeGreaterThanOrEqual(value('conn', 'rs'));
  expect(value('in_bytes', 'rs')).toBeGreaterThan(0);
  expect(second.ask('stats')).toContain(`keepalived_lvs_vs_quorum_up{${labels.vip}} 1`);
  expect(second.ask('stats')).toContain(
    'keepalived_lvs_rs_up{vs="[10.9.0.104]:tcp:80",rs="[10.9.1.11]:tcp:80"} 0',
  );
});
