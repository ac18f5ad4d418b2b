/**
 * Real servers are drained, come back, and are torn down alone: files, daemons and hosts. Machines' kernels often have no
 * IPVS: what its table and clients see of this is in `test/ipvs`. Tests run in this order.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { labSpecOf } from '#cli/commands/lab-spec.ts';
import type { LiveStatus } from '#control/server-status.ts';
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
import { healthy } from '../support/rehearsal.ts';
import { countSshUse } from '../support/sessions.ts';
import { changedTasks, eventsOf, killWhen, ROOT, said, tandem, totalsOf } from '../support/tandem.ts';

const INVENTORY = `${ROOT}inventory/lvs-dr-dual-master.yml`;
const DIRECTORS = ['ka67', 'ka68'] as const;
const WEB8 = '10.16.8.8';
const VIPS = ['10.16.8.100', '10.16.8.101'];
const FIRST = ['net.ipv4.conf.eth1.arp_ignore = 2', 'net.ipv4.conf.eth1.arp_announce = 1'];
const EXPECTED: readonly Exclusion[] = [
  ...EXCLUSIONS,
  { keys: /^file:\/var\/log\/nginx\/access\.log$/, reason: 'health checks' },
  {
    keys: /^unit:network-pre\.target$/,
    reason: 'a target that has been reached stays so until the next boot',
  },
];
let lab: Lab;
let before: ReadonlyMap<string, Snapshot>;

beforeAll(async () => {
  const spec = labSpecOf([INVENTORY], `drain-${process.pid}`);
  const hosts = spec.hosts.map(host =>
    host.name.startsWith('web') ? { ...host, layers: ['services' as const] } : host,
  );
  lab = await labUp({ ...spec, hosts }, { ephemeral: true });
  await Promise.all(['web8', 'web9'].map(host => on(host, 'systemctl start nginx')));
  const verbose = 'echo LogLevel VERBOSE >/etc/ssh/sshd_config.d/verbose.conf; systemctl reload ssh';
  await Promise.all(DIRECTORS.map(director => on(director, verbose)));
  await on('web8', `sysctl -w ${FIRST.map(line => `'${line.replaceAll(' ', '')}'`).join(' ')}`);
  before = await snapshots();
  const built = await ours('apply');
  expect(built.code, said(built)).toBe(0);
  await healthy(lab, INVENTORY);
  await weights('both serve', [1, 1]);
});

afterAll(() => lab?.down());

const on = async (host: string, script: string): Promise<string> =>
  (await lab.exec(host, { script }, { check: true })).stdout;

async function snapshots(): Promise<ReadonlyMap<string, Snapshot>> {
  const taken = ['web8', 'web9'].map(async host => [host, await snapshotHost(lab, host)] as const);
  return new Map(await Promise.all(taken));
}

const ours = (...argv: string[]) =>
  tandem(lab, [...argv, '-i', INVENTORY, '--json', '-e', 'lvs_require_ipvs=false']);

async function live(director: string): Promise<LiveStatus> {
  return JSON.parse(await on(director, '/opt/tandem/current/bin/tandemd status --json')) as LiveStatus;
}

/** Every virtual server of each director has real servers of these weights that are up; undefined: it does not know it. */
async function weights(
  what: string,
  expected: readonly [web8: number | undefined, web9: number],
): Promise<void> {
  await eventually(what, 20_000, async () => {
    const statuses = await Promise.all(DIRECTORS.map(live));
    const seen = statuses.flatMap(({ virtualServers = [] }) =>
      virtualServers.map(({ realServers }) =>
        [WEB8, '10.16.8.9'].map(
          address => realServers.find(({ name, up }) => up && name === `[${address}]:tcp:80`)?.weight,
        ),
      ),
    );
    return seen.length === 4 && seen.every(pair => pair.every((weight, index) => weight === expected[index]));
  });
}

/** What the directors' files give web8. */
const configured = (): Promise<string[]> =>
  Promise.all(
    DIRECTORS.map(async director =>
      (await on(director, `grep -A1 'real_server ${WEB8} ' /etc/tandem/keepalived.conf || :`))
        .split('\n')
        .filter(line => line.includes('weight'))
        .map(line => line.trim())
        .join(', '),
    ),
  );
