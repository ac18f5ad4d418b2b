/** Real servers and directors leave: order, locks, refusals. Directors are toys. */
import { mkdirSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { director, DIRECTORS, MARK, ToyDirectors } from '#testing/toy-directors.ts';
import { leaveOrders, type RetireOptions } from './retire.ts';

let toys: ToyDirectors;
beforeEach(() => {
  toys = new ToyDirectors();
});
afterEach(() => toys.hosts.remove());

describe('drain', () => {
  test('the backup, then the master; a second time there is nothing to do, and undrain takes it back', async () => {
    expect((await toys.drain()).exitCode).toBe(0);
    expect(toys.log).toEqual(['ka68 drained', 'ka67 drained']);
    expect(toys.statuses).toEqual(['drained']);
    expect((await toys.drain()).exitCode).toBe(0);
    expect(toys.log).toHaveLength(2);
    expect((await toys.undrain()).exitCode).toBe(0);
    expect(toys.log.slice(2)).toEqual(['ka68 serves', 'ka67 serves']);
    expect(toys.statuses.at(-1)).toBe('undrained');
    expect(toys.locked).toEqual([]);
  });

  test('open connections at the master are waited for; when time is up it says so and stays drained', async () => {
    toys.serve('ka67', { activeConnections: 3 });
    expect((await toys.drain()).exitCode).toBe(1);
    expect(toys.failures).toMatch(/3 connections are left on web8 after 0 s; .* the same command waits on/);
    expect(toys.log).toEqual(['ka68 drained', 'ka67 drained']);
    expect(toys.locked).toEqual([]);
  });

  test('connections that a backup knows of by synchronisation are not waited for', async () => {
    toys.serve('ka68', { activeConnections: 3 });
    expect((await toys.drain()).exitCode).toBe(0);
  });

  test.each([
    ['the last one', () => toys.serve('ka67', {}, { up: false }), /would be left with weight 0 .* needs 1/],
    [
      'a director is silent',
      () => toys.hosts.write('ka68', 'status.json', ''),
      /ka68 runs no VRRP daemon that answers/,
    ],
  ])('%s: refused, and nothing is disturbed', async (_name, prepare, message) => {
    prepare();
    expect((await toys.drain()).exitCode).not.toBe(0);
    expect(toys.failures).toMatch(message);
    expect(toys.log).toEqual([]);
    expect(toys.locked).toEqual([]);
  });

  test('forced it is done, with a warning', async () => {
    toys.serve('ka67', {}, { up: false });
    expect((await toys.drain({}, { force: () => true })).exitCode).toBe(0);
    expect(toys.log).toEqual(['ka68 drained', 'ka67 drained']);
    expect(toys.warnings).toContainEqual(expect.stringContaining('would be left with weight 0'));
  });

  test('one that is down may leave, whoever is left', async () => {
    for (const name of DIRECTORS) toys.serve(name, { up: false }, { up: false });
    expect((await toys.drain()).exitCode).toBe(0);
  });

  test('a director under maintenance is not reloaded, so nothing is done', async () => {
    mkdirSync(`${toys.hosts.root}/ka68/state`);
    const untilMs = Date.now() + 60_000;
    toys.hosts.write('ka68', 'state/maintenance', JSON.stringify({ owner: 'bob', reason: 'disk', untilMs }));
    expect((await toys.drain()).exitCode).toBe(1);
    expect(toys.failures).toMatch(/ka68 is under maintenance by bob: disk/);
    expect(toys.log).toEqual([]);
  });

  test('a director that cannot be reached: refused, unless forced', async () => {
    const transport = () => toys.hosts.transport({ unreachable: host => host === 'ka68' });
    expect((await toys.drain({ transport: transport() })).exitCode).toBe(3);
    expect(toys.log).toEqual([]);
    expect((await toys.drain({ transport: transport(), forceDegraded: true })).exitCode).toBe(3);
    expect(toys.log).toEqual(['ka67 drained']);
  });
});

describe('a director leaves', () => {
  const leave = (more: Partial<RetireOptions> = {}) => {
    const orders = leaveOrders(['ka67'], { ...MARK, cause: 'drain' });
    const nothing = { ...orders, leave: [] };
    const all = DIRECTORS.map(name => director(name, name === 'ka67' ? orders : nothing));
    return toys.go(
      'drain',
      orders,
      { hosts: all },
      { hosts: ['ka67'], directors: ['ka67'], services: () => [], ...more },
    );
  };
  const steps = (): string[] => toys.hosts.log.filter(line => !line.startsWith('tandemd status'));

  test('others take over, then its file changes, then nothing holds it back but that', async () => {
    expect((await leave()).exitCode).toBe(0);
    expect(steps()).toEqual([
      'tandemd handover --timeout 30 VG_1',
      'ka67 drained',
      'tandemd handover --end VG_1',
    ]);
    expect(toys.statuses).toEqual(['yielded']);
    expect(toys.locked).toEqual([]);
    expect((await leave()).exitCode).toBe(0);
    expect(steps()).toHaveLength(3);
  });

  test('where nobody could take over it stays', async () => {
    toys.hosts.runs('ka68', 'FAULT');
    expect((await leave()).exitCode).toBe(1);
    expect(toys.failures).toMatch(/nobody could take over VG_1 from ka67 \(--force-degraded/);
    expect(steps()).toEqual([]);
  });

  test('where the handover fails its file stays as it is', async () => {
    toys.hosts.write('ka67', 'no-handover', '');
    expect((await leave()).exitCode).toBe(1);
    expect(steps()).not.toContain('ka67 drained');
    expect(steps().at(-1)).toBe('tandemd handover --end VG_1');
    expect(toys.locked).toEqual([]);
  });
});
