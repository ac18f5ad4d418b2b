import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { RunEvent } from '#control/events.ts';
import { sh } from '#provision/model/shell.ts';
import { LOCAL_PATHS, LocalHosts } from '#testing/local-hosts.ts';
import { say, type Toy, toyHosts } from '#testing/toy-planner.ts';
import type { ApplyOptions } from './api.ts';
import type { HostPlanner, RunHost } from './ports.ts';
import { run } from './run.ts';

const NAMES = ['ka67', 'ka68', 'ka69'];
let hosts: LocalHosts;
let events: RunEvent[];
beforeEach(() => {
  hosts = new LocalHosts(NAMES);
  events = [];
});
afterEach(() => hosts.remove());

function apply(list: readonly RunHost[], more: Partial<ApplyOptions> = {}) {
  return run({
    command: 'apply',
    hosts: list,
    clusters: [{ name: 'pair', members: ['ka67', 'ka68'] }],
    transport: hosts.transport(),
    emit: event => events.push(event),
    ...more,
    settings: { paths: LOCAL_PATHS, silenceTimeoutMs: 5000, owner: 'ann@desk', ...more.settings },
  });
}

const ordinary = (name: string): Toy => ({
  early: say(`${name} early`),
  turn: say(`${name} turn`),
  handler: say(`${name} handler`),
  gate: say(`${name} gate`),
});
const pair = (toy: (name: string) => Toy = ordinary): Record<string, Toy> => ({
  ka67: toy('ka67'),
  ka68: toy('ka68'),
});
const ofType = <T extends RunEvent['type']>(type: T) =>
  events.filter((event): event is Extract<RunEvent, { type: T }> => event.type === type);

describe('a new cluster', () => {
  test('early on all hosts, then turn by turn in order of preference, each verified; afterwards there is nothing to do', async () => {
    const first = await apply(toyHosts(pair()));
    expect(first.exitCode).toBe(0);
    expect(hosts.log.slice(0, 2).toSorted()).toEqual(['ka67 early', 'ka68 early']);
    expect(hosts.log.slice(2).filter(line => !line.startsWith('tandemd'))).toEqual([
      'ka67 turn',
      'ka67 handler',
      'ka67 gate',
      'ka68 turn',
      'ka68 handler',
      'ka68 gate',
    ]);
    expect(first.hosts.get('ka67')?.tally).toMatchObject({ changed: 2, ok: 0, failed: 0, pending: 0 });
    expect(ofType('handler').map(event => event.status)).toEqual(['ran', 'ran']);
    expect(ofType('gate').map(event => event.status)).toEqual(['waiting', 'passed', 'waiting', 'passed']);
    expect(hosts.read('ka67', 'run/lock')).toBeUndefined();

    events = [];
    const transport = hosts.transport();
    const lines = hosts.log.length;
    const second = await apply(toyHosts(pair()), { transport });
    expect(second).toMatchObject({ exitCode: 0 });
    expect(second.hosts.get('ka68')?.tally).toMatchObject({ ok: 2, changed: 0 });
    expect(hosts.log).toHaveLength(lines);
    for (const host of ['ka67', 'ka68']) {
      expect(transport.of(host)).toMatchObject({ connections: 1 });
      expect(transport.of(host).commands).toHaveLength(1);
    }
  });

  test('check mode writes nothing and says 2', async () => {
    const report = await apply(toyHosts(pair()), { check: true, command: 'plan' });
    expect(report.exitCode).toBe(2);
    expect(hosts.log).toEqual([]);
    expect(hosts.read('ka67', 'early')).toBeUndefined();
    expect(hosts.read('ka67', 'state/audit.log')).toBeUndefined();
    expect(ofType('task').map(event => event.status)).toEqual(['pending', 'pending', 'pending', 'pending']);
  });
});