const ZERO = 'weight 0, weight 0';
const ONE = 'weight 1, weight 1';

async function vipsOf(host: string): Promise<string[]> {
  const shown = await on(host, 'ip -o addr show dev lo');
  return VIPS.filter(vip => shown.includes(` ${vip}/32`));
}

const drained = (result: Awaited<ReturnType<typeof ours>>): string[] =>
  eventsOf(result).flatMap(event => (event.type === 'drain' ? event.status : []));
const warnings = (result: Awaited<ReturnType<typeof ours>>): string[] =>
  eventsOf(result).flatMap(event => (event.type === 'warning' ? event.message : []));

test('drain: weight 0 at every director, backups first, and through every apply', async () => {
  const result = await ours('drain', 'web8');
  expect(result.code, said(result)).toBe(0);
  expect(drained(result)).toEqual(['drained']);
  expect(await configured()).toEqual([ZERO, ZERO]);
  await weights('web8 is drained', [0, 1]);
  const changed = changedTasks(result).map(line => line.replace(/ .*/, ''));
  expect(changed.toSorted()).toEqual(['ka67', 'ka68']);
  const again = await ours('drain', 'web8');
  expect(again.code, said(again)).toBe(0);
  const status = await tandem(lab, ['status', '-i', INVENTORY]);
  expect(status.code, said(status)).toBe(0);
  expect(status.stdout).toContain('web8 is drained at ka67, ka68');
  expect(totalsOf(again)).toMatchObject({ changed: 0, pending: 0 });
  const apply = await ours('apply');
  expect(apply.code, said(apply)).toBe(0);
  expect(totalsOf(apply)).toMatchObject({ changed: 0, pending: 0 });
  expect(warnings(apply)).toEqual([
    expect.stringMatching(/^web8 is drained at ka67, ka68 .*: tandem undrain web8$/),
  ]);
  expect(await configured()).toEqual([ZERO, ZERO]);
});

test('the last one is not drained', async () => {
  const result = await ours('drain', 'web9');
  expect(result.code, said(result)).toBe(1);
  expect(result.stdout).toMatch(/would be left with weight 0, and its quorum is 1/);
  await weights('web9 serves', [0, 1]);
});

test('undrain: not while somebody works on it, nor when it cannot be asked; else it is waited for', async () => {
  const mark = JSON.stringify({ owner: 'bob', reason: 'new disk', untilMs: Date.now() + 600_000 });
  await on('web8', `echo '${mark}' >/var/lib/tandem/maintenance`);
  const marked = await ours('undrain', 'web8');
  expect(marked.code, said(marked)).toBe(1);
  expect(marked.stderr).toContain('under maintenance by bob: new disk');
  await on('web8', 'rm /var/lib/tandem/maintenance');
  await lab.cut('web8', 'eth1');
  const away = await ours('undrain', 'web8');
  await lab.heal();
  expect(away.code, said(away)).toBe(3);
  expect(await configured()).toEqual([ZERO, ZERO]);
  const result = await ours('undrain', 'web8');
  expect(result.code, said(result)).toBe(0);
  expect(drained(result)).toEqual(['undrained']);
  expect(await configured()).toEqual([ONE, ONE]);
  await weights('web8 serves', [1, 1]);
});

test('a director whose file is not as the inventory says is not changed along with it', async () => {
  const path = '/etc/tandem/keepalived.conf';
  await on('ka67', `cp -a ${path} /root/ && echo '# by hand' >>${path}`);
  const result = await ours('drain', 'web8');
  await on('ka67', `cp -a /root/keepalived.conf ${path} && rm /root/keepalived.conf`);
  expect(result.code, said(result)).toBe(1);
  expect(result.stdout).toContain('is not as the inventory says');
  expect(await configured()).toEqual([ONE, ONE]);
});

test('a teardown of everything that is not agreed to leaves the real servers as well', async () => {
  const result = await ours('teardown');
  expect(result.code, said(result)).toBe(1);
  expect(result.stdout).toMatch(/ka6[78]: it serves|it serves: it is MASTER/);
  expect(await vipsOf('web8')).toEqual(VIPS);
  expect(await vipsOf('web9')).toEqual(VIPS);
});

