/** Rows 9 and 10 of docs/topologies.md: the hosts of row 7, with tunnels, and with a sorry server. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Lab } from '#lab/lab.ts';
import { startWebProber, webOutageMs } from '../support/http-prober.ts';
import { becomes, curls, tenAlternate } from '../support/ipvs-lab.ts';
import { apply, started, stopped, VRRP_BOUND_MS, LvsRehearsal } from '../support/lvs-rehearsal.ts';
import { reportRow } from '../support/topology-report.ts';

const DIRECTORS = ['ka67', 'ka68'];
const WEB = ['web8', 'web9'];
const WATCHED = ['ka67', 'web8'];
const VIP_1 = '10.16.8.100';
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

describe('lvs-tun', () => {
  test('ten curls alternate over IPIP, with either director, and after a boot', async ({ task }) => {
    await apply(lab, 'lvs-tun');
    await hosts.held({ [VIP_1]: 'ka67' });
    await hosts.balance([`${VIP_1}:80`], SERVERS);
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
    await hosts.held({ [VIP_1]: 'ka67' });
    await hosts.balance([`${VIP_1}:80`], SERVERS);
    await tenAlternate(lab, url(VIP_1), WEB);
    const tunnel = await lab.exec('web8', ['ip', '-o', 'address', 'show', 'dev', 'tunl0']);
    expect(tunnel.stdout).toContain(` ${VIP_1}/32 `);
    expect(await hosts.takenDown('lvs-tun')).toBe('');
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
    await hosts.held({ [VIP_1]: 'ka67' });
    await hosts.balance([`${VIP_1}:80`], SERVERS);
    const persistent = new Set(await curls(lab, url(VIP_1), 10));
    expect(persistent.size).toBe(1);
    expect(WEB).toContain([...persistent][0]);
    for (const host of WEB) await stopped(lab, host, 'nginx');
    await hosts.balance([`${VIP_1}:80`], ['127.0.0.1:80']);
    const answer = async () => (await curls(lab, url(VIP_1), 1))[0];
    await becomes('answer', 'Sorry, nobody is here to serve you. Please come back later.', answer);
    await started(lab, 'web9', 'nginx');
    await hosts.balance([`${VIP_1}:80`], ['10.16.8.9:80']);
    await becomes('answer', 'web9', answer);
    await started(lab, 'web8', 'nginx');
    await hosts.balance([`${VIP_1}:80`], SERVERS);
    expect(await hosts.takenDown('lvs-dr-sorry')).toBe('');
    reportRow(
      task,
      10,
      'one client stays at one web server; both stopped: the sorry page of the director; web9 started: it answers. Second apply 0 changed, teardown without a trace',
    );
  });
});
