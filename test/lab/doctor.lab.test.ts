/**
 * `tandem doctor` on the pair, before and after the first apply, beside a keepalived of somebody else; the inventory's password is in
 * a vault. Tests run in this order.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { DaemonStatus } from '#control/status.ts';
import { labUp, type Lab } from '#lab/lab.ts';
import type { Finding, Hearing } from '#provision/model/diagnosis.ts';
import { Secret } from '#provision/model/shell.ts';
import { seal } from '#provision/model/vault-format.ts';
import {
  awaitHolder,
  differences,
  eventually,
  holders,
  INVENTORY,
  NODES,
  ownPaths,
  pairSpec,
  snapshots,
  VIP,
} from '../support/pair.ts';
import { said, tandem } from '../support/tandem.ts';

const AUTH_PASS = 'Vau1ted!';
const NOT_HEARD = ['ka67', 'ka68'];

let lab: Lab;
let folder: string;
/** `-i` and the vault's password. */
let site: string[];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tandem-doctor-test-'));
  const inventory = join(folder, 'two-node.yml');
  writeFileSync(inventory, readFileSync(INVENTORY, 'utf8').replace(/^ +vrrp_pass: .*\n/m, ''));
  mkdirSync(join(folder, 'group_vars'));
  const sealed = seal(
    Buffer.from(`vrrp_pass: "${AUTH_PASS}"\n`),
    new Secret('pw'),
    new Uint8Array(32).fill(9),
    'lab',
  );
  writeFileSync(join(folder, 'group_vars', 'all'), sealed);
  writeFileSync(join(folder, 'pw'), 'pw\n');
  site = ['-i', inventory, '--vault-id', `lab@${join(folder, 'pw')}`];
  const { hosts, ...spec } = pairSpec(`doctor-${process.pid}`);
  const withKeepalived = hosts.map(host =>
    host.name === 'watch' ? { ...host, layers: ['keepalived' as const] } : host,
  );
  lab = await labUp({ ...spec, hosts: withKeepalived }, { ephemeral: true });
});

afterAll(async () => {
  await lab?.down();
  rmSync(folder, { recursive: true, force: true });
});

async function doctor() {
  const result = await tandem(lab, ['doctor', ...site, '--json', '--seconds', '2']);
  const objects = result.stdout
    .split('\n')
    .filter(Boolean)
    .map(line => JSON.parse(line) as { type: string });
  const of = <T>(type: string): T[] => objects.filter(object => object.type === type) as T[];
  return { result, hearings: of<Hearing>('hearing'), findings: of<Finding>('finding') };
}

const short = (findings: readonly Finding[]) =>
  findings.map(({ severity, id, host }) => `${severity} ${id} ${host ?? ''}`).toSorted();

async function status(node: string): Promise<DaemonStatus> {
  const { stdout } = await lab.exec(node, ['/opt/tandem/current/bin/tandemd', 'status', '--json'], {
    check: true,
  });
  return JSON.parse(stdout) as DaemonStatus;
}

/** What a keepalived that heard something wrong would say. */
async function words(): Promise<string> {
  return (
    await lab.exec('watch', ['journalctl', '-u', 'keepalived', '-o', 'cat', '--no-pager'], { check: true })
  ).stdout;
}

test('before the first apply: firewalls that are closed, so that nobody hears anybody; no trace is left', async () => {
  const before = await snapshots(lab);
  const { result, hearings, findings } = await doctor();
  expect(result.code, said(result)).toBe(1);
  expect(hearings.map(({ heard }) => heard)).toEqual([false, false]);
  expect(short(findings)).toEqual([
    ...NOT_HEARD.map(node => `broken not-heard ${node}`),
    ...NOT_HEARD.map(node => `degraded firewall ${node}`),
  ]);
  expect(findings.find(({ id }) => id === 'not-heard')?.hint).toContain('tandem apply --tags firewall');
  // The watcher of the temporary folder looks once a second whether its session is over.
  let left = '';
  const asBefore = async (): Promise<boolean> => (left = differences(before, await snapshots(lab))) === '';
  await eventually('the hosts are as they were', 10_000, asBefore).catch(() => undefined);
  expect(left).toBe('');
  for (const node of NODES) expect(await ownPaths(lab, node)).toEqual([]);
});

