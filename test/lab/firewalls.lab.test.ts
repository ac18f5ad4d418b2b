/**
 * Hosts whose firewalls are firewalld, ufw and iptables: VRRP and what a NAT director forwards get through, stay through
 * a reload, and go again.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { must } from '#base/assert.ts';
import { EXCLUSIONS, type Exclusion } from '#lab/exclusions.ts';
import {
  compareSnapshots,
  formatDifferences,
  labUp,
  snapshotHost,
  type Lab,
  type Snapshot,
} from '#lab/lab.ts';
import { eventually } from '../support/pair.ts';
import { countSshUse } from '../support/sessions.ts';
import { said, tandem, totalsOf } from '../support/tandem.ts';

const VIP = '172.16.8.100';
/** On a macvlan, which comes and goes with the daemon and is in no zone. */
const VMAC_VIP = '172.16.8.101';
/** On the clients' network; `web` serves on the other at {@link WEB} and is on both. */
const CLIENT = '10.16.8.2';
const WEB = '172.16.8.8';

interface Kept {
  readonly address: string;
  /** On the clients' network. */
  readonly front: string;
  /** Starts the host's firewall: it drops what it is not told to let in. */
  readonly begin: string;
  readonly reload: string;
}

const RULES = `# kept by hand
*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A INPUT -i lo -j ACCEPT
-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT
COMMIT
`;
const LOAD = 'iptables-restore </etc/iptables/rules.v4';

const FIREWALLS: Readonly<Record<string, Kept>> = {
  zones: {
    address: '172.16.8.10',
    front: '10.16.8.10',
    // One NIC in a zone that masquerades, the other in the default zone, which no zone names.
    begin: `systemctl enable --now firewalld; firewall-cmd --state
firewall-cmd -q --permanent --zone=external --add-interface=eth1; firewall-cmd -q --zone=external --add-interface=eth1`,
    reload: 'firewall-cmd --reload',
  },
  ufw: {
    address: '172.16.8.11',
    front: '10.16.8.11',
    begin: 'ufw allow 22/tcp; ufw --force enable; systemctl enable ufw',
    reload: 'ufw reload',
  },
  tables: {
    address: '172.16.8.12',
    front: '10.16.8.12',
    begin: `mkdir -p /etc/iptables; cat >/etc/iptables/rules.v4
printf '[Unit]\nDefaultDependencies=no\nBefore=network-pre.target\n[Service]\nType=oneshot\nExecStart=/bin/sh -c "${LOAD}"\n[Install]\nWantedBy=sysinit.target\n' >/etc/systemd/system/rules.service
systemctl enable --now rules`,
    reload: LOAD,
  },
};
const HOSTS = Object.keys(FIREWALLS);

let lab: Lab;
let directory: string;
let inventory: string;
let playbook: string;
let before: ReadonlyMap<string, Snapshot>;

/** On all hosts side by side. */
const everywhere = <T>(what: (host: string, kept: Kept) => Promise<T>): Promise<T[]> =>
  Promise.all(Object.entries(FIREWALLS).map(([host, kept]) => what(host, kept)));

const snapshots = async () =>
  new Map(await everywhere(async host => [host, await snapshotHost(lab, host)] as const));

/** All hosts crash and start; resolves when their firewalls filter. */
async function boot(): Promise<void> {
  await everywhere(host => lab.crash(host));
  await everywhere(host => lab.start(host));
  await everywhere(host =>
    eventually(`${host} has booted`, 30_000, async () => {
      const { stdout } = await lab.exec(host, ['systemctl', 'is-system-running']);
      return ['running', 'degraded'].includes(stdout.trim());
    }),
  );
}

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'tandem-firewalls-'));
  inventory = join(directory, 'walled.yml');
  writeFileSync(inventory, inventoryText());
  playbook = join(directory, 'walled-site.yml');
  writeFileSync(playbook, PLAYBOOK);
  lab = await labUp(
    {
      name: `firewalls-${process.pid}`,
      networks: [{ name: 'lan' }, { name: 'front' }],
      hosts: [
        ...Object.entries(FIREWALLS).map(([name, { address, front }]) => ({
          name,
          interfaces: nics(address, front),
          layers: ['firewalls'] as const,
        })),
        { name: 'web', interfaces: nics(WEB, '10.16.8.8') },
      ],
      controller: { addresses: { lan: ['172.16.8.2/24'], front: [`${CLIENT}/24`] } },
    },
    { ephemeral: true },
  );
  const verbose = 'echo LogLevel VERBOSE >/etc/ssh/sshd_config.d/verbose.conf; systemctl reload ssh';
  const router = 'echo net.ipv4.ip_forward=1 >/etc/sysctl.d/50-router.conf';
  // What it serves is what an SSH server says first.
  await lab.exec('web', ['/usr/sbin/sshd', '-p', '8080'], { check: true });
  await everywhere((host, { begin }) =>
    lab.exec(
      host,
      { script: `set -e; ${verbose}; ${router}; ${begin}` },
      { check: true, stdin: RULES, timeoutMs: 60_000 },
    ),
  );
  // A firewall that a boot has started has other chains than one that was started by hand.
  await boot();
  before = await snapshots();
});

