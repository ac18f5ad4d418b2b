/** The pictures that the documentation shows, drawn from inventories in this repository. */
import { formatCidr } from '#base/address.ts';
import { readHost } from '#provision/model/derive-interfaces.ts';
import { drawGraph } from '#provision/model/graph-draw.ts';
import { graphOf, type GraphCluster } from '#provision/model/graph.ts';
import { memoryFiles } from '#provision/model/inventory-memory.ts';
import { loadInventory } from '#provision/model/inventory.ts';
import type { Sight } from '#provision/model/status-verdict.ts';
import { Report } from '#provision/model/topology-rules.ts';
import { deriveTopology } from '#provision/model/topology.ts';
import { hostVariables } from '#provision/model/variables.ts';

/** Inventories of docs/pictures; each picture has the inventory's name. */
export const PICTURED: readonly string[] = [
  'inventory/two-node.yml',
  'inventory/dual-network-sync-dual-master.yml',
  'inventory/three-node-full.yml',
  'inventory/lvs-dr-dual-master.yml',
  'test/fixtures/graph/four-hosts.yml',
  'test/fixtures/graph/fourteen-hosts.yml',
  'test/fixtures/graph/twenty-five-hosts.yml',
];

/** Name of a picture, without folder and ending. */
export function pictureName(path: string): string {
  return path.replace(/^.*\//, '').replace(/\.yml$/, '');
}

/** The clusters of an inventory's text, with what daemons say if `sights` are given. */
export function clustersIn(
  text: string,
  name: string,
  sights?: ReadonlyMap<string, Sight>,
): readonly GraphCluster[] {
  const { inventory } = loadInventory([`${name}.yml`], memoryFiles({ [`${name}.yml`]: text }));
  const interfacesOf = (host: string): ReadonlyMap<string, readonly string[]> => {
    const { interfaces } = readHost(host, hostVariables(inventory, host), new Report());
    return new Map([...(interfaces ?? [])].map(([nic, { addresses }]) => [nic, addresses.map(formatCidr)]));
  };
  return graphOf(deriveTopology(inventory), { interfacesOf, ...(sights ? { sights } : {}) });
}

/** The picture of an inventory, as `tandem graph -i PATH` draws it. */
export function pictureOf(path: string, text: string): string {
  const name = pictureName(path);
  return drawGraph(clustersIn(text, name), name);
}
