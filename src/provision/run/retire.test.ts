/** Real servers leave their directors, and are taken down after that: order, locks, refusals. Directors are toys. */
import { mkdirSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { RunEvent } from '#control/events.ts';
import type { RealServerStatus, VirtualServerStatus } from '#control/server-status.ts';
import {
  type Departure,
  departureChanges,
  type DepartureOrders,
  type LeavingService,
} from '#provision/model/departures.ts';
import type { HostPlan, Step } from '#provision/model/plan.ts';
import { sh } from '#provision/model/shell.ts';
import { LOCAL_PATHS, LocalHosts } from '#testing/local-hosts.ts';
import { say, toyHosts } from '#testing/toy-planner.ts';
import type { ApplyOptions } from './api.ts';
import type { HostPlanner, RunHost } from './ports.ts';
import { leaveOrders, type RetireOptions } from './retire.ts';
import { run } from './run.ts';

const DIRECTORS = ['ka67', 'ka68'];
const VIRTUAL = '[10.16.8.100]:tcp:80';
let hosts: LocalHosts;
let events: RunEvent[];
beforeEach(() => {
  hosts = new LocalHosts([...DIRECTORS, 'web8', 'web9']);
  events = [];
  hosts.runs('ka67', 'MASTER');
  hosts.runs('ka68', 'BACKUP');
  for (const name of DIRECTORS) serve(name, {});
});
afterEach(() => hosts.remove());

function real(address: string, more: Partial<RealServerStatus> = {}): RealServerStatus {
  const traffic = { connections: 0, packetsIn: 0, packetsOut: 0, bytesIn: 0, bytesOut: 0 };
  const counts = { activeConnections: 0, inactiveConnections: 0, traffic, checkers: [] };
  return { name: `[${address}]:tcp:80`, up: true, weight: 1, weightInKernel: 1, ...counts, ...more };
}

/** What a director's tandemd says of one virtual server with web8 and web9. */
function serve(
  director: string,
  web8: Partial<RealServerStatus>,
  web9: Partial<RealServerStatus> = {},
): void {
  const status = JSON.parse(hosts.read(director, 'status.json') ?? '{}') as object;
  const reals = [real('10.16.8.8', web8), real('10.16.8.9', web9)];
  const up = reals.filter(each => each.up).reduce((sum, { weight }) => sum + weight, 0);
  const server: Partial<VirtualServerStatus> = {
    name: VIRTUAL,
    liveWeight: up,
    quorum: 1,
    inKernel: true,
    realServers: reals,
  };
  hosts.write(director, 'status.json', JSON.stringify({ ...status, virtualServers: [server] }));
}

/** A director whose configuration is a file that holds how web8 has left; the turn does to status.json what a reload would. */
function director(name: string, orders: DepartureOrders): RunHost {
  let wanted = orders;
  const planner: HostPlanner = {
    depart: next => (wanted = next),
    probe: () => ({
      parts: [
        { id: 'mark', fragment: sh`cat mark 2>/dev/null || :` },
        { id: 'live', fragment: sh`cat status.json` },
      ],
    }),
    plan: answers => {
      const text = (id: string): string => new TextDecoder().decode(answers.get(id)?.stdout);
      const mark = text('mark').trim();
      const present = mark === '' ? [] : [JSON.parse(mark) as Departure];
      const departures = departureChanges(present, wanted);
      const changed = departures.left.length + departures.returned.length > 0;
      const [left] = departures.inForce;
      const weight = left ? '0' : '1';
      const fragment = sh`echo ${`${name} ${left?.state ?? 'serves'}`} >>../log
printf %s ${left ? JSON.stringify(left) : ''} >mark
sed -i ${`s/\\(10.16.8.8[^}]*"weight":\\)1,"weightInKernel":1/\\1${weight},"weightInKernel":${weight}/`} status.json`;
      const turn: Step[] = changed ? [{ kind: 'note', name: 'turn', fragment }] : [];
      const plan: HostPlan = {
        host: name,
        tasks: [],
        early: [],
        guarded: [],
        selfRevert: undefined,
        turn,
        gates: [],
        departures,
        resumed: [],
        live: text('live') === '' ? undefined : (JSON.parse(text('live')) as NonNullable<HostPlan['live']>),
        barrier: false,
      };
      return plan;
    },
  };
  return { access: { name }, planner, selected: true };
}