afterAll(async () => {
  await lab?.down();
  rmSync(directory, { recursive: true, force: true });
});

function nics(address: string, front: string) {
  return [
    { name: 'eth0', network: 'lan', addresses: [`${address}/24`] },
    { name: 'eth1', network: 'front', addresses: [`${front}/24`] },
  ];
}

/** The openings of a NAT director without IPVS: this machine's kernel may have none. */
const PLAYBOOK = `
- hosts: all
  tasks:
    - { name: a directory for rules, file: { path: /etc/tandem, state: directory, mode: "0755" } }
    - name: Let in and through
      firewall: { openings: "{{ tandem.openings + forwards }}" }
      tags: [firewall]
- hosts: all
  roles: [network_manager, vrrp]
`;

function inventoryText(): string {
  const hosts = Object.entries(FIREWALLS).map(
    ([name, { address }]) => `    ${name}: { ansible_host: ${address} }`,
  );
  return `all:
  vars:
    ansible_user: root
    forwards:
      - { kind: forward, family: 4, protocol: 6, destination: ${WEB}, port: 8080 }
      - { kind: forward, family: 4, protocol: 6, peers: [${WEB}], source_port: 8080 }
  hosts:
${hosts.join('\n')}
topology:
  vrrp_instances:
    VG_1:
      interface: eth0
      virtual_router_id: 103
      nodes: [${HOSTS.join(', ')}]
      virtual_ipaddress: [${VIP}]
    VG_2:
      interface: eth0
      virtual_router_id: 104
      nodes: [${HOSTS.join(', ')}]
      use_vmac: true
      virtual_ipaddress: [${VMAC_VIP}]
`;
}

async function holders(vip: string): Promise<string[]> {
  const held = await everywhere(async host => {
    const { stdout } = await lab.exec(host, ['ip', '-o', 'address', 'show', 'to', vip]);
    return stdout.includes(vip) ? [host] : [];
  });
  return held.flat();
}

/**
 * Whether a client reaches `web` through each host: both ways, and (`answers`) with only the answers passing it. That is
 * what a director's firewall sees of IPVS, whose requests go in and out again: its conntrack knows no such connection.
 */
async function reached(): Promise<Record<string, string>> {
  const seen: [string, string][] = [];
  for (const [host, { address, front }] of Object.entries(FIREWALLS)) {
    await lab.exec('web', ['ip', 'route', 'replace', CLIENT, 'via', address], { check: true });
    const through = await hello(front);
    const answers = await hello('10.16.8.8');
    seen.push([host, `through ${through}, answers ${answers}`]);
  }
  return Object.fromEntries(seen);
}

/** A script that prints what `web` says. */
const CONNECT = `timeout 1 bash -c 'exec 3<>/dev/tcp/${WEB}/8080 && read -t 1 said <&3 && echo "$said"'`;

/** Connects to `web` by way of `gateway`. */
async function hello(gateway: string): Promise<'yes' | 'no'> {
  const route = `ip route replace ${WEB} via ${gateway} src ${CLIENT}`;
  const argv = ['bash', '-c', `${route}; ${CONNECT}`];
  const { stdout } = await lab.controllerExec(argv, { timeoutMs: 10_000 });
  return stdout.startsWith('SSH-') ? 'yes' : 'no';
}

const all = (said: string): Record<string, string> => Object.fromEntries(HOSTS.map(host => [host, said]));
const PASSES = all('through yes, answers yes');

/** Each backup has heard of the master: with a firewall in between there would be several. */
async function oneMaster(): Promise<void> {
  await eventually('zones alone is master, and all hear it', 30_000, async () => {
    const healthy = (await tandem(lab, ['status', '-i', inventory])).code === 0;
    const held = await Promise.all([VIP, VMAC_VIP].map(holders));
    return healthy && held.flat().join() === 'zones,zones';
  });
}