describe('a running cluster', () => {
  beforeEach(() => {
    hosts.runs('ka67', 'MASTER');
    hosts.runs('ka68', 'BACKUP');
  });
  const restarting = (name: string): Toy => ({ ...ordinary(name), effect: 'restart' });

  test('the backup first, then a switchover, then the master', async () => {
    const report = await apply(toyHosts(pair(restarting)));
    expect(report.exitCode).toBe(0);
    const order = hosts.log.filter(line => / turn|gate|handover/.test(line));
    expect(order).toEqual([
      'ka68 turn',
      'ka68 gate',
      'tandemd handover --timeout 30 VG_1',
      'ka67 turn',
      'ka67 gate',
    ]);
    expect(ofType('switchover')).toEqual([
      { type: 'switchover', cluster: 'pair', from: 'ka67', instances: ['VG_1'] },
    ]);
  });

  test('a reload needs no switchover', async () => {
    expect((await apply(toyHosts(pair()))).exitCode).toBe(0);
    expect(hosts.log.filter(line => line.includes('handover'))).toEqual([]);
  });

  test('a master that nobody could relieve is left alone', async () => {
    hosts.runs('ka68', 'FAULT');
    const report = await apply(toyHosts(pair(restarting)));
    expect(report.exitCode).toBe(2);
    expect(hosts.log).toContain('ka68 turn');
    expect(hosts.log).not.toContain('ka67 turn');
    expect(
      ofType('warning')
        .map(event => event.message)
        .join(),
    ).toMatch(/nobody could take over VG_1/);
    expect((await apply(toyHosts(pair(restarting)), { forceDegraded: true })).exitCode).toBe(0);
  });

  test('two that go on as MASTER do not hear each other: the roll stops there', async () => {
    const deaf = { ...restarting('ka68'), turn: sh`sed -i 's/"BACKUP"/"MASTER"/' status.json` };
    const report = await apply(toyHosts({ ...pair(restarting), ka68: deaf }), {
      settings: { rivalryMs: 100 },
    });
    expect(report.exitCode).toBe(1);
    expect(report.hosts.get('ka68')?.failure?.message).toMatch(
      /ka68 and ka67 are MASTER of VG_1 at the same time: they do not hear each other/,
    );
    expect(hosts.log).not.toContain('ka67 turn');
  });

  test('a daemon that cannot wait itself is asked until all is as it should be', async () => {
    const asked = (name: string): Toy => ({
      ...ordinary(name),
      gate: say(`${name} gate`),
      until: new Map([['VG_1', ['MASTER', 'BACKUP']]]),
    });
    expect((await apply(toyHosts(pair(asked)))).exitCode).toBe(0);
    expect(hosts.log.filter(line => line === 'held')).toHaveLength(2);
    expect(hosts.log.filter(line => line.startsWith('tandemd status')).length).toBeGreaterThan(2);
  });

  test('and a gate says what is not, and stops there', async () => {
    const asked = (name: string): Toy => ({
      ...ordinary(name),
      until: new Map([['VG_1', [name === 'ka68' ? 'FAULT' : 'MASTER']]]),
    });
    const report = await apply(toyHosts(pair(asked)));
    expect(report.exitCode).toBe(1);
    expect(report.hosts.get('ka68')?.failure?.message).toMatch(/VG_1: is BACKUP, expected FAULT/);
    expect(hosts.log).toContain('stopped');
    expect(hosts.log).not.toContain('ka67 turn');
  });

  test('a daemon that reads another file is not what the gate is about', async () => {
    const elsewhere = (name: string): Toy => ({
      ...ordinary(name),
      turn: sh`sed -i 's|/etc/tandem|/etc/other|' status.json`,
      until: new Map([['VG_1', ['MASTER', 'BACKUP']]]),
    });
    const report = await apply(toyHosts(pair(elsewhere)));
    expect(report.exitCode).toBe(1);
    expect(report.hosts.get('ka68')?.failure?.message).toMatch(
      /it reads \/etc\/other\/keepalived\.conf, not \/etc\/tandem\/keepalived\.conf/,
    );
  });

  test('a switchover that fails leaves the master as it is, and lets it preempt', async () => {
    hosts.write('ka67', 'no-handover', '');
    const report = await apply(toyHosts(pair(restarting)));
    expect(report.exitCode).toBe(1);
    expect(hosts.log).not.toContain('ka67 turn');
    expect(hosts.log).toContain('tandemd handover --end VG_1');
    expect(report.hosts.get('ka67')?.failure?.message).toMatch(/no other router took over/);
  });
});

