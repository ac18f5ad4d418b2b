import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { must } from '#base/assert.ts';
import { drawGraph } from '#provision/model/graph-draw.ts';
import { mermaidGraph } from '#provision/model/graph-mermaid.ts';
import type { Sight } from '#provision/model/status-verdict.ts';
import { clustersIn, PICTURED, pictureName, pictureOf } from './pictures.ts';

const root = new URL('../../', import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, root), 'utf8');

test.each(PICTURED)('docs/pictures shows %s as it is drawn now (npm run docs writes it)', path => {
  expect(pictureOf(path, read(path))).toBe(read(`docs/pictures/${pictureName(path)}.svg`));
});

test('there are no other pictures of topologies', () => {
  // The last two are of a run: bench/failover-picture.ts.
  const known = [...PICTURED.map(path => `${pictureName(path)}.svg`), 'failover.json', 'failover.svg'];
  expect(readdirSync(new URL('docs/pictures/', root)).toSorted()).toEqual(known.toSorted());
});

test('a picture names every host, virtual router, address and sync group once', () => {
  const path = 'inventory/dual-network-sync-dual-master.yml';
  const svg = pictureOf(path, read(path));
  for (const text of ['ka67', 'ka68', 'External_1', 'Internal_2', '10.16.8.100', '172.16.8.101'])
    expect(svg.split(`>${text}</text>`).length - 1).toBe(1);
  expect(svg).toContain('sync group VG_1');
  expect(svg).toContain('VRID 171 · eth1 · 10.16.8.0/24');
});

test('names cannot break out of the picture', () => {
  const cluster = must(clustersIn(read('inventory/two-node.yml'), 'two-node')[0], 'a cluster');
  const hostile = { ...cluster, name: '<script>alert("x")</script>&' };
  const svg = drawGraph([hostile], '</svg>');
  expect(svg).not.toContain('<script');
  expect(svg.match(/<\/svg>/g)).toHaveLength(1);
  expect(mermaidGraph([hostile])).not.toContain('<script');
});

test('with a status, nodes are what their daemons say, and a host that is gone is marked', () => {
  const sights = new Map<string, Sight>([['ka67', { kind: 'unreachable', reason: 'no route' }]]);
  const [cluster] = clustersIn(read('inventory/two-node.yml'), 'two-node', sights);
  expect(cluster?.hosts.map(({ state }) => state)).toEqual(['unreachable', 'unknown']);
  expect(cluster?.instances[0]?.nodes.map(({ state }) => state)).toEqual(['unknown', 'unknown']);
  expect(drawGraph([must(cluster, 'a cluster')], 't')).toContain('ka67 ✕');
});

test('the same topology for Mermaid', () => {
  expect(mermaidGraph(clustersIn(read('inventory/two-node.yml'), 'two-node'))).toBe(`flowchart LR
  subgraph c0["two-node"]
    c0h0["ka67<br/>eth0 172.16.8.10/24"]
    c0h1["ka68<br/>eth0 172.16.8.11/24"]
    c0i0(["VG_1<br/>VRID 103, eth0 · 172.16.8.0/24"])
    c0h0 -- "preferred 254" --- c0i0
    c0h1 -- "backup 253" --- c0i0
    c0i0 --- c0i0v0{{"172.16.8.100"}}
  end
  linkStyle 0 stroke:#0550ae,stroke-width:3px
  linkStyle 1 stroke:#54aeff,stroke-dasharray:4 3
  linkStyle 2 stroke:#a475f9
`);
});