test('a teardown that is killed leaves it drained, and untouched; the next one goes on', async () => {
  const argv = ['teardown', '--limit', 'web8', '-i', INVENTORY, '-e', 'lvs_require_ipvs=false'];
  const plan = await tandem(lab, [...argv, '--check']);
  expect(plan.code, said(plan)).toBe(2);
  expect(await configured()).toEqual([ONE, ONE]);
  await killWhen(lab, argv, event => event.type === 'drain' && event.status === 'drained');
  expect(await vipsOf('web8')).toEqual(VIPS);
  const directors = await ours('apply', '--limit', 'ka67,ka68');
  expect(directors.code, said(directors)).toBe(0);
  const [kept = ''] = await configured();
  expect(['', ZERO]).toContain(kept);
});

test('a teardown of one: its directors have forgotten it, it is as it was, and the other is untouched', async () => {
  const web9 = await snapshotHost(lab, 'web9');
  const result = await ours('teardown', '--limit', 'web8');
  expect(result.code, said(result)).toBe(0);
  expect(drained(result)).toEqual(['drained', 'removed']);
  expect(await configured()).toEqual(['', '']);
  await weights('web8 is not known', [undefined, 1]);
  expect(await vipsOf('web8')).toEqual([]);
  expect(
    (await on('web8', 'sysctl net.ipv4.conf.eth1.arp_ignore net.ipv4.conf.eth1.arp_announce')).trim(),
  ).toBe(FIRST.join('\n'));
  const after = await snapshotHost(lab, 'web8');
  expect(formatDifferences(compareSnapshots(before.get('web8') ?? new Map(), after, EXPECTED))).toBe('');
  const still = await snapshotHost(lab, 'web9');
  expect(formatDifferences(compareSnapshots(web9, still, EXPECTED))).toBe('');
  await healthy(lab, INVENTORY);
});

test('an apply of the directors alone leaves it out, in one exec each; one of all puts it back', async () => {
  const counts = await Promise.all(DIRECTORS.map(director => countSshUse(lab, director)));
  const directors = await ours('apply', '--limit', 'ka67,ka68');
  expect(directors.code, said(directors)).toBe(0);
  expect(totalsOf(directors)).toMatchObject({ changed: 0, pending: 0 });
  expect(warnings(directors)).toEqual([
    expect.stringMatching(/^web8 was torn down .* gets nothing from ka67, ka68/),
  ]);
  for (const count of counts) expect(await count()).toMatchObject({ connections: 1, execs: 1 });
  const undrain = await ours('undrain', 'web8');
  expect(undrain.code, said(undrain)).toBe(1);
  expect(await configured()).toEqual(['', '']);
  const all = await ours('apply');
  expect(all.code, said(all)).toBe(0);
  expect(warnings(all)).toEqual([]);
  expect(await configured()).toEqual([ONE, ONE]);
  expect(await vipsOf('web8')).toEqual(VIPS);
  await weights('both serve', [1, 1]);
  const second = await ours('apply');
  expect(totalsOf(second)).toMatchObject({ changed: 0, pending: 0, failed: 0 });
});

test('what cannot be is wrong usage', async () => {
  for (const [argv, message] of [
    [['drain', 'web7'], /no host web7/],
    [['teardown', '--limit', 'web8,ka68'], /tear down web8 first, then ka68/],
  ] as const) {
    const result = await ours(...argv);
    expect(result.code, said(result)).toBe(64);
    expect(result.stderr).toMatch(message);
  }
});

test('all of it goes: real servers, then directors, to the byte', async () => {
  const torn = await ours('teardown', '--yes', 'lvs-dr-dual-master');
  expect(torn.code, said(torn)).toBe(0);
  const done = eventsOf(torn).flatMap(event => (event.type === 'host-done' ? event.host : []));
  expect(done.slice(0, 2).toSorted()).toEqual(['web8', 'web9']);
  for (const [host, snapshot] of await snapshots()) {
    const differences = compareSnapshots(before.get(host) ?? new Map(), snapshot, EXPECTED);
    expect(formatDifferences(differences)).toBe('');
  }
});
