import { execFileSync, spawn } from 'node:child_process';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { RunEvent } from '#control/events.ts';
import type { HostPlan } from '#provision/model/plan.ts';
import { type Fragment, sh } from '#provision/model/shell.ts';
import { LOCAL_PATHS, LocalHosts } from '#testing/local-hosts.ts';
import { say, type Toy, toyHosts } from '#testing/toy-planner.ts';
import type { ApplyOptions } from './api.ts';
import type { Answers, RunHost } from './ports.ts';
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

describe('locks', () => {
  const boot = (): string =>
    execFileSync('cat', ['/proc/sys/kernel/random/boot_id'], { encoding: 'utf8' }).trim();
  const startedAt = (pid: number): string => {
    const stat = execFileSync('cat', [`/proc/${pid}/stat`], { encoding: 'utf8' });
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
  };

  test('one that a living session holds is waited for, and its holder named', async () => {
    const holder = spawn('sleep', ['60']);
    const pid = holder.pid ?? 0;
    execFileSync('mkdir', ['-p', `${hosts.root}/ka68/run`]);
    hosts.write('ka68', 'run/lock', `${boot()} ${pid} ${startedAt(pid)}\nbob@laptop\n`);
    const settings = { lockTimeoutMs: 2000 };
    const report = await apply(toyHosts(pair()), { settings });
    expect(report.exitCode).toBe(1);
    expect(report.hosts.get('ka68')?.failure?.message).toMatch(
      /another run holds the lock: bob@laptop \(process \d+/,
    );
    expect(ofType('host-phase').map(event => event.detail)).toContain(
      `locked by bob@laptop (process ${pid} on this host)`,
    );
    expect(hosts.read('ka67', 'turn')).toBeUndefined();

    const refusals = () => ofType('host-phase').filter(event => event.detail?.startsWith('locked by')).length;
    const refusedBefore = refusals();
    const waiting = apply(toyHosts(pair()), { settings: { lockTimeoutMs: 10_000 } });
    await expect.poll(refusals, { timeout: 10_000 }).toBeGreaterThan(refusedBefore);
    // What the other run has done meanwhile is not done again.
    hosts.write('ka68', 'turn', '');
    holder.kill();
    expect((await waiting).exitCode).toBe(0);
    expect(hosts.log).toContain('ka67 turn');
    expect(hosts.log).not.toContain('ka68 turn');
  });

  test('what another run did between our reading and our locking is read, though it holds no lock any more', async () => {
    execFileSync('mkdir', ['-p', `${hosts.root}/ka68/state`]);
    const emit = (event: RunEvent): void => {
      events.push(event);
      if (event.type !== 'host-phase' || event.host !== 'ka68' || event.phase !== 'planned') return;
      hosts.write('ka68', 'early', '');
      hosts.write('ka68', 'turn', '');
      hosts.write('ka68', 'state/ledger', '{"t":"done","r":"early"}\n');
    };
    expect((await apply(toyHosts(pair()), { emit })).exitCode).toBe(0);
    expect(hosts.log).toContain('ka67 turn');
    expect(hosts.log).not.toContain('ka68 early');
    expect(hosts.log).not.toContain('ka68 turn');
  });

  test('what another run did between our first reading and our second is read again', async () => {
    execFileSync('mkdir', ['-p', `${hosts.root}/ka68/state`]);
    const list = toyHosts(pair()).map(host => (host.access.name === 'ka68' ? readTwice(host) : host));
    expect((await apply(list)).exitCode).toBe(0);
    expect(hosts.log).toContain('ka67 turn');
    expect(hosts.log).not.toContain('ka68 turn');
  });

  /** A host whose plan takes two readings, the second of which asks for less. */
  function readTwice(host: RunHost): RunHost {
    let first: Answers | undefined;
    let plans = 0;
    const { planner } = host;
    const plan = (answers: Answers): HostPlan => {
      plans += 1;
      if (plans > 2) return planner.plan(answers);
      const complete = planner.plan((first ??= answers));
      if (plans === 2) return complete;
      for (const name of ['early', 'turn']) hosts.write('ka68', name, '');
      hosts.write('ka68', 'state/ledger', '{"t":"done","r":"early"}\n');
      return { ...complete, tasks: [], early: [], turn: [], gates: [], barrier: true };
    };
    return { ...host, planner: { ...planner, plan } };
  }

  test.each([
    ['of another boot', () => `0000 ${process.pid} ${startedAt(process.pid)}`],
    ['of a process that is gone', () => `${boot()} 4194399 1`],
    ['of a process whose number was used again', () => `${boot()} ${process.pid} 1`],
    ['that was never finished', () => ''],
  ])('one %s counts for nothing', async (_name, text) => {
    execFileSync('mkdir', ['-p', `${hosts.root}/ka67/run`]);
    hosts.write('ka67', 'run/lock', `${text()}\nbob@laptop\n`);
    expect((await apply(toyHosts(pair()), { settings: { lockTimeoutMs: 0 } })).exitCode).toBe(0);
  });
});

describe('maintenance', () => {
  const mark = (untilMs: number): void => {
    execFileSync('mkdir', ['-p', `${hosts.root}/ka67/state`]);
    hosts.write('ka67', 'state/maintenance', JSON.stringify({ owner: 'bob', reason: 'new disk', untilMs }));
  };

  test('a marked host is reported and not disturbed', async () => {
    mark(Date.now() + 60_000);
    const report = await apply(toyHosts(pair()));
    expect(report.exitCode).toBe(2);
    expect(hosts.read('ka67', 'turn')).toBeUndefined();
    expect(hosts.read('ka68', 'turn')).toBe('');
    expect(ofType('warning')[0]?.message).toMatch(/under maintenance by bob: new disk/);
  });

  test('a mark ends', async () => {
    mark(Date.now() - 1);
    expect((await apply(toyHosts(pair()))).exitCode).toBe(0);
  });
});

describe('changes that may cut the connection', () => {
  const guarded = (cuts: Fragment): Toy => ({
    guarded: cuts,
    selfRevert: sh`echo reverted >>../log; rm -f guarded`,
  });
  const alone = (selfRevertMs: number) => ({
    clusters: [],
    settings: { paths: LOCAL_PATHS, selfRevertMs, owner: 'ann@desk' },
  });

  test('stay when a new connection works', async () => {
    const transport = hosts.transport();
    const report = await apply(toyHosts({ ka67: guarded(say('cut')) }), { ...alone(5000), transport });
    expect(report).toMatchObject({ exitCode: 0 });
    expect(transport.of('ka67').connections).toBe(2);
    expect(hosts.log).toEqual(['cut']);
    // What the timer would run is gone.
    expect(hosts.read('ka67', 'run/revert')).toBeUndefined();
  });

  test('are taken back by the host itself when it does not, and the run says so', async () => {
    const cut = (): boolean => hosts.log.includes('cut');
    const transport = hosts.transport({ unreachable: cut });
    const report = await apply(toyHosts({ ka67: guarded(say('cut')) }), { ...alone(500), transport });
    expect(report.exitCode).toBe(1);
    expect(report.hosts.get('ka67')?.failure?.message).toMatch(
      /no new connection within 1 s, and the host takes the change back/,
    );
    await expect.poll(() => hosts.log, { timeout: 10_000 }).toEqual(['cut', 'reverted']);
    await expect.poll(() => hosts.read('ka67', 'guarded'), { timeout: 10_000 }).toBeUndefined();
  });

  test('wait for the turn where the daemon needs what they close, and the lock is held throughout', async () => {
    const holder = sh`read -r _ p _ <run/lock; kill -0 "$p" && echo locked >>../log`;
    const toy = { ...guarded(say('cut')), guardedInTurn: true, early: say('early'), turn: holder } as const;
    const transport = hosts.transport();
    const report = await apply(toyHosts({ ka67: toy }), { ...alone(5000), transport });
    expect(report).toMatchObject({ exitCode: 0 });
    expect(transport.of('ka67').connections).toBe(2);
    expect(hosts.log).toEqual(['early', 'tandemd status --json', 'cut', 'locked']);
    expect(hosts.read('ka67', 'run/lock')).toBeUndefined();
  });

  test('do not come without the turn', async () => {
    execFileSync('mkdir', ['-p', `${hosts.root}/ka67/state`]);
    const mark = { owner: 'bob', reason: 'new disk', untilMs: Date.now() + 60_000 };
    hosts.write('ka67', 'state/maintenance', JSON.stringify(mark));
    const toy = { ...guarded(say('cut')), guardedInTurn: true, turn: say('turn') } as const;
    expect((await apply(toyHosts({ ka67: toy }), alone(5000))).exitCode).toBe(2);
    expect(hosts.log).not.toContain('cut');
  });

  test('are taken back at once when one of them fails', async () => {
    const report = await apply(
      toyHosts({ ka67: guarded(sh`touch guarded; echo broken >&2; exit 1`) }),
      alone(5000),
    );
    expect(report.exitCode).toBe(1);
    expect(hosts.log).toEqual(['reverted']);
    expect(hosts.read('ka67', 'guarded')).toBeUndefined();
  });
});

describe('teardown', () => {
  const down = (name: string): Toy => ({
    turn: sh`echo ${`${name} down`} >>../log; rm -f status.json`,
    effect: 'restart',
  });
  const teardown = { yes: ['pair'] };
  beforeEach(() => {
    hosts.runs('ka67', 'MASTER');
    hosts.runs('ka68', 'BACKUP');
  });

  test('the backup, then the master, without a switchover, and no lock directory stays', async () => {
    const report = await apply(toyHosts(pair(down)), { teardown, command: 'teardown' });
    expect(report.exitCode).toBe(0);
    expect(hosts.log.filter(line => / down|handover/.test(line))).toEqual(['ka68 down', 'ka67 down']);
    // The toy leaves its audit log; a host without it loses the directory too.
    expect(hosts.read('ka67', 'run/lock')).toBeUndefined();
  });

  test('a host that serves needs its cluster’s name', async () => {
    const report = await apply(toyHosts(pair(down)), { teardown: { yes: ['other'] }, command: 'teardown' });
    expect(report.exitCode).toBe(1);
    expect(report.hosts.get('ka67')?.failure?.message).toMatch(
      /MASTER of VG_1. If that shall end, give --yes pair/,
    );
    expect(hosts.log.filter(line => line.includes('down'))).toEqual([]);
  });

  test('a backup may go without it, and a dead member holds nobody up', async () => {
    const transport = hosts.transport({ unreachable: host => host === 'ka67' });
    const report = await apply(toyHosts(pair(down)), { teardown: { yes: [] }, transport });
    expect(report.exitCode).toBe(3);
    expect(hosts.log).toContain('ka68 down');
  });
});

describe('an interrupted run', () => {
  test('ends between two steps: what has begun is finished, later turns do not begin, locks are given back', async () => {
    const interrupt = new AbortController();
    const transport = hosts.transport();
    const running = apply(toyHosts(pair()), {
      transport,
      signal: interrupt.signal,
      emit: event => {
        events.push(event);
        if (event.type === 'gate' && event.status === 'passed') interrupt.abort();
      },
    });
    const report = await running;
    expect(report.exitCode).toBe(1);
    expect(hosts.read('ka67', 'turn')).toBe('');
    expect(hosts.read('ka68', 'turn')).toBeUndefined();
    expect(report.hosts.get('ka68')?.failure?.message).toMatch(/interrupted/);
    expect(hosts.read('ka67', 'run/lock')).toBeUndefined();
  });
});