test('adverts pass firewalld, ufw and iptables, and so does what is forwarded', async () => {
  expect(await reached()).toEqual(all('through no, answers no'));
  const first = await tandem(lab, ['apply', playbook, '-i', inventory]);
  expect(first.code, said(first)).toBe(0);
  expect(await reached()).toEqual(PASSES);
  // A director's own checks are answered as before.
  const checks = await everywhere(host => lab.exec(host, { script: CONNECT }));
  for (const { stdout } of checks) expect(stdout).toMatch(/^SSH-/);
  await oneMaster();
  const zone = await lab.exec('zones', ['firewall-cmd', '--permanent', '--zone=public', '--list-rich-rules']);
  expect(zone.stdout).toContain('destination address="224.0.0.18" protocol value="112" accept');
  const chain = await lab.exec('ufw', ['iptables', '-S', 'ufw-before-input']);
  for (const name of ['eth0', 'vrrp.104'])
    expect(chain.stdout).toMatch(new RegExp(`-i ${name} -p vrrp .*--comment "?tandem-.* -j ACCEPT`));
});

test('a second apply finds nothing to do in one exec', async () => {
  const counts = await everywhere(host => countSshUse(lab, host));
  const second = await tandem(lab, ['apply', playbook, '-i', inventory, '--json']);
  expect(second.code, said(second)).toBe(0);
  expect(totalsOf(second)).toMatchObject({ changed: 0, pending: 0, unknown: 0, failed: 0 });
  for (const count of counts) expect(await count()).toMatchObject({ connections: 1, execs: 1 });
});

test('each firewall’s reload keeps the openings; one that is taken out is put back', async () => {
  await everywhere((host, { reload }) =>
    lab.exec(host, { script: reload }, { check: true, timeoutMs: 30_000 }),
  );
  const plan = await tandem(lab, ['plan', playbook, '-i', inventory]);
  expect(plan.code, said(plan)).toBe(0);
  expect(await reached()).toEqual(PASSES);
  await oneMaster();
  const removals: Readonly<Record<string, string>> = {
    zones: `firewall-cmd -q --permanent --delete-policy=tandem
firewall-cmd --remove-rich-rule='rule family="ipv4" destination address="224.0.0.18" protocol value="112" accept'`,
    ufw: 'iptables -D ufw-before-input 1',
    tables: 'sed -i /tandem-/d /etc/iptables/rules.v4',
  };
  await everywhere(host => lab.exec(host, { script: must(removals[host], host) }, { check: true }));
  const again = await tandem(lab, ['apply', playbook, '-i', inventory, '--tags', 'firewall', '--json']);
  expect(again.code, said(again)).toBe(0);
  expect(totalsOf(again)).toMatchObject({ changed: 3, failed: 0 });
  expect((await tandem(lab, ['plan', playbook, '-i', inventory])).code).toBe(0);
  await oneMaster();
});

test('after a crash of all hosts at once each firewall lets all through again, and there is nothing to do', async () => {
  await boot();
  await oneMaster();
  expect(await reached()).toEqual(PASSES);
  const plan = await tandem(lab, ['plan', playbook, '-i', inventory]);
  expect(plan.code, said(plan)).toBe(0);
});

/** What using a host leaves, whoever does it. */
const USED: readonly Exclusion[] = [
  {
    keys: /^file:\/run\/systemd\/journal\/synced$/,
    reason: 'journalctl --sync, with which sessions are counted',
  },
  {
    keys: /^file:\/run\/systemd\/transient$/,
    reason: 'systemd makes it for the first transient unit and keeps it',
  },
  { keys: /^unit:(systemd-oomd\.service|umount\.target)$/, reason: 'names that systemd has come across' },
  { keys: /^file:\/var\/log\/firewalld$/, reason: 'its log' },
];

test('teardown leaves every firewall as it was', async () => {
  const torn = await tandem(lab, ['teardown', '-i', inventory, '--yes', 'walled']);
  expect(torn.code, said(torn)).toBe(0);
  const after = await snapshots();
  const left = HOSTS.map(host =>
    formatDifferences(
      compareSnapshots(must(before.get(host), host), must(after.get(host), host), [...EXCLUSIONS, ...USED]),
    ),
  );
  expect(left.join('\n').trim()).toBe('');
});
