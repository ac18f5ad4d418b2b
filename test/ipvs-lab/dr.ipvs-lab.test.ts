/** Row 7 of docs/topologies.md: two directors and two web servers in one network. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Lab } from '#lab/lab.ts';
import { startWebProber, webOutageMs } from '../support/http-prober.ts';
import {
  balances,
  held,
  ipvsLab,
  putNode,
  serveNames,
  SLOW_BYTES,
  tenAlternate,
} from '../support/ipvs-lab.ts';
import {
  apply,
  idleApply,
  nothingToDo,
  OUT_WITHIN_MS,
  seen,
  started,
  stopped,
  teardown,
  tellExecs,
  tracesOf,
  underLoad,
  VRRP_BOUND_MS,
} from '../support/lvs-rehearsal.ts';
import { reportRow } from '../support/topology-report.ts';

const DIRECTORS = ['ka67', 'ka68'];
const WEB = ['web8', 'web9'];
/** Hosts of which a teardown must leave nothing, and on which execs are counted. */
const WATCHED = ['ka67', 'web8'];
const VIP_1 = '10.16.8.100';
const VIP_2 = '10.16.8.101';
const SERVERS = ['10.16.8.8:80', '10.16.8.9:80'];
const url = (vip: string) => `http://${vip}/`;

let lab: Lab;
let clean: Awaited<ReturnType<typeof seen>>;

beforeAll(async () => {
  lab = await ipvsLab('lvs-dr-dual-master');
  await serveNames(lab, WEB, 80);
  for (const host of DIRECTORS) await putNode(lab, host);
  for (const host of WATCHED) await tellExecs(lab, host);
  clean = await seen(lab, WATCHED);
});

afterAll(async () => await lab.down());

/** Both directors balance each VIP over these real servers. */
async function balance(vips: readonly string[], servers: readonly string[]): Promise<void> {
  for (const vip of vips) await balances(lab, DIRECTORS, `${vip}:80`, servers);
}

/** A second apply that finds nothing to do, then a teardown: what it left behind. */
async function takenDown(inventory: string): Promise<string> {
  await idleApply(lab, inventory, WATCHED);
  await teardown(lab, inventory);
  return await tracesOf(lab, clean);
}

describe('lvs-dr-dual-master', () => {
  const crossed = { [VIP_1]: 'ka67', [VIP_2]: 'ka68' };
  const both = [VIP_1, VIP_2];

  test('ten curls alternate on both VIPs', async ({ task }) => {
    await apply(lab, 'lvs-dr-dual-master');
    await held(lab, DIRECTORS, crossed);
    await balance(both, SERVERS);
    for (const vip of both) expect(await tenAlternate(lab, url(vip), WEB)).toEqual(WEB);
    reportRow(task, 7, 'one VIP on each director; ten curls alternate between web8 and web9 on both');
  });

  test('a web server that is stopped is out of the table, and then no request fails', async ({ task }) => {
    const stoppedAtMs = Date.now();
    await stopped(lab, 'web8', 'nginx');
    await balance(both, ['10.16.8.9:80']);
    const outAfterMs = Date.now() - stoppedAtMs;
    expect(outAfterMs).toBeLessThan(OUT_WITHIN_MS);
    const answers = await underLoad(lab, url(VIP_1), () => sleep(10_000));
    expect(answers.length).toBeGreaterThan(100);
    expect(answers.filter(({ line }) => line !== 'web9')).toEqual([]);
    await started(lab, 'web8', 'nginx');
    await balance(both, SERVERS);
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
    await held(lab, DIRECTORS, { [VIP_1]: 'ka68', [VIP_2]: 'ka68' });
    const outageMs = webOutageMs(prober.answers);
    expect(outageMs).toBeLessThan(VRRP_BOUND_MS);
    expect((await download).stdout).toBe(String(SLOW_BYTES));
    reportRow(task, 7, 'crash of ka67: both VIPs on ka68; a download of 20 s through it goes on', outageMs);
  });

  test('after a boot of a director and of a web server all is as it was', async ({ task }) => {
    await lab.crash('web8');
    for (const host of WATCHED) await lab.start(host);
    await held(lab, DIRECTORS, crossed);
    await balance(both, SERVERS);
    expect(await tenAlternate(lab, url(VIP_1), WEB)).toEqual(WEB);
    await nothingToDo(lab, 'lvs-dr-dual-master');
    reportRow(task, 7, 'web8 and ka67 booted again: all is back without an apply, plan finds nothing to do');
  });

  test('a second apply changes nothing, and a teardown leaves nothing', async ({ task }) => {
    expect(await takenDown('lvs-dr-dual-master')).toBe('');
    reportRow(task, 7, 'second apply 0 changed, one exec per host; teardown: no trace on ka67 and web8');
  });
});
