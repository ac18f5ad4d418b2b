/** An inventory's hosts as a lab. */
import { basename } from 'node:path';
import { loadSite } from '#cli/site.ts';
import type { Vault } from '#provision/model/vault.ts';
import { specFromHosts, type LabSpec } from '#lab/lab.ts';

/** The variables of a host that decide what it is in a lab. */
const LAB_VARIABLES = ['ansible_host', 'interfaces', 'networks', 'lab', 'vrrp_daemon'];

/** @throws {InputError} for an invalid inventory, LabError for a host that has no address. */
export function labSpecOf(inventory: readonly string[], name?: string, vault?: Vault): LabSpec {
  const site = loadSite({ inventory, ...(vault ? { vault } : {}) });
  const hosts = [...site.inventory.hosts.keys()].map(host => {
    const variables = site.variables(host);
    const known = LAB_VARIABLES.filter(each => variables.has(each));
    return { name: host, vars: Object.fromEntries(known.map(each => [each, variables.get(each)])) };
  });
  const vips = site.topology.clusters.flatMap(cluster =>
    cluster.instances.flatMap(instance => instance.vips),
  );
  const fromFile = basename(inventory[0] ?? 'lab').replace(/\.ya?ml$/, '');
  return specFromHosts(name ?? fromFile.toLowerCase().replaceAll(/[^a-z0-9-]/g, '-'), hosts, vips);
}