describe('failures', () => {
  test('a gate that does not hold stops its cluster; live files of later hosts stay; others go on', async () => {
    const toys = { ...pair(), ka69: ordinary('ka69') };
    const stuck = { ...toys, ka67: { ...ordinary('ka67'), gate: sh`echo 'VG_1: is FAULT' >&2; exit 1` } };
    const clusters = [
      { name: 'pair', members: ['ka67', 'ka68'] },
      { name: 'single', members: ['ka69'] },
    ];
    const report = await apply(toyHosts(stuck), { clusters });
    expect(report.exitCode).toBe(1);
    expect(hosts.read('ka68', 'turn')).toBeUndefined();
    expect(hosts.read('ka69', 'turn')).toBe('');
    expect(report.hosts.get('ka67')?.failure).toMatchObject({
      step: 'gate "gate"',
      message: expect.stringContaining('VG_1: is FAULT'),
    });
    expect(report.hosts.get('ka68')?.tally).toMatchObject({ changed: 1, pending: 1 });
    expect(report.hosts.get('ka69')?.tally).toMatchObject({ changed: 2 });
  });

  test('a step that fails is a failed task with the host’s words', async () => {
    const report = await apply(
      toyHosts(pair(name => ({ early: sh`echo no space left >&2; false; touch ${name}-after` }))),
    );
    expect(report.exitCode).toBe(1);
    expect(
      ofType('task')
        .filter(event => event.status === 'failed')
        .map(event => event.reason),
    ).toEqual(['no space left', 'no space left']);
    expect(hosts.read('ka67', 'ka67-after')).toBeUndefined();
  });

  test('what a host says is masked before anybody sees it', async () => {
    const toy: Toy = { early: sh`echo 'bad password sesame' >&2; exit 1` };
    const report = await apply(toyHosts({ ka67: toy }), {
      clusters: [],
      redact: text => text.replaceAll('sesame', '‹secret›'),
    });
    expect(report.hosts.get('ka67')?.failure?.message).toContain('bad password ‹secret›');
    expect(JSON.stringify(events)).not.toContain('sesame');
  });

  test('an unreachable member: the rest is staged and not disturbed, unless forced', async () => {
    const transport = hosts.transport({ unreachable: host => host === 'ka68' });
    const report = await apply(toyHosts(pair()), { transport });
    expect(report.exitCode).toBe(3);
    expect(hosts.log).toEqual(['ka67 early']);
    expect(report.hosts.get('ka67')?.tally).toMatchObject({ changed: 1, pending: 1 });
    expect(report.hosts.get('ka68')?.failure).toMatchObject({ unreachable: true });
    expect(
      ofType('warning')
        .map(event => event.message)
        .join(),
    ).toMatch(/--force-degraded/);
    await apply(toyHosts(pair()), { transport, forceDegraded: true });
    expect(hosts.log).toContain('ka67 gate');
  });

  test('a planner that cannot use the variables makes it 64', async () => {
    const { InputError } = await import('#base/errors.ts');
    const [ka67, ka68] = toyHosts(pair());
    const broken: HostPlanner = {
      probe: () => ({ parts: [] }),
      plan: () => {
        throw new InputError([{ id: 'x', severity: 'error', message: 'vrrp_pass is not defined' }]);
      },
    };
    if (!ka67 || !ka68) throw new Error('two hosts');
    expect((await apply([{ ...ka67, planner: broken }, ka68])).exitCode).toBe(64);
  });
});

describe('the limit', () => {
  test('a member outside it is read and locked, and not changed', async () => {
    const seesLock: Toy = {
      ...ordinary('ka67'),
      turn: sh`[ -s ../ka68/run/lock ] && [ -s run/lock ]; echo locked >>../log`,
    };
    const transport = hosts.transport();
    const report = await apply(toyHosts({ ...pair(), ka67: seesLock }, ['ka67']), { transport });
    expect(report.exitCode).toBe(0);
    expect(hosts.log).toContain('locked');
    expect(hosts.read('ka68', 'early')).toBeUndefined();
    expect(hosts.read('ka68', 'run/lock')).toBeUndefined();
    expect([...report.hosts.keys()]).toEqual(['ka67']);
  });

  test('it is not contacted when nothing is to be disturbed', async () => {
    const transport = hosts.transport();
    await apply(toyHosts({ ka67: { early: say('early') }, ka68: {} }, ['ka67']), { transport });
    expect(transport.of('ka68').connections).toBe(0);
  });
});