test('a session that breaks leaves nothing either', async () => {
  const run = tandem(lab, ['doctor', ...site, '--seconds', '30']);
  const temporary = async (): Promise<string> =>
    (await lab.exec('ka67', { script: 'ls -d /var/tmp/tandem-doctor.*/releases/*/bin 2>/dev/null; :' }))
      .stdout;
  await eventually('the release is uploaded', 60_000, async () => (await temporary()) !== '');
  await lab.exec('ka67', { script: "pkill -KILL -f '^sshd: root@notty'" });
  expect((await run).code).not.toBe(0);
  await eventually('the folder is gone', 10_000, async () => {
    const { stdout } = await lab.exec('ka67', { script: 'ls -d /var/tmp/tandem-doctor.* 2>/dev/null; :' });
    return stdout === '';
  });
});

test('an apply with the password from the vault shows it nowhere; then all is fine, and nobody noticed the probes', async () => {
  const built = await tandem(lab, ['apply', ...site, '--diff']);
  expect(built.code, said(built)).toBe(0);
  expect(said(built)).not.toContain(AUTH_PASS);
  const written = await lab.exec('ka67', ['grep', '-c', AUTH_PASS, '/etc/tandem/keepalived.conf']);
  expect(written.stdout).toBe('1\n');
  await awaitHolder(lab, 'ka67');
  const neighbour = `vrrp_instance N {\ninterface eth0\nvirtual_router_id 77\nstate MASTER\npriority 100\nvirtual_ipaddress {\n172.16.8.177\n}\n}\n`;
  await keepalived(`global_defs {\nvrrp_mcast_group4 224.0.0.111\n}\n${neighbour}`);
  await eventually('the neighbour is MASTER', 10_000, async () =>
    (await words()).includes('Entering MASTER STATE'),
  );

  const states = async () =>
    (await Promise.all(NODES.map(status))).flatMap(({ instances }) =>
      instances.map(
        ({ name, state, counters: { becomeMaster, releaseMaster, priorityZeroSent, refused } }) => ({
          name,
          state,
          becomeMaster,
          releaseMaster,
          priorityZeroSent,
          refused,
        }),
      ),
    );
  const [before, heardBefore] = [await states(), await words()];
  const prober = await lab.probe('watch', VIP, { intervalMs: 10 });
  await prober.nextAnswer(5000);
  const { result, hearings, findings } = await doctor();
  await prober.nextAnswer(5000);
  const { lost } = await prober.stop();
  expect(result.code, said(result)).toBe(0);
  expect(hearings.map(({ heard }) => heard)).toEqual([true, true]);
  expect(findings.map(({ id, message }) => `${id}: ${message}`)).toEqual([
    'other-router: another virtual router on eth0: VRID 77 of 172.16.8.20, priority 100',
  ]);
  expect([lost, await states(), await words()]).toEqual([0, before, heardBefore]);
  const plain = await tandem(lab, ['doctor', ...site, '--seconds', '1']);
  expect(plain.stdout).toContain('VG_1: every member hears every other');
});

test('somebody else with our VRID is found, and a direction in which nothing is heard', async () => {
  await keepalived(
    'global_defs {\nvrrp_mcast_group4 224.0.0.111\n}\nvrrp_instance X {\ninterface eth0\nvirtual_router_id 103\npriority 1\nadvert_int 1\nvirtual_ipaddress {\n172.16.8.177\n}\n}\n',
  );
  await lab.exec('ka68', {
    script: `nft 'add table inet deaf; add chain inet deaf in { type filter hook prerouting priority -300; }'
nft add rule inet deaf in ip saddr 172.16.8.10 ip protocol 112 drop`,
  });
  await eventually('both hold the address', 15_000, async () => (await holders(lab)).length === 2);
  const { result, hearings, findings } = await doctor();
  expect(result.code, said(result)).toBe(1);
  expect(hearings.filter(({ heard }) => !heard).map(({ from, to }) => [from, to])).toEqual([
    ['ka67', 'ka68'],
  ]);
  expect(short(findings)).toEqual([
    'broken not-heard ka68',
    expect.stringMatching(/^broken vrid-collision ka6[78]$/),
    'degraded firewall ka68',
  ]);
  expect(findings.find(({ id }) => id === 'vrid-collision')?.message).toContain(
    '172.16.8.20 advertises VRID 103 on eth0',
  );
});

test('a host that cannot be reached', async () => {
  await lab
    .exec('ka68', { script: 'nft delete table inet deaf; ip link set eth0 down' })
    .catch(() => undefined);
  const { result, findings } = await doctor();
  expect(result.code, said(result)).toBe(3);
  expect(short(findings)).toContain('unreachable unreachable ka68');
});

async function keepalived(text: string): Promise<void> {
  const script = 'cat >/etc/keepalived/keepalived.conf; systemctl restart keepalived';
  await lab.exec('watch', { script }, { stdin: text, check: true });
}
