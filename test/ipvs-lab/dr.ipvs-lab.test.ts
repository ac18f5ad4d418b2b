/** Row 7 of docs/topologies.md: two directors and two web servers in one network. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Lab } from '#lab/lab.ts';
import { startWebProber, webOutageMs } from '../support/http-prober.ts';
import { SLOW_BYTES, tenAlternate } from '../support/ipvs-lab.ts';
import {
  apply,
  nothingToDo,
  OUT_WITHIN_MS,
  started,
  stopped,
  underLoad,
  VRRP_BOUND_MS,
  LvsRehearsal,
} from '../support/lvs-rehearsal.ts';
import { reportRow } from '../support/topology-report.ts';

const DIRECTORS = ['ka67', 'ka68'];
const WEB = ['web8', 'web9'];
const WATCHED = ['ka67', 'web8'];
const VIP_1 = '10.16.8.100';
const VIP_2 = '10.16.8.101';
const SERVERS = ['10.16.8.8:80', '10.16.8.9:80'];
const url = (vip: string) => `http://${vip}/`;

let hosts: LvsRehearsal;
let lab: Lab;

beforeAll(async () => {
  hosts = await LvsRehearsal.boot({
    inventory: 'lvs-dr-dual-master',
    directors: DIRECTORS,
    web: WEB,
    port: 80,
    watched: WATCHED,
  });
  lab = hosts.lab;
});

afterAll(async () => await lab?.down());

describe('lvs-dr-dual-master', () => {
  const crossed = { [VIP_1]: 'ka67', [VIP_2]: 'ka68' };
  const both = [VIP_1, VIP_2];
  const services = both.map(vip => `${vip}:80`);

  test('ten curls alternate on both VIPs', async ({ task }) => {
    await apply(lab, 'lvs-dr-dual-master');
    await hosts.held(crossed);
    await hosts.balance(services, SERVERS);
    for (const vip of both) expect(await tenAlternate(lab, url(vip), WEB)).toEqual(WEB);
    reportRow(task, 7, 'one VIP on each director; ten curls alternate between web8 and web9 on both');
  });

  test('a web server that is stopped is out of the table, and then no request fails', async ({ task }) => {
    const stoppedAtMs = Date.now();
    await stopped(lab, 'web8', 'nginx');
    await hosts.balance(services, ['10.16.8.9:80']);
    const outAfterMs = Date.now() - stoppedAtMs;
    expect(outAfterMs).toBeLessThan(OUT_WITHIN_MS);
    const answers = await underLoad(lab, url(VIP_1), () => sleep(10_000));
    expect(answers.length).toBeGreaterThan(100);
    expect(answers.filter(({ line }) => line !== 'web9')).toEqual([]);
    await started(lab, 'web8', 'nginx');
    await hosts.balance(services, SERVERS);
    await tenAlternate(lab, url(VIP_2), WEB);
    reportRow(
      task,
      7,
      `nginx stopped on web8: out of the table of both directors after ${outAfterMs} ms (bound ${OUT_WITHIN_MS} ms), then ${answers.length} requests in 10 s without a failed one; started: back`,
    );
  });

  test('a director crashes: new requests within the VRRP bound, and a download goes on', async ({ task }) => {
    const argv = [
      'curl',
      '-s',
      '-m',
      '120',
      '-o',
      '/dev/null',
      '-w',
      '%{size_download}',
      `${url(VIP_1)}slow`,
    ];
    const download = lab.controllerExec(argv);
    const prober = startWebProber(lab, url(VIP_1), 20);
    await prober.nextAnswer(10_000);
    // Until then the other director has heard of the connection.
    await sleep(2000);
    await lab.crash('ka67');
    await prober.nextAnswer(20_000);
    await prober.stop();
    await hosts.held({ [VIP_1]: 'ka68', [VIP_2]: 'ka68' });
    const outageMs = webOutageMs(prober.answers);
    expect(outageMs).toBeLessThan(VRRP_BOUND_MS);
    expect((await download).stdout).toBe(String(SLOW_BYTES));
    reportRow(task, 7, 'crash of ka67: both VIPs on ka68; a download of 20 s through it goes on', outageMs);
  });

  test('after a boot of a director and of a web server all is as it was', async ({ task }) => {
    await lab.crash('web8');
    for (const host of WATCHED) await lab.start(host);
    await hosts.held(crossed);
    await hosts.balance(services, SERVERS);
    expect(await tenAlternate(lab, url(VIP_1), WEB)).toEqual(WEB);
    await nothingToDo(lab, 'lvs-dr-dual-master');
    reportRow(task, 7, 'web8 and ka67 booted again: all is back without an apply, plan finds nothing to do');
  });

  test('a second apply changes nothing, and a teardown leaves nothing', async ({ task }) => {
    expect(await hosts.takenDown('lvs-dr-dual-master')).toBe('');
    reportRow(task, 7, 'second apply 0 changed, one exec per host; teardown: no trace on ka67 and web8');
  });
});
