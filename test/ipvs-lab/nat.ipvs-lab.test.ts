/** Rows 8 and 23 of docs/topologies.md: clients on one network, web servers on the other, directors between them. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Lab } from '#lab/lab.ts';
import { startWebProber, webOutageMs } from '../support/http-prober.ts';
import { balances, tenAlternate } from '../support/ipvs-lab.ts';
import { apply, VRRP_BOUND_MS, LvsRehearsal } from '../support/lvs-rehearsal.ts';
import { reportRow } from '../support/topology-report.ts';

const DIRECTORS = ['ka67', 'ka68'];
const WATCHED = ['ka67', 'web8'];
const EXT_1 = '10.16.8.100';
const EXT_2 = '10.16.8.101';
const INT_1 = '172.16.8.100';
const INT_2 = '172.16.8.101';
const servers = (...numbers: number[]) => numbers.map(number => `172.16.8.${number}:8080`);
const url = (vip: string) => `http://${vip}/`;

let hosts: LvsRehearsal;
let lab: Lab;

beforeAll(async () => {
  hosts = await LvsRehearsal.boot({
    inventory: 'lvs-nat-dual-master',
    directors: DIRECTORS,
    web: ['web6', 'web7', 'web8', 'web9'],
    port: 8080,
    watched: WATCHED,
  });
  lab = hosts.lab;
});

afterAll(async () => await lab?.down());

/** Crashes ka67 and returns for how long nothing answered at `vip`, milliseconds. */
async function crashOutageMs(vip: string): Promise<number> {
  const prober = startWebProber(lab, url(vip), 20);
  await prober.nextAnswer(10_000);
  await lab.crash('ka67');
  await prober.nextAnswer(20_000);
  await prober.stop();
  return webOutageMs(prober.answers);
}

test('lvs-nat-sync: port 80 becomes 8080; both VIPs and the gateway move together', async ({ task }) => {
  const balanced = () => balances(lab, DIRECTORS, `${EXT_1}:80`, servers(8, 9));
  const web = ['web8', 'web9'];
  await apply(lab, 'lvs-nat-sync');
  await hosts.held({ [EXT_1]: 'ka67', [INT_1]: 'ka67' });
  await balanced();
  await tenAlternate(lab, url(EXT_1), web);
  const outageMs = await crashOutageMs(EXT_1);
  expect(outageMs).toBeLessThan(VRRP_BOUND_MS);
  await hosts.held({ [EXT_1]: 'ka68', [INT_1]: 'ka68' });
  await tenAlternate(lab, url(EXT_1), web);
  await lab.crash('web8');
  for (const host of WATCHED) await lab.start(host);
  await hosts.held({ [EXT_1]: 'ka67', [INT_1]: 'ka67' });
  await balanced();
  await tenAlternate(lab, url(EXT_1), web);
  expect(await hosts.takenDown('lvs-nat-sync')).toBe('');
  reportRow(
    task,
    8,
    'ten curls alternate between port 8080 of web8 and web9; crash of ka67: both VIPs, so the gateway too, on ka68, curls alternate; ka67 and web8 booted again: as before. Second apply 0 changed, teardown without a trace',
    outageMs,
  );
});

describe('lvs-nat-dual-master', () => {
  const crossed = { [EXT_1]: 'ka67', [EXT_2]: 'ka68', [INT_1]: 'ka67', [INT_2]: 'ka68' };

  test('each service through its own director; one down: both through the other', async ({ task }) => {
    const balanced = async () => {
      await balances(lab, DIRECTORS, `${EXT_1}:80`, servers(6, 7));
      await balances(lab, DIRECTORS, `${EXT_2}:80`, servers(8, 9));
    };
    const alternate = async () => {
      await tenAlternate(lab, url(EXT_1), ['web6', 'web7']);
      await tenAlternate(lab, url(EXT_2), ['web8', 'web9']);
    };
    await apply(lab, 'lvs-nat-dual-master');
    await hosts.held(crossed);
    await balanced();
    await alternate();
    const outageMs = await crashOutageMs(EXT_1);
    expect(outageMs).toBeLessThan(VRRP_BOUND_MS);
    await hosts.held({ [EXT_1]: 'ka68', [EXT_2]: 'ka68', [INT_1]: 'ka68', [INT_2]: 'ka68' });
    await alternate();
    await lab.start('ka67');
    await hosts.held(crossed);
    await balanced();
    await alternate();
    expect(await hosts.takenDown('lvs-nat-dual-master')).toBe('');
    reportRow(
      task,
      23,
      'each pair of addresses on its director, ten curls of each alternate between its web servers; crash of ka67: all on ka68, curls alternate; ka67 booted again: as before. Second apply 0 changed, teardown without a trace',
      outageMs,
    );
  });
});
