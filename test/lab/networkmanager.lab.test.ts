/** Hosts whose NICs NetworkManager manages, one of them a real server. Tests run in this order. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { labUp, type Lab } from '#lab/lab.ts';
import { type Holding, longestDoubleMs, watchAddress } from '../support/address-monitor.ts';
import { eventually, giveUpSoon, NODES, pairSpec } from '../support/pair.ts';
import { outageOf, placed } from '../support/rehearsal.ts';
import { countSshUse } from '../support/sessions.ts';
import { said, tandem, totalsOf } from '../support/tandem.ts';

const VIP = '172.16.8.100';
/** On a macvlan. */
const VMAC_VIP = '172.16.8.101';
const WEB = 'watch';
const HOSTS = [...NODES, WEB];
const BUILT = { [VIP]: 'ka67,watch', [VMAC_VIP]: 'ka67' };
const INVENTORY = `
all:
  vars: { ansible_user: root, lvs_require_ipvs: false }
  hosts:
    ka67: { ansible_host: 172.16.8.10, interfaces: { eth0: 172.16.8.10/24 } }
    ka68: { ansible_host: 172.16.8.11, interfaces: { eth0: 172.16.8.11/24 } }
    watch: { ansible_host: 172.16.8.20, interfaces: { eth0: 172.16.8.20/24 } }
topology:
  vrrp_instances:
    VG_1: { interface: eth0, virtual_router_id: 103, nodes: [ka67, ka68], virtual_ipaddress: [${VIP}] }
    VG_2:
      interface: eth0
      virtual_router_id: 104
      nodes: [ka67, ka68]
      use_vmac: true
      virtual_ipaddress: [${VMAC_VIP}]
  virtual_servers:
    direct: { on: [VG_1], port: 80, lb_algo: rr, lb_kind: DR, real_servers: { hosts: [watch] } }
    mapped: { on: [VG_2], port: 81, lb_algo: rr, lb_kind: NAT, real_servers: { hosts: [watch], gateway: VG_2 } }
`;

/** As on a machine that boots: NetworkManager finds NICs that are down and bare. */
const MANAGED = `
address=$(ip -o -4 addr show eth0 | sed 's/.*inet \\([^ ]*\\) .*/\\1/')
cd /etc/NetworkManager/system-connections
printf '[connection]\\nid=lan\\ntype=ethernet\\ninterface-name=eth0\\n[ipv4]\\nmethod=manual\\naddress1=%s\\n[ipv6]\\nmethod=disabled\\n' "$address" >lan.nmconnection
chmod 600 lan.nmconnection
cat >/etc/systemd/system/bare.service <<'END'
[Unit]
Before=NetworkManager.service
[Service]
Type=oneshot
ExecStart=/bin/sh -c 'ip addr flush dev eth0; ip link set eth0 down'
[Install]
WantedBy=multi-user.target
END
systemctl enable --quiet bare NetworkManager NetworkManager-wait-online NetworkManager-dispatcher`;

let lab: Lab;
let directory: string;
let inventory: string;
let before: readonly string[];

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'networkmanager-'));
  inventory = join(directory, 'two-node.yml');
  writeFileSync(inventory, INVENTORY);
  const spec = pairSpec(`networkmanager-${process.pid}`);
  const hosts = spec.hosts.map(host => ({ ...host, layers: ['network-manager'] as const }));
  lab = await labUp({ ...spec, hosts }, { ephemeral: true });
  giveUpSoon(lab);
  await Promise.all(
    HOSTS.map(async host => {
      await on(host, `${MANAGED}; echo LogLevel VERBOSE >/etc/ssh/sshd_config.d/verbose.conf`);
      await lab.reboot(host);
      await eventually(`NetworkManager has activated eth0 of ${host}`, 20_000, async () =>
        (await on(host, 'nmcli -t -f DEVICE,CONNECTION device')).includes('eth0:lan\n'),
      );
    }),
  );
  before = await Promise.all(HOSTS.map(seen));
});

afterAll(async () => {
  await lab?.down();
  rmSync(directory, { recursive: true, force: true });
});

const on = async (host: string, script: string): Promise<string> =>
  (await lab.exec(host, { script }, { check: true })).stdout;
const apply = (...more: string[]) => tandem(lab, ['apply', '-i', inventory, '--json', ...more]);
/** What teardown must not leave anything in. */
const seen = (host: string): Promise<string> =>
  on(
    host,
    `find /etc/NetworkManager -type f | sort; ip -br addr | sed 's/@[^ ]* */ /; s/  */ /g'; ip rule
nmcli -t -f DEVICE,STATE device | sort`,
  );