const services: LeavingService[] = [
  {
    host: 'web8',
    instance: 'VG_1',
    virtual: VIRTUAL,
    real: { address: '10.16.8.8', port: 80 },
    undrainable: undefined,
    drainTimeoutS: undefined,
  },
];
const mark = { state: 'drained', owner: 'ann@desk', atMs: 1 } as const;
const cluster = { name: 'lvs', members: DIRECTORS, realServers: ['web8', 'web9'] };

function go(
  what: RetireOptions['what'],
  orders: DepartureOrders,
  more: Partial<ApplyOptions> = {},
  retire: Partial<NonNullable<ApplyOptions['retire']>> = {},
) {
  return run({
    command: what,
    hosts: DIRECTORS.map(name => director(name, orders)),
    clusters: [cluster],
    transport: hosts.transport(),
    emit: event => events.push(event),
    retire: {
      what,
      hosts: ['web8'],
      directors: [],
      clusters: ['lvs'],
      services: name => (DIRECTORS.includes(name) ? services : []),
      timeoutMs: 0,
      force: () => false,
      ...retire,
    },
    ...more,
    settings: {
      paths: LOCAL_PATHS,
      silenceTimeoutMs: 5000,
      lockTimeoutMs: 0,
      owner: 'ann@desk',
      ...more.settings,
    },
  });
}

const drain = (more: Partial<ApplyOptions> = {}, retire: Partial<RetireOptions> = {}) =>
  go('drain', leaveOrders(['web8'], { ...mark, cause: 'drain' }), more, retire);
const undrain = () =>
  go('undrain', { leave: [], returns: ({ cause }) => cause === 'drain', nothingElse: true });

/** web8's teardown, which says so, and whether its directors were locked meanwhile. */
const down = sh`echo web8 down, locked: $(cd .. && for h in ka67 ka68; do [ ! -e $h/run/lock ] || echo $h; done) >>../log`;

function teardown(
  more: Partial<ApplyOptions> = {},
  retire: Partial<NonNullable<ApplyOptions['retire']>> = {},
) {
  const orders = leaveOrders(['web8'], { ...mark, cause: 'teardown' });
  const all = [
    ...DIRECTORS.map(name => director(name, orders)),
    ...toyHosts({ web8: { turn: down, effect: 'restart' } }),
  ];
  return go('remove', orders, { hosts: all, teardown: { yes: [] }, ...more }, retire);
}

const log = (): string[] => hosts.log.filter(line => !line.startsWith('tandemd'));
const statuses = (): string[] => events.flatMap(event => (event.type === 'drain' ? event.status : []));
const failures = (): string =>
  events.flatMap(event => (event.type === 'host-failed' ? event.message : [])).join('\n');

function expectUnlocked(): void {
  for (const name of DIRECTORS) expect(hosts.read(name, 'run/lock')).toBeUndefined();
}

