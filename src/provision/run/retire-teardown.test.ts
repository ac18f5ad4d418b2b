/** Real servers are taken down after they have left their directors, and come back. Directors are toys. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { DepartureOrders } from '#provision/model/departures.ts';
import { sh } from '#provision/model/shell.ts';
import { CLUSTER, director, DIRECTORS, DOWN, MARK, SETTINGS, ToyDirectors } from '#testing/toy-directors.ts';
import { say, toyHosts } from '#testing/toy-planner.ts';
import { leaveOrders } from './retire.ts';
import { run } from './run.ts';

let toys: ToyDirectors;
beforeEach(() => {
  toys = new ToyDirectors();
});
afterEach(() => toys.hosts.remove());

describe('teardown of a real server alone', () => {
  test('drained, forgotten, and taken down while its directors are locked', async () => {
    expect((await toys.teardown()).exitCode).toBe(0);
    expect(toys.log).toEqual([
      'ka68 drained',
      'ka67 drained',
      'ka68 removed',
      'ka67 removed',
      'web8 down, locked: ka67 ka68',
    ]);
    expect(toys.statuses).toEqual(['drained', 'removed']);
    expect(toys.locked).toEqual([]);
  });

  test('connections that are left when time is up end, and it says so', async () => {
    toys.serve('ka67', { activeConnections: 3 });
    expect((await toys.teardown()).exitCode).toBe(0);
    expect(toys.warnings).toContainEqual(expect.stringMatching(/3 connections are left .* those end now/));
  });

  test('where it may not leave it is not touched', async () => {
    toys.serve('ka67', {}, { up: false });
    const report = await toys.teardown();
    expect(report.exitCode).toBe(1);
    expect(toys.failures).toMatch(/--yes lvs does it all the same/);
    expect(toys.log).toEqual([]);
    expect(report.hosts.get('web8')?.tally).toMatchObject({ pending: 1 });
    expect(toys.locked).toEqual([]);
  });

  test('behind two clusters it is let go by both, however few hosts are worked on at a time', async () => {
    const orders = leaveOrders(['web8'], { ...MARK, cause: 'teardown' });
    const front = (name: string) => ({ name, members: [name], realServers: ['web8'] });
    const report = await toys.teardown(
      {
        clusters: DIRECTORS.map(front),
        hosts: [
          ...toyHosts({ web8: { turn: DOWN, effect: 'restart' } }),
          ...DIRECTORS.map(name => director(name, orders)),
        ],
        settings: { forks: 1 },
      },
      { clusters: DIRECTORS },
    );
    expect(report.exitCode).toBe(0);
    expect(toys.log.toSorted((a, b) => a.localeCompare(b))).toEqual([
      'ka67 drained',
      'ka67 removed',
      'ka68 drained',
      'ka68 removed',
      'web8 down, locked: ka67 ka68',
    ]);
    expect(toys.locked).toEqual([]);
  });

  test('undrain does not bring back what was torn down', async () => {
    await toys.teardown();
    expect((await toys.undrain()).exitCode).toBe(1);
    expect(toys.failures).toMatch(/web8 was torn down: an apply of it and its directors puts it back/);
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
      clusters: [CLUSTER],
      transport: toys.hosts.transport(),
      emit: event => toys.events.push(event),
      departures: returns,
      settings: SETTINGS,
    });
  beforeEach(async () => {
    await toys.teardown();
    toys.hosts.write('.', 'log', '');
    // The toy was there before.
    toys.hosts.write('web8', 'turn', '');
  });

  test('the real server is ready before its directors send to it', async () => {
    expect((await apply({ early: say('web8 ready') })).exitCode).toBe(0);
    expect(toys.log).toEqual(['web8 ready', 'ka68 serves', 'ka67 serves']);
  });

  test('one that is not ready stays away, and is said', async () => {
    expect((await apply({ early: sh`echo broken >&2; exit 1` })).exitCode).toBe(1);
    expect(toys.log).toEqual([]);
    expect(toys.warnings).toContainEqual(
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
      clusters: [CLUSTER],
      transport: toys.hosts.transport(),
      emit: event => toys.events.push(event),
      teardown: { yes },
      settings: SETTINGS,
    });

  test('real servers, backups, masters', async () => {
    expect((await everything(['lvs'])).exitCode).toBe(0);
    expect(toys.log).toEqual(['web8 down', 'ka68 down', 'ka67 down']);
  });

  test('a cluster that serves and may not go keeps its real servers', async () => {
    expect((await everything([])).exitCode).toBe(1);
    expect(toys.log).toEqual([]);
  });
});
