/** Real servers that leave their directors: what is remembered, and what the directors' topology becomes. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { must } from '#base/assert.ts';
import { file, HANDLERS, names, planner, planOf, round } from '#testing/planner-bench.ts';
import {
  type Departure,
  departureChanges,
  type DepartureOrders,
  undrainable,
  weightless,
  withDepartures,
} from './departures.ts';
import { memoryFiles } from './inventory-memory.ts';
import { loadInventory } from './inventory.ts';
import { compactLedger, foldLedger, record } from './ledger.ts';
import { sha256Of } from './modules/path-state.ts';
import { deriveTopology } from './topology.ts';

const leaving = (host: string, more: Partial<Departure> = {}): Departure => ({
  host,
  state: 'drained',
  cause: 'drain',
  owner: 'ann@desk',
  atMs: 1,
  ...more,
});
const ordered = (leave: readonly Departure[], more: Partial<DepartureOrders> = {}): DepartureOrders => ({
  leave,
  returns: () => false,
  nothingElse: true,
  ...more,
});

function director(edit: (text: string) => string = text => text) {
  const text = readFileSync(new URL('../../../inventory/lvs-dr-dual-master.yml', import.meta.url), 'utf8');
  const { inventory } = loadInventory(['i.yml'], memoryFiles({ 'i.yml': edit(text) }));
  return must(deriveTopology(inventory).hosts.get('ka68'), 'ka68');
}

describe('a director without a real server', () => {
  const topology = director();
  const lines = (departures: readonly Departure[]) =>
    withDepartures(topology, departures).virtual_servers.map(({ keywords }) =>
      keywords.filter(line => /^real_server |^ {4}weight /.test(line)),
    );

  test('drained: weight 0, in every virtual server; all else is the same', () => {
    const drained = [
      'real_server 10.16.8.8 80 {',
      '    weight 0',
      'real_server 10.16.8.9 80 {',
      '    weight 1',
    ];
    expect(lines([leaving('web8')])).toEqual([drained, drained]);
    const { virtual_servers: after, ...rest } = withDepartures(topology, [leaving('web8')]);
    const { virtual_servers: before, ...same } = topology;
    expect(rest).toEqual(same);
    expect(after.map(({ real_servers: reals }) => reals.map(({ weight }) => weight))).toEqual([
      [0, 1],
      [0, 1],
    ]);
    expect(after[0]?.keywords.length).toBe(before[0]?.keywords.length);
  });

  test('removed: gone', () => {
    const web9 = ['real_server 10.16.8.9 80 {', '    weight 1'];
    expect(lines([leaving('web8', { state: 'removed' })])).toEqual([web9, web9]);
  });

  test('a quorum that the others cannot reach is said before the daemon refuses the file', () => {
    expect(weightless(topology, [leaving('web8')])).toBeUndefined();
    expect(weightless(topology, [leaving('web8'), leaving('web9', { state: 'removed' })])).toMatch(
      /^virtual_server 10.16.8.100 80 would be left with weight 0, and its quorum is 1/,
    );
    const two = director(text => text.replace('delay_loop: 3', 'delay_loop: 3\n      quorum: 2'));
    expect(weightless(two, [leaving('web8')])).toMatch(/with weight 1, and its quorum is 2/);
  });

  test('a director that leaves has the lowest priority, in every instance, and keeps its real servers', () => {
    const left = withDepartures(topology, [leaving('ka68')]);
    expect(left.instances.map(({ name, priority, state }) => [name, priority, state])).toEqual([
      ['VI_1', 1, 'BACKUP'],
      ['VI_2', 1, 'BACKUP'],
    ]);
    expect(left.virtual_servers).toEqual(topology.virtual_servers);
    expect(withDepartures(topology, [leaving('ka67')]).instances).toEqual(topology.instances);
  });

  test('a weight that a checker adds is not touched', () => {
    const words = '      FILE_CHECK: { track_file: load, weight: 3 }\n      delay_loop: 3';
    const edited = director(text => text.replace('      delay_loop: 3', words));
    const { keywords } = must(withDepartures(edited, [leaving('web8')]).virtual_servers[0], 'a block');
    expect(keywords.filter(line => line.trim() === 'weight 0')).toHaveLength(1);
    expect(keywords.filter(line => line === '        weight 3')).toHaveLength(2);
  });

  test('nobody leaves: the very same topology', () => {
    expect(withDepartures(topology, [])).toBe(topology);
  });

  const drainability = (algorithm: string): string | undefined => {
    const edited = director(text => text.replace('lb_algo: rr', `lb_algo: ${algorithm}`));
    return undrainable(must(edited.virtual_servers[0], 'a block'));
  };

  test.each(['rr', 'mh', 'sh\n      sh-fallback: true'])('lb_algo %s knows weight 0', algorithm => {
    expect(drainability(algorithm)).toBeUndefined();
  });

  test.each([
    ['sh', /refuses clients whose hash falls on .* give it sh-fallback/],
    ['dh', /such as mh/],
  ])('lb_algo %s would refuse clients', (algorithm, expected) => {
    expect(drainability(algorithm)).toMatch(expected);
  });
});

describe('what becomes of departures', () => {
  const web8 = leaving('web8');
  const web9 = leaving('web9');

  test('without orders they stay as they are', () => {
    expect(departureChanges([web8], undefined)).toEqual({ inForce: [web8], left: [], returned: [] });
  });

  test('who has left already keeps the older word; who leaves further does not', () => {
    const again = ordered([leaving('web8', { atMs: 9 })]);
    expect(departureChanges([web8, web9], again)).toEqual({ inForce: [web8, web9], left: [], returned: [] });
    const further = leaving('web8', { state: 'removed', cause: 'teardown' });
    expect(departureChanges([web8, web9], ordered([further]))).toEqual({
      inForce: [web9, further],
      left: [further],
      returned: [],
    });
  });

  test('who returns is forgotten, unless it is told to leave', () => {
    const orders = ordered([], { returns: ({ host }) => host === 'web8' });
    expect(departureChanges([web8, web9], orders)).toEqual({ inForce: [web9], left: [], returned: [web8] });
    expect(departureChanges([web8], ordered([web8], { returns: () => true })).returned).toEqual([]);
  });
});

describe('in the ledger', () => {
  test('they are remembered, forgotten, and survive compaction and what is torn', () => {
    const removed = leaving('web9', { state: 'removed', cause: 'teardown' });
    const text = [
      record.leave(leaving('web8')),
      record.leave(leaving('web9')),
      record.back('web8'),
      record.leave(removed),
      '{"t":"leave","d":{"host":"web7","state":"asleep"}}',
      '{"t":"leave","d":{"host":"we',
    ].join('\n');
    const ledger = foldLedger(text);
    expect(ledger.departures).toEqual([removed]);
    expect(foldLedger(compactLedger(ledger)).departures).toEqual([removed]);
  });
});

describe('a plan', () => {
  const tasks = `- { name: conf, copy: { dest: /etc/a.conf, content: "without={{ without | join(',') }}" }, notify: reload a }\n`;
  const bench = { tasks, handlers: HANDLERS };
  const known = (text: string) => ({ ...bench, answers: { 1: file(text) } });

  test('keeps who has left, in one round and without a change', () => {
    const asked = { ...known('without=web8 drained'), ledger: record.leave(leaving('web8')) };
    const { asked: parts, plan } = round(planner(asked), asked);
    expect(parts).toEqual(['facts', 'ledger', '1']);
    expect(plan).toMatchObject({ turn: [], tasks: [{ status: 'ok' }] });
    expect(plan.departures?.inForce.map(({ host }) => host)).toEqual(['web8']);
  });

  test('notes who leaves before anything else in the turn', () => {
    const plan = planOf({ ...known('without='), departures: ordered([leaving('web8')]) });
    expect(names(plan.turn)).toEqual([
      'note note real servers that leave',
      'note note handlers and gates',
      'apply conf',
      'handler reload a',
    ]);
    expect(plan.turn[0]?.fragment.text).toContain(record.leave(leaving('web8')));
    expect(plan.turn[2]).toMatchObject({
      change: { to: { sha256: sha256Of('without=web8 drained') } },
    });
  });

  test('a departure that was noted and not carried out is carried out by the next run, whatever it is for', () => {
    const plan = planOf({ ...known('without='), ledger: record.leave(leaving('web8')) });
    expect(names(plan.turn)).toContain('apply conf');
  });

  test('refuses to change anything else along with it', () => {
    const drifted = { ...known('something else'), departures: ordered([leaving('web8')]) };
    expect(() => planOf(drifted)).toThrow(/file:\/etc\/a.conf is not as the inventory says, .* apply first/);
    const applied = { ...drifted, departures: ordered([leaving('web8')], { nothingElse: false }) };
    expect(names(planOf(applied).turn)).toContain('apply conf');
  });

  test('refuses what the director cannot do without', () => {
    const orders = ordered([leaving('web8')], { refuses: () => 'it is the last one' });
    expect(() => planOf({ ...known('without='), departures: orders })).toThrow(/it is the last one/);
    const done = { ...known('without=web8 drained'), ledger: record.leave(leaving('web8')) };
    expect(planOf({ ...done, departures: orders }).turn).toEqual([]);
  });

  test('other orders count from the next plan on', () => {
    const subject = planner({ ...bench, departures: ordered([leaving('web8')]) });
    const first = round(subject, {
      ...bench,
      answers: { 1: file('without=web8 drained') },
      ledger: record.leave(leaving('web8')),
    });
    expect(first.plan.turn).toEqual([]);
    subject.depart(ordered([leaving('web8', { state: 'removed' })]));
    const second = subject.plan(new Map());
    expect(second.turn[0]?.fragment.text).toContain('"state":"removed"');
  });
});
