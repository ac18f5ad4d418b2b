/** Rows 9 and 10 of docs/topologies.md: the hosts of row 7, with tunnels, and with a sorry server. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Lab } from '#lab/lab.ts';
import { startWebProber, webOutageMs } from '../support/http-prober.ts';
import {
  balances,
  becomes,
  curls,
  held,
  ipvsLab,
  putNode,
  serveNames,
  tenAlternate,
} from '../support/ipvs-lab.ts';
import {
  apply,
  idleApply,
  seen,
  started,
  stopped,
  teardown,
  tellExecs,
  tracesOf,
  VRRP_BOUND_MS,
} from '../support/lvs-rehearsal.ts';
import { reportRow } from '../support/topology-report.ts';

const DIRECTORS = ['ka67', 'ka68'];
const WEB = ['web8', 'web9'];
/** Hosts of which a teardown must leave nothing, and on which execs are counted. */
const WATCHED = ['ka67', 'web8'];
const VIP_1 = '10.16.8.100';
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

describe('lvs-tun', () => {
  test('ten curls alternate over IPIP, with either director, and after a boot', async ({ task }) => {
    await apply(lab, 'lvs-tun');
    await held(lab, DIRECTORS, { [VIP_1]: 'ka67' });
    await balance([VIP_1], SERVERS);
    await tenAlternate(lab, url(VIP_1), WEB);
    const prober = startWebProber(lab, url(VIP_1), 20);
    await prober.nextAnswer(10_000);
    await lab.crash('ka67');
    await prober.nextAnswer(20_000);
    await prober.stop();
    const outageMs = webOutageMs(prober.answers);
    expect(outageMs).toBeLessThan(VRRP_BOUND_MS);
    await lab.crash('web8');
    for (const host of WATCHED) await lab.start(host);
    await held(lab, DIRECTORS, { [VIP_1]: 'ka67' });
    await balance([VIP_1], SERVERS);
    await tenAlternate(lab, url(VIP_1), WEB);
    const tunnel = await lab.exec('web8', ['ip', '-o', 'address', 'show', 'dev', 'tunl0']);
    expect(tunnel.stdout).toContain(` ${VIP_1}/32 `);
    expect(await takenDown('lvs-tun')).toBe('');
    reportRow(
      task,
      9,
      'ten curls alternate, VIP on tunl0 of web8; crash of ka67: on ka68; ka67 and web8 booted again: as before. Second apply 0 changed, teardown without a trace',
      outageMs,
    );
  });
});

describe('lvs-dr-sorry', () => {
  test('all web servers down: the sorry page; one back: it', async ({ task }) => {
    await apply(lab, 'lvs-dr-sorry');
    await held(lab, DIRECTORS, { [VIP_1]: 'ka67' });
    await balance([VIP_1], SERVERS);
    const persistent = new Set(await curls(lab, url(VIP_1), 10));
    expect(persistent.size).toBe(1);
    expect(WEB).toContain([...persistent][0]);
    for (const host of WEB) await stopped(lab, host, 'nginx');
    await balance([VIP_1], ['127.0.0.1:80']);
    const answer = async () => (await curls(lab, url(VIP_1), 1))[0];
    await becomes('answer', 'Sorry, nobody is here to serve you. Please come back later.', answer);
    await started(lab, 'web9', 'nginx');
    await balance([VIP_1], ['10.16.8.9:80']);
    await becomes('answer', 'web9', answer);
    await started(lab, 'web8', 'nginx');
    await balance([VIP_1], SERVERS);
    expect(await takenDown('lvs-dr-sorry')).toBe('');
    reportRow(
      task,
      10,
      'one client stays at one web server; both stopped: the sorry page of the director; web9 started: it answers. Second apply 0 changed, teardown without a trace',
    );
  });
});
