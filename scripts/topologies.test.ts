import { existsSync } from 'node:fs';
import { expect, test } from 'vitest';
import { TOPOLOGY_ROWS, topologiesPage } from '../test/support/topology-page.ts';

const lineOf = (page: string, row: number) => page.split('\n').find(line => line.startsWith(`| ${row} |`));
const seen = { row: 2, test: 'test/lab/topologies.lab.test.ts › dual-master › fails over', text: 'a | b' };

test('every row names inventories that are shipped', () => {
  expect(TOPOLOGY_ROWS).toHaveLength(25);
  for (const name of TOPOLOGY_ROWS.flatMap(row => row.inventories)) {
    expect(existsSync(new URL(`../inventory/${name}.yml`, import.meta.url)), name).toBe(true);
  }
});

test('an observation stands in its row, with its outage', () => {
  const page = topologiesPage('', [{ ...seen, outageMs: 3055.4 }], true);
  expect(lineOf(page, 2)).toBe(
    '| 2 | [dual-master](../inventory/dual-master.yml) | one network, two VIPs, masters crossed | [topologies](../test/lab/topologies.lab.test.ts): dual-master, fails over | a \\| b | 3.06 s |',
  );
  expect(lineOf(page, 3)).toContain('no test of it passed');
});

test('a run of a part keeps the other rows, a complete one does not', () => {
  const before = topologiesPage('', [seen], true);
  const after = topologiesPage(before, [{ row: 3, test: 'x › y', text: 'both moved', outageMs: 12 }], false);
  expect(lineOf(after, 2)).toBe(lineOf(before, 2));
  expect(lineOf(after, 3)).toMatch(/both moved \| 12 ms \|$/);
  expect(lineOf(topologiesPage(after, [], true), 3)).toContain('no test of it passed');
});

test('several observations of a row stand below each other', () => {
  const page = topologiesPage('', [seen, { row: 2, test: 'a › b', text: 'first', outageMs: 5 }], true);
  expect(lineOf(page, 2)).toMatch(/ first<br>a \\\| b \| 5 ms<br>– \|$/);
});
