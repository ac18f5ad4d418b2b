/** `tandem graph`: the topology as a picture. */
import { existsSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { formatCidr } from '#base/address.ts';
import { EXIT, UsageError } from '#cli/exit.ts';
import type { ConnectionOptions, InventoryOptions } from '#cli/options.ts';
import { loadSite, type Site } from '#cli/site.ts';
import { readHost } from '#provision/model/derive-interfaces.ts';
import { drawGraph } from '#provision/model/graph-draw.ts';
import { mermaidGraph } from '#provision/model/graph-mermaid.ts';
import { graphOf, type GraphCluster } from '#provision/model/graph.ts';
import { Report } from '#provision/model/topology-rules.ts';
import { askStatus } from './status.ts';

export interface GraphOptions extends InventoryOptions, ConnectionOptions {
  readonly format: 'svg' | 'mermaid';
  readonly output?: string;
  readonly status?: boolean;
}

export async function graphCommand(options: GraphOptions): Promise<void> {
  const { output } = options;
  if (output !== undefined && existsSync(output))
    throw new UsageError(`${output} is there already and is not overwritten: choose another -o`);
  const site = loadSite(options);
  const clusters = graphOf(site.topology, {
    interfacesOf: host => interfacesOf(host, site),
    ...(options.status ? { sights: (await askStatus(site, options)).sights } : {}),
  }).filter(({ hosts }) => hosts.some(({ name }) => site.selected.has(name)));
  const text = options.format === 'mermaid' ? mermaidGraph(clusters) : drawGraph(clusters, titleOf(options));
  if (output === undefined) process.stdout.write(text);
  else writeFileSync(output, text, { flag: 'wx' });
  if (unreachable(clusters)) process.exitCode = EXIT.unreachable;
}

function unreachable(clusters: readonly GraphCluster[]): boolean {
  return clusters.some(({ hosts }) => hosts.some(({ state }) => state === 'unreachable'));
}

function titleOf({ inventory }: GraphOptions): string {
  return inventory.map(path => basename(path).replace(/\.ya?ml$/, '')).join(', ');
}

function interfacesOf(host: string, site: Site): ReadonlyMap<string, readonly string[]> {
  const { interfaces } = readHost(host, site.variables(host), new Report());
  return new Map([...(interfaces ?? [])].map(([nic, { addresses }]) => [nic, addresses.map(formatCidr)]));
}
