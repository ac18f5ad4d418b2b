import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Director } from './director.ts';
import { askName, connectTo, Download, startWebServers, type WebServers, WHOLE } from './download.ts';
import { buildSegment, inside, realAddress, REAL_SERVERS, VIPS } from './segment.ts';
import { ipvsadm } from './table.ts';

const VIP = `${VIPS.vrrp}:80`;
const WAIT = { timeout: 20_000, interval: 100 };
const CRASH_AFTER_BYTES = WHOLE.bytes / 5;

const CHECK = 'url {\npath /health\nstatus_code 200\n}\nconnect_timeout 3\nretry 2\ndelay_before_retry 1';

/** A real server that is not there, so that there is always one. */
const ABSENT = '10.9.1.19';

/** Two directors of one VIP, by VRRP; `without` real servers, which drain. */
function config(priority: number, drainTimeoutS: number, without: readonly string[] = []): string {
  const reals = REAL_SERVERS.flatMap((name, index) =>
    without.includes(name) ? [] : [`real_server ${realAddress(index)[0]} 80 {\nHTTP_GET {\n${CHECK}\n}\n}`],
  );
  reals.push(`real_server ${ABSENT} 80 {\nHTTP_GET {\nalpha\n${CHECK}\n}\n}`);
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
const addressOf = (name: string): string => realAddress(name === 'rs1' ? 0 : 1)[0];
const lineOf = (name: string, weight: number): string =>
  `-a -t ${VIP} -r ${addressOf(name)}:80 -g -w ${weight}`;
const labelOf = (name: string): string => `[${addressOf(name)}]:tcp:80`;
const serverAndOther = () =>
  download.server === 'rs1' ? (['rs1', 'rs2'] as const) : (['rs2', 'rs1'] as const);
/** The metrics, by name with labels. */
const statistics = (): Record<string, number> =>
  Object.fromEntries(
    second
      .ask('stats')
      .split('\n')
      .map(line => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]),
  );

/** The host is off: all its processes at once, and its link. */
function crash(namespace: string): void {
  const ip = (...argv: readonly string[]) => execFileSync('ip', argv, { encoding: 'utf8' });
  const pids = ip('netns', 'pids', namespace).trim().split('\n');
  expect(pids.length).toBeGreaterThan(1);
  for (const pid of pids) kill(Number(pid));
  ip('-n', 'sw', 'link', 'set', namespace, 'down');
}

/** The worker may be gone already: it ends with the other process. */
function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
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

// The rest happens while the download goes on, on the director that is left.
test('a reload removes its real server, which drains: nothing new goes there', async () => {
  const [server, other] = serverAndOther();
  second.configure(config(100, 300, [server]));
  second.reload();
  await second.said('Draining service');
  await expect.poll(async () => await on('dir2', '-Sn'), WAIT).toContain(lineOf(server, 0));
  for (let i = 0; i < 10; i++) expect(await askName(VIPS.vrrp)).toBe(other);
  expect(second.ask('status')).toContain(`${labelOf(server)} is removed when its connections have ended`);
});

test('it counts for each virtual and real server, and says why a real server is down', async () => {
  const [, other] = serverAndOther();
  const virtual = `{vs="[${VIPS.vrrp}]:tcp:80"}`;
  const real = `{vs="[${VIPS.vrrp}]:tcp:80",rs="${labelOf(other)}"}`;
  // The kernel adds its counters up every two seconds.
  await expect.poll(() => statistics()[`keepalived_lvs_rs_conn${real}`], WAIT).toBe(10);
  const before = statistics();
  expect(before[`keepalived_lvs_rs_in_bytes${real}`]).toBeGreaterThan(1000);
  expect(before[`keepalived_lvs_vip_conn${virtual}`]).toBeGreaterThanOrEqual(10);
  expect(before[`keepalived_lvs_vs_quorum_up${virtual}`]).toBe(1);
  expect(before[`keepalived_lvs_rs_up${real}`]).toBe(1);
  web.ill.add(other);
  const why = new RegExp(
    `${labelOf(other).replaceAll(/[.[\]]/g, String.raw`\$&`)} is down, .*\\n +HTTP_GET: HTTP status 503 from http:.* \\(\\d+ times, last \\d+\\.\\d s ago\\)`,
  );
  await expect.poll(() => second.ask('status'), WAIT).toMatch(why);
  expect(statistics()).toMatchObject({
    [`keepalived_lvs_vs_quorum_up${virtual}`]: 0,
    [`keepalived_lvs_rs_up${real}`]: 0,
  });
  web.ill.clear();
  await expect.poll(async () => await on('dir2', '-Sn'), WAIT).toContain(lineOf(other, 1));
});

test('a connection that does not end is given up after drain_timeout', async () => {
  const [server, other] = serverAndOther();
  const socket = await connectTo(VIPS.vrrp);
  second.configure(config(100, 3, [server, other]));
  second.reload();
  await expect.poll(async () => await on('dir2', '-Sn'), WAIT).toContain(lineOf(other, 0));
  await expect.poll(async () => await on('dir2', '-Sn'), WAIT).not.toContain(lineOf(other, 0));
  await second.said(
    `Removing drained service ${labelOf(other)} from VS [${VIPS.vrrp}]:tcp:80: 1 connections left`,
  );
  expect(socket.destroyed).toBe(false);
  socket.destroy();
});

test('the download comes to its right end, and with it its real server goes', async () => {
  const [server] = serverAndOther();
  expect(await on('dir2', '-Sn')).toContain(lineOf(server, 0));
  expect(await download.result).toEqual(WHOLE);
  await expect.poll(async () => await on('dir2', '-Sn'), WAIT).not.toContain(lineOf(server, 0));
  await second.said(
    `Removing drained service ${labelOf(server)} from VS [${VIPS.vrrp}]:tcp:80: 0 connections left`,
  );
});
