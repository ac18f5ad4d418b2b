/** A pair whose interfaces systemd-networkd manages: it must not take the VIP away. Tests run in this order. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Lab } from '#lab/lab.ts';
import { watchAddress } from '../support/address-monitor.ts';
import { awaitHolder, eventually, INVENTORY, NODES, raisePair, VIP } from '../support/pair.ts';
import { countSshUse } from '../support/sessions.ts';
import { said, tandem, totalsOf } from '../support/tandem.ts';

const NETWORK = '/etc/systemd/network/10-lan.network';
const KEPT = [{ host: 'ka67', fromMs: 0, toMs: Number.POSITIVE_INFINITY }];
let lab: Lab;

beforeAll(async () => {
  lab = await raisePair('networkd');
  await Promise.all(
    Object.entries({ ka67: '172.16.8.10', ka68: '172.16.8.11' }).map(([node, address]) =>
      on(
        node,
        `printf '[Match]\\nName=eth0\\n[Network]\\nLinkLocalAddressing=no\\nAddress=${address}/24\\n' >${NETWORK}
systemctl start systemd-networkd`,
      ),
    ),
  );
  await Promise.all(NODES.map(configured));
});

afterAll(async () => {
  await lab?.down();
});

const on = async (host: string, script: string): Promise<string> =>
  (await lab.exec(host, { script }, { check: true })).stdout;
const apply = (...more: string[]) => tandem(lab, ['apply', '-i', INVENTORY, '--json', ...more]);

async function configured(node: string): Promise<void> {
  await eventually(`systemd-networkd has configured eth0 of ${node}`, 20_000, async () => {
    const status = await on(node, 'networkctl status eth0');
    return status.includes(NETWORK) && /State: \w+ \(configured\)/.test(status);
  });
}

/** Who held the VIP while `script` ran on the master. */
async function holdingsThrough(script: string) {
  await awaitHolder(lab, 'ka67');
  const watch = await watchAddress(lab, NODES, VIP);
  await on('ka67', script);
  await configured('ka67');
  return await watch.stop();
}

const edited = (comment: string) => `echo 'Description=${comment}' >>${NETWORK}; networkctl reload`;

test('left alone it takes the VIP away when it is reloaded with an edited file', async () => {
  const first = await apply('-e', 'network_manager_manage=false');
  expect(first.code, said(first)).toBe(0);
  expect(await holdingsThrough(edited('one'))).not.toEqual(KEPT);
});

test('told to keep it, it does, and a second apply finds nothing to do in one exec', async () => {
  const told = await apply();
  expect(told.code, said(told)).toBe(0);
  const counts = await Promise.all(NODES.map(node => countSshUse(lab, node)));
  const again = await apply();
  expect(totalsOf(again)).toMatchObject({ changed: 0, pending: 0, failed: 0 });
  for (const count of counts) expect(await count()).toMatchObject({ connections: 1, execs: 1 });
  expect(await holdingsThrough(edited('two'))).toEqual(KEPT);
  expect(await holdingsThrough('systemctl restart systemd-networkd')).toEqual(KEPT);
});

test('routes and rules of others stay too, from its next start on', async () => {
  await on(
    'ka67',
    'ip route add 10.99.0.0/24 via 172.16.8.20; ip rule add from 172.16.8.10 table 77 pref 77',
  );
  expect(await holdingsThrough(edited('three'))).toEqual(KEPT);
  expect(await on('ka67', 'ip route show 10.99.0.0/24; ip rule show pref 77')).toMatch(
    /10\.99\.0\.0\/24[^]*lookup 77/,
  );
  await on('ka67', 'ip route del 10.99.0.0/24; ip rule del pref 77');
});

test('teardown takes the settings back', async () => {
  const torn = await tandem(lab, ['teardown', '-i', INVENTORY, '--yes', 'two-node']);
  expect(torn.code, said(torn)).toBe(0);
  const left = `ls -d ${NETWORK}.d /etc/systemd/networkd.conf.d 2>/dev/null || :`;
  for (const node of NODES) expect(await on(node, left)).toBe('');
});
