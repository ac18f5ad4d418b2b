import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { RunEvent } from '#control/events.ts';
import { sh } from '#provision/model/shell.ts';
import { LOCAL_PATHS, LocalHosts } from '#testing/local-hosts.ts';
import { say, type Toy, toyHosts } from '#testing/toy-planner.ts';
import type { ApplyOptions } from './api.ts';
import { run } from './run.ts';

let hosts: LocalHosts;
let events: RunEvent[];
beforeEach(() => {
  hosts = new LocalHosts(['ka67', 'ka68', 'web8']);
  hosts.runs('ka67', 'MASTER');
  hosts.runs('ka68', 'BACKUP');
  events = [];
});
afterEach(() => hosts.remove());

const breaking = (name: string, more: Toy = {}): Toy => ({
  turn: say(`${name} turn`),
  handler: say(`${name} reload`),
  gate: say(`${name} gate`),
  wire: {
    breaks: [{ instance: 'VG_1', keywords: ['authentication'] }],
    pause: say(`${name} stop`),
    resume: say(`${name} start`),
  },
  ...more,
});

function apply(toys: Record<string, Toy>, more: Partial<ApplyOptions> = {}) {
  return run({
    command: 'apply',
    hosts: toyHosts(toys),
    clusters: [{ name: 'pair', members: ['ka67', 'ka68'] }],
    transport: hosts.transport(),
    emit: event => events.push(event),
    ...more,
    settings: { paths: LOCAL_PATHS, silenceTimeoutMs: 5000, owner: 'ann@desk', ...more.settings },
  });
}

const said = (): string[] => hosts.log.filter(line => !line.startsWith('tandemd status'));
const wire = () => events.flatMap(event => (event.type === 'wire-breaking' ? event : []));
const pair = (first: Toy = {}, second: Toy = {}) => ({
  ka67: breaking('ka67', first),
  ka68: breaking('ka68', second),
});

describe('a change that the routers cannot speak across', () => {
  test('is refused without a word on how long; other hosts go on', async () => {
    const report = await apply({ ...pair(), web8: { turn: say('web8 turn') } });
    expect(report.exitCode).toBe(2);
    expect(said()).toEqual(['web8 turn']);
    expect(wire()).toMatchObject([{ cluster: 'pair', status: 'refused', expectedSeconds: 10 }]);
    const reasons = events.flatMap(event =>
      event.type === 'task' && event.status === 'pending' ? event.reason : [],
    );
    expect(reasons[0]).toMatch(/--allow-unprotected 10/);
  });

  test('is refused if that is too short', async () => {
    expect((await apply(pair(), { allowUnprotectedSeconds: 9 })).exitCode).toBe(2);
    expect(said()).toEqual([]);
  });

  test('is told of by check mode, with what it would take', async () => {
    expect((await apply(pair(), { check: true, command: 'plan' })).exitCode).toBe(2);
    expect(wire()).toMatchObject([{ status: 'refused', expectedSeconds: 10 }]);
    await apply(pair(), { check: true, command: 'plan', allowUnprotectedSeconds: 10 });
    expect(wire().at(-1)).toMatchObject({ status: 'planned' });
  });

  test('goes: the backup stops, the master, verified, then the backup, verified', async () => {
    expect((await apply(pair(), { allowUnprotectedSeconds: 10 })).exitCode).toBe(0);
    expect(said()).toEqual([
      'ka68 stop',
      ...['turn', 'reload', 'gate'].map(word => `ka67 ${word}`),
      ...['turn', 'reload', 'gate'].map(word => `ka68 ${word}`),
    ]);
    expect(wire().map(({ status }) => status)).toEqual(['started', 'done']);
  });

  test('a master that fails before it has taken anything up: the backup goes on as before', async () => {
    const report = await apply(pair({ turn: sh`exit 1` }), { allowUnprotectedSeconds: 10 });
    expect(report.exitCode).toBe(1);
    expect(said()).toEqual(['ka68 stop', 'ka68 start']);
  });

  test('a master that fails later: the backup stays stopped, and that is said', async () => {
    const takesUp = sh`sed -i 's/"configurationSha256":""/"configurationSha256":"new"/' status.json`;
    const failing = { handler: takesUp, gate: sh`exit 1` };
    const report = await apply(pair(failing), { allowUnprotectedSeconds: 10 });
    expect(report.exitCode).toBe(1);
    expect(said()).toEqual(['ka68 stop', 'ka67 turn']);
    const warnings = events.flatMap(event => (event.type === 'warning' ? event.message : []));
    expect(warnings.join()).toMatch(/the daemon of ka68 stays stopped.*mend ka67 and apply again/);
  });

  test('a backup that cannot be stopped ends it', async () => {
    const stuck = { breaks: [], pause: sh`exit 1`, resume: sh`:` };
    expect((await apply(pair({}, { wire: stuck }), { allowUnprotectedSeconds: 10 })).exitCode).toBe(1);
    expect(said()).toEqual([]);
  });
});

test('nodes that change places: the new first one takes over by a switchover, and is awaited', async () => {
  const elections = (before: number, after: number) => [{ instance: 'VG_1', before, after, preempts: true }];
  const plain = (name: string): Toy => ({ turn: say(`${name} turn`) });
  hosts.write(
    'ka68',
    'status.json',
    (hosts.read('ka68', 'status.json') ?? '').replace('"effectivePriority":254', '"effectivePriority":253'),
  );
  const report = await apply({
    ka67: { ...plain('ka67'), elections: elections(254, 253) },
    ka68: { ...plain('ka68'), elections: elections(253, 254) },
  });
  expect(report.exitCode).toBe(0);
  expect(said()).toEqual([
    'ka68 turn',
    'ka67 turn',
    'tandemd handover --timeout 30 VG_1',
    'tandemd handover --end VG_1',
    'tandemd await --timeout 30 --expect=VG_1=MASTER',
  ]);
  expect(events).toContainEqual({ type: 'switchover', cluster: 'pair', from: 'ka67', instances: ['VG_1'] });
});
