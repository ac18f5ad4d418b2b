/** Row 22 of docs/topologies.md: three directors, IPv4 and IPv6. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Lab } from '#lab/lab.ts';
import { startWebProber, webOutageMs } from '../support/http-prober.ts';
import { balances, tenAlternate } from '../support/ipvs-lab.ts';
import { apply, VRRP_BOUND_MS, LvsRehearsal } from '../support/lvs-rehearsal.ts';
import { reportRow } from '../support/topology-report.ts';

const INVENTORY = 'lvs-dr-dual-stack';
const DIRECTORS = ['ka1', 'ka2', 'ka3'];
const WEB = ['web8', 'web9'];
const WATCHED = ['ka1', 'web8'];
const VIP_4 = '10.16.8.100';
const VIP_6 = 'fd00:16::100';
const URLS = [`http://${VIP_4}/`, `http://[${VIP_6}]/`];

let hosts: LvsRehearsal;
let lab: Lab;

beforeAll(async () => {
  hosts = await LvsRehearsal.boot({
    inventory: INVENTORY,
    directors: DIRECTORS,
    web: WEB,
    port: 80,
    watched: WATCHED,
  });
  lab = hosts.lab;
});

afterAll(async () => await lab?.down());

async function balanced(directors: readonly string[]): Promise<void> {
  await balances(lab, directors, `${VIP_4}:80`, ['10.16.8.8:80', '10.16.8.9:80']);
  await balances(lab, directors, `[${VIP_6}]:80`, ['[fd00:16::8]:80', '[fd00:16::9]:80']);
}

async function bothAlternate(): Promise<void> {
  for (const url of URLS) await tenAlternate(lab, url, WEB);
}

const on = (host: string) => ({ [VIP_4]: host, [VIP_6]: host });

test('lvs-dr-dual-stack: both families alternate; two directors down: the third serves', async ({ task }) => {
  await apply(lab, INVENTORY);
  await hosts.held(on('ka1'));
  await balanced(DIRECTORS);
  await bothAlternate();
  const probers = URLS.map(url => startWebProber(lab, url, 20));
  for (const prober of probers) await prober.nextAnswer(10_000);
  await lab.crash('ka2');
  await lab.crash('ka1');
  for (const prober of probers) await prober.nextAnswer(20_000);
  for (const prober of probers) await prober.stop();
  const outageMs = Math.max(...probers.map(({ answers }) => webOutageMs(answers)));
  expect(outageMs).toBeLessThan(VRRP_BOUND_MS);
  await hosts.held(on('ka3'));
  await bothAlternate();
  await lab.crash('web8');
  for (const host of ['ka1', 'ka2', 'web8']) await lab.start(host);
  await hosts.held(on('ka1'));
  await balanced(DIRECTORS);
  await bothAlternate();
  expect(await hosts.takenDown(INVENTORY)).toBe('');
  reportRow(
    task,
    22,
    'ten curls of each family alternate between web8 and web9; crash of ka2 and ka1: both VIPs on ka3, curls alternate; all booted again: back on ka1. Second apply 0 changed, teardown without a trace',
    outageMs,
  );
});