describe('drain', () => {
  test('the backup, then the master; a second time there is nothing to do, and undrain takes it back', async () => {
    expect((await drain()).exitCode).toBe(0);
    expect(log()).toEqual(['ka68 drained', 'ka67 drained']);
    expect(statuses()).toEqual(['drained']);
    expect((await drain()).exitCode).toBe(0);
    expect(log()).toHaveLength(2);
    expect((await undrain()).exitCode).toBe(0);
    expect(log().slice(2)).toEqual(['ka68 serves', 'ka67 serves']);
    expect(statuses().at(-1)).toBe('undrained');
    expectUnlocked();
  });

  test('open connections at the master are waited for; when time is up it says so and stays drained', async () => {
    serve('ka67', { activeConnections: 3 });
    expect((await drain()).exitCode).toBe(1);
    expect(failures()).toMatch(/3 connections are left on web8 after 0 s; .* the same command waits on/);
    expect(log()).toEqual(['ka68 drained', 'ka67 drained']);
    expectUnlocked();
  });

  test('connections that a backup knows of by synchronisation are not waited for', async () => {
    serve('ka68', { activeConnections: 3 });
    expect((await drain()).exitCode).toBe(0);
  });

  test.each([
    ['the last one', () => serve('ka67', {}, { up: false }), /would be left with weight 0 .* needs 1/],
    [
      'a director is silent',
      () => hosts.write('ka68', 'status.json', ''),
      /ka68 runs no VRRP daemon that answers/,
    ],
  ])('%s: refused, and nothing is disturbed', async (_name, prepare, message) => {
    prepare();
    expect((await drain()).exitCode).not.toBe(0);
    expect(failures()).toMatch(message);
    expect(log()).toEqual([]);
    expectUnlocked();
  });

  test('forced it is done, with a warning', async () => {
    serve('ka67', {}, { up: false });
    expect((await drain({}, { force: () => true })).exitCode).toBe(0);
    expect(log()).toEqual(['ka68 drained', 'ka67 drained']);
    const warnings = events.flatMap(event => (event.type === 'warning' ? event.message : []));
    expect(warnings).toContainEqual(expect.stringContaining('would be left with weight 0'));
  });

  test('one that is down may leave, whoever is left', async () => {
    for (const name of DIRECTORS) serve(name, { up: false }, { up: false });
    expect((await drain()).exitCode).toBe(0);
  });

  test('a director under maintenance is not reloaded, so nothing is done', async () => {
    mkdirSync(`${hosts.root}/ka68/state`);
    const untilMs = Date.now() + 60_000;
    hosts.write('ka68', 'state/maintenance', JSON.stringify({ owner: 'bob', reason: 'disk', untilMs }));
    expect((await drain()).exitCode).toBe(1);
    expect(failures()).toMatch(/ka68 is under maintenance by bob: disk/);
    expect(log()).toEqual([]);
  });

  test('a director that cannot be reached: refused, unless forced', async () => {
    const transport = () => hosts.transport({ unreachable: host => host === 'ka68' });
    expect((await drain({ transport: transport() })).exitCode).toBe(3);
    expect(log()).toEqual([]);
    expect((await drain({ transport: transport(), forceDegraded: true })).exitCode).toBe(3);
    expect(log()).toEqual(['ka67 drained']);
  });
});