/** Who held `vip` while `script` ran on ka67, until all is as built again. */
async function holdingsThrough(vip: string, script: string): Promise<readonly Holding[]> {
  const watch = await watchAddress(lab, NODES, vip);
  await on('ka67', script);
  await placed(lab, BUILT);
  return await watch.stop();
}

const KEPT = [{ host: 'ka67', fromMs: 0, toMs: Number.POSITIVE_INFINITY }];
const REAPPLY_VMAC = 'nmcli device reapply vrrp.104 || :';

test('left alone it takes the macvlan of use_vmac for its own', async () => {
  const first = await apply('-e', 'network_manager_manage=false');
  expect(first.code, said(first)).toBe(0);
  await placed(lab, BUILT);
  // Both hosts drop what they are not told to let in: adverts come in by the macvlans.
  const healthy = await tandem(lab, ['status', '-i', inventory]);
  expect(healthy.code, said(healthy)).toBe(0);
  expect(await on('ka68', 'nft list chain inet filter input')).toMatch(/iifname "vrrp.104" .*vrrp accept/);
  expect(await on('ka67', 'nmcli -t -f DEVICE,STATE device')).toContain('vrrp.104:connected (externally)');
  expect(await holdingsThrough(VMAC_VIP, REAPPLY_VMAC)).not.toEqual(KEPT);
});

test('from its next start on it leaves alone what carries virtual addresses, and a second apply finds nothing to do', async () => {
  const watch = await watchAddress(lab, NODES, VMAC_VIP);
  const told = await apply();
  expect(told.code, said(told)).toBe(0);
  await Promise.all(HOSTS.map(host => on(host, 'systemctl restart NetworkManager; nm-online -s -q')));
  expect(await watch.stop()).toEqual(KEPT);
  const devices = await Promise.all(HOSTS.map(host => on(host, 'nmcli -t -f DEVICE,STATE device')));
  expect(devices[0]).toContain('vrrp.104:unmanaged');
  expect(devices[2]).toContain('lo:unmanaged');
  const counts = await Promise.all(HOSTS.map(host => countSshUse(lab, host)));
  const again = await apply();
  expect(totalsOf(again)).toMatchObject({ changed: 0, pending: 0, failed: 0 });
  for (const count of counts) expect(await count()).toMatchObject({ connections: 1, execs: 1 });
  expect(await holdingsThrough(VMAC_VIP, REAPPLY_VMAC)).toEqual(KEPT);
});

test('its restart and reloads take nothing away', async () => {
  for (const script of ['nmcli general reload; nmcli connection reload', 'systemctl restart NetworkManager'])
    for (const vip of [VIP, VMAC_VIP]) expect(await holdingsThrough(vip, script), script).toEqual(KEPT);
});

test('what nmcli device reapply takes from the NIC is back at once', async () => {
  const holdings = await holdingsThrough(VIP, 'nmcli device reapply eth0');
  expect(holdings.map(({ host }) => host)).toEqual(['ka67', 'ka67']);
  const [taken, restored] = holdings;
  expect((restored?.fromMs ?? 0) - (taken?.toMs ?? 0)).toBeLessThan(500);
});

test('nmcli connection up takes the own address too: that is a fail-over, and ends by itself', async () => {
  const watch = await watchAddress(lab, NODES, VIP);
  const outageMs = await outageOf(lab, [VIP], () => on('ka67', 'nmcli connection up lan'));
  await placed(lab, BUILT);
  expect(longestDoubleMs(await watch.stop())).toBeLessThan(1000);
  expect(outageMs).toBeLessThan(6000);
});

test('a real server keeps its address, and gets its routes back when the profile is activated anew', async () => {
  const routes = 'ip route show table all default; ip rule; ip -o addr show lo';
  const had = await on(WEB, routes);
  expect(had).toMatch(new RegExp(`default via ${VMAC_VIP} [^]*${VIP}/32`));
  await on(WEB, 'nmcli connection up lan; nmcli device reapply lo || :');
  await eventually('routes are back', 10_000, async () => (await on(WEB, routes)) === had);
});

test('all is there again after a crash of all hosts', async () => {
  await Promise.all(HOSTS.map(host => lab.crash(host)));
  await Promise.all(HOSTS.map(host => lab.start(host)));
  await placed(lab, BUILT, 40_000);
  const plan = await tandem(lab, ['plan', '-i', inventory]);
  expect(plan.code, said(plan)).toBe(0);
});

test('teardown takes the settings back', async () => {
  const torn = await tandem(lab, ['teardown', '-i', inventory, '--yes', 'two-node']);
  expect(torn.code, said(torn)).toBe(0);
  await Promise.all(HOSTS.map(host => on(host, 'systemctl restart NetworkManager; nm-online -s -q')));
  expect(await Promise.all(HOSTS.map(seen))).toEqual(before);
});
