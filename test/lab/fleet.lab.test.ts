/** `inventory/fleet.yml`: ten pairs as ten clusters, of which one is in trouble. Tests run in this order. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { labSpecOf } from '#cli/commands/lab-spec.ts';
import { labUp, type Lab } from '#lab/lab.ts';
import { giveUpSoon } from '../support/pair.ts';
import { inWords, outageOf, placed, type Placement } from '../support/rehearsal.ts';
import { changedTasks, eventsOf, ROOT, said, tandem, totalsOf } from '../support/tandem.ts';
import { reportRow } from '../support/topology-report.ts';

const INVENTORY = `${ROOT}inventory/fleet.yml`;
const ROW = 25;
const NUMBERS = Array.from({ length: 10 }, (_, index) => index + 1);
const padded = (number: number): string => String(number).padStart(2, '0');
const places = (numbers: readonly number[]): Placement =>
  Object.fromEntries(numbers.map(number => [`10.25.${number}.100`, `node${padded(number)}a`]));
const FAILING = 'node10b';
let lab: Lab;

beforeAll(async () => {
  lab = await labUp(labSpecOf([INVENTORY], `fleet-${process.pid}`), { ephemeral: true });
  giveUpSoon(lab);
});

afterAll(async () => {
  await lab?.down();
});

const apply = () => tandem(lab, ['apply', '-i', INVENTORY, '--json']);
const hostsOf = (tasks: readonly string[]): string[] =>
  [...new Set(tasks.map(task => task.split(' ')[0] ?? ''))].toSorted();

test('one host in trouble: nine pairs are built, the tenth is reported', async ({ task }) => {
  const full = 'mkdir -p -m 700 /opt/tandem && mount -t tmpfs -o size=8m,mode=700 tmpfs /opt/tandem';
  await lab.exec(FAILING, { script: full }, { check: true });
  const startedAtMs = performance.now();
  const run = await apply();
  console.log(`fleet, first apply: ${((performance.now() - startedAtMs) / 1000).toFixed(1)} s`);
  expect(run.code, said(run)).toBe(1);
  const failed = eventsOf(run).flatMap(event => (event.type === 'host-failed' ? event : []));
  expect(failed).toMatchObject([{ host: FAILING }]);
  expect(failed[0]?.message).toContain('No space left on device');
  await placed(lab, { ...places(NUMBERS), '10.25.10.100': '' });
  reportRow(
    task,
    ROW,
    `${FAILING} has a full disk: nine pairs built and serving, ${FAILING} reported, exit 1`,
  );
});

test('the second apply does only the tenth', async ({ task }) => {
  await lab.exec(FAILING, ['umount', '/opt/tandem'], { check: true });
  const run = await apply();
  expect(run.code, said(run)).toBe(0);
  expect(hostsOf(changedTasks(run))).toEqual(['node10a', 'node10b']);
  await placed(lab, places(NUMBERS));
  const third = await apply();
  expect(third.code, said(third)).toBe(0);
  expect(totalsOf(third)).toMatchObject({ changed: 0, pending: 0, failed: 0 });
  reportRow(
    task,
    ROW,
    'disk mended: changes on node10a and node10b only; a third apply 0 changed on 20 hosts',
  );
});

test('a node that is down concerns its pair alone', async ({ task }) => {
  const outageMs = await outageOf(lab, ['10.25.1.100'], async () => {
    await lab.crash('node01a');
    await placed(lab, { ...places(NUMBERS), '10.25.1.100': 'node01b' });
  });
  expect(outageMs).toBeLessThan(4500);
  const run = await apply();
  expect(run.code, said(run)).toBe(3);
  const failed = eventsOf(run).flatMap(event => (event.type === 'host-failed' ? event : []));
  expect(failed).toMatchObject([{ host: 'node01a', unreachable: true }]);
  expect(changedTasks(run)).toEqual([]);
  await lab.start('node01a');
  await placed(lab, places(NUMBERS));
  const text = `crash of node01a: ${inWords({ '10.25.1.100': 'node01b' })}, the others stay; apply: node01a unreachable, exit 3`;
  reportRow(task, ROW, text, outageMs);
});

test('and is taken down in one run', async () => {
  const agreed = NUMBERS.flatMap(number => ['--yes', `pair${padded(number)}`]);
  const run = await tandem(lab, ['teardown', '-i', INVENTORY, ...agreed]);
  expect(run.code, said(run)).toBe(0);
  await placed(lab, Object.fromEntries(Object.keys(places(NUMBERS)).map(vip => [vip, ''])));
});