describe('a director leaves', () => {
  const leave = (more: Partial<RetireOptions> = {}) => {
    const orders = leaveOrders(['ka67'], { ...mark, cause: 'drain' });
    const nothing = { ...orders, leave: [] };
    const all = DIRECTORS.map(name => director(name, name === 'ka67' ? orders : nothing));
    return go(
      'drain',
      orders,
      { hosts: all },
      { hosts: ['ka67'], directors: ['ka67'], services: () => [], ...more },
    );
  };
  const steps = (): string[] => hosts.log.filter(line => !line.startsWith('tandemd status'));

  test('others take over, then its file changes, then nothing holds it back but that', async () => {
    expect((await leave()).exitCode).toBe(0);
    expect(steps()).toEqual([
      'tandemd handover --timeout 30 VG_1',
      'ka67 drained',
      'tandemd handover --end VG_1',
    ]);
    expect(statuses()).toEqual(['yielded']);
    expectUnlocked();
    expect((await leave()).exitCode).toBe(0);
    expect(steps()).toHaveLength(3);
  });

  test('where nobody could take over it stays', async () => {
    hosts.runs('ka68', 'FAULT');
    expect((await leave()).exitCode).toBe(1);
    expect(failures()).toMatch(/nobody could take over VG_1 from ka67 \(--force-degraded/);
    expect(steps()).toEqual([]);
  });

  test('where the handover fails its file stays as it is', async () => {
    hosts.write('ka67', 'no-handover', '');
    expect((await leave()).exitCode).toBe(1);
    expect(steps()).not.toContain('ka67 drained');
    expect(steps().at(-1)).toBe('tandemd handover --end VG_1');
    expectUnlocked();
  });
});

describe('teardown of a real server alone', () => {
  test('drained, forgotten, and taken down while its directors are locked', async () => {
    expect((await teardown()).exitCode).toBe(0);
    expect(log()).toEqual([
      'ka68 drained',
      'ka67 drained',
      'ka68 removed',
      'ka67 removed',
      'web8 down, locked: ka67 ka68',
    ]);
    expect(statuses()).toEqual(['drained', 'removed']);
    expectUnlocked();
  });

  test('connections that are left when time is up end, and it says so', async () => {
    serve('ka67', { activeConnections: 3 });
    expect((await teardown()).exitCode).toBe(0);
    const warnings = events.flatMap(event => (event.type === 'warning' ? event.message : []));
    expect(warnings).toContainEqual(expect.stringMatching(/3 connections are left .* those end now/));
  });

  test('where it may not leave it is not touched', async () => {
    serve('ka67', {}, { up: false });
    const report = await teardown();
    expect(report.exitCode).toBe(1);
    expect(failures()).toMatch(/--yes lvs does it all the same/);
    expect(log()).toEqual([]);
    expect(report.hosts.get('web8')?.tally).toMatchObject({ pending: 1 });
    expectUnlocked();
  });

  test('behind two clusters it is let go by both, however few hosts are worked on at a time', async () => {
    const orders = leaveOrders(['web8'], { ...mark, cause: 'teardown' });
    const front = (name: string) => ({ name, members: [name], realServers: ['web8'] });
    const report = await teardown(
      {
        clusters: DIRECTORS.map(front),
        hosts: [
          ...toyHosts({ web8: { turn: down, effect: 'restart' } }),
          ...DIRECTORS.map(name => director(name, orders)),
        ],
        settings: { forks: 1 },
      },
      { clusters: DIRECTORS },
    );
    expect(report.exitCode).toBe(0);
    expect(log().toSorted((a, b) => a.localeCompare(b))).toEqual([
      'ka67 drained',
      'ka67 removed',
      'ka68 drained',
      'ka68 removed',
      'web8 down, locked: ka67 ka68',
    ]);
    expectUnlocked();
  });

  test('undrain does not bring back what was torn down', async () => {
    await teardown();
    expect((await undrain()).exitCode).toBe(1);
    expect(failures()).toMatch(/web8 was torn down: an apply of it and its directors puts it back/);
  });
});

describe('apply after that', () => {
  const returns: DepartureOrders = {
    leave: [],
    returns: ({ cause, host }) => cause === 'teardown' && host === 'web8',
    nothingElse: false,
  };
  const apply = (web8: Parameters<typeof toyHosts>[0][string]) =>
    run({
      command: 'apply',
      hosts: [...DIRECTORS.map(name => director(name, returns)), ...toyHosts({ web8 })],
      clusters: [cluster],
      transport: hosts.transport(),
      emit: event => events.push(event),
      departures: returns,
      settings: { paths: LOCAL_PATHS, silenceTimeoutMs: 5000, lockTimeoutMs: 0, owner: 'ann@desk' },
    });
  beforeEach(async () => {
    await teardown();
    hosts.write('.', 'log', '');
    // The toy was there before.
    hosts.write('web8', 'turn', '');
  });

  test('the real server is ready before its directors send to it', async () => {
    expect((await apply({ early: say('web8 ready') })).exitCode).toBe(0);
    expect(log()).toEqual(['web8 ready', 'ka68 serves', 'ka67 serves']);
  });

  test('one that is not ready stays away, and is said', async () => {
    expect((await apply({ early: sh`echo broken >&2; exit 1` })).exitCode).toBe(1);
    expect(log()).toEqual([]);
    const warnings = events.flatMap(event => (event.type === 'warning' ? event.message : []));
    expect(warnings).toContainEqual(
      expect.stringMatching(/^web8 was torn down .* gets nothing from ka67, ka68/),
    );
  });
});

describe('teardown of everything', () => {
  const everything = (yes: string[]) =>
    run({
      command: 'teardown',
      hosts: toyHosts({
        ...Object.fromEntries(
          DIRECTORS.map(name => [name, { turn: say(`${name} down`), effect: 'restart' as const }]),
        ),
        web8: { turn: say('web8 down'), effect: 'restart' },
      }),
      clusters: [cluster],
      transport: hosts.transport(),
      emit: event => events.push(event),
      teardown: { yes },
      settings: { paths: LOCAL_PATHS, silenceTimeoutMs: 5000, lockTimeoutMs: 0, owner: 'ann@desk' },
    });

  test('real servers, backups, masters', async () => {
    expect((await everything(['lvs'])).exitCode).toBe(0);
    expect(log()).toEqual(['web8 down', 'ka68 down', 'ka67 down']);
  });

  test('a cluster that serves and may not go keeps its real servers', async () => {
    expect((await everything([])).exitCode).toBe(1);
    expect(log()).toEqual([]);
  });
});
