/** A shipped inventory with somebody's own hosts, NIC, addresses and VRIDs in the places of its own. */
import { familyOf, parseIp } from '#base/address.ts';
import { memoryFiles } from './inventory-memory.ts';
import { loadInventory } from './inventory.ts';
import { deriveTopology } from './topology.ts';

/** What stands in an inventory for the reader's own, in the order in which it stands there. */
export interface StarterWords {
  readonly hosts: readonly StarterHost[];
  readonly interface: string;
  readonly vips: readonly string[];
  readonly vrids: readonly number[];
}

export interface StarterHost {
  readonly name: string;
  /** Address or name to log in to. */
  readonly address: string;
  /** Of the address; undefined: it is left to the host to say. */
  readonly prefix?: number;
}

/** Undefined for an inventory that has more to it than hosts with one NIC and IPv4 address each. */
export function starterWords(text: string): StarterWords | undefined {
  const { inventory } = loadInventory(['starter.yml'], memoryFiles({ 'starter.yml': text }));
  const topology = deriveTopology(inventory);
  const [cluster, ...others] = topology.clusters;
  if (!cluster || others.length > 0 || cluster.realServers.length > 0) return undefined;
  const nics = new Set<string>();
  const hosts: StarterHost[] = [];
  for (const { name, vars } of inventory.hosts.values()) {
    const [nic, more] = Object.entries(vars['interfaces'] ?? {});
    const found = /^([\d.]+)\/(\d+)$/.exec(String(nic?.[1]));
    if (!nic || !found?.[1] || more || vars['ansible_host'] !== found[1]) return undefined;
    nics.add(nic[0]);
    hosts.push({ name, address: found[1], prefix: Number(found[2]) });
  }
  const [nic] = nics;
  const vips = [
    ...text.matchAll(/^ +virtual_ipaddress: \[([\d.]+)\]|[ ,]virtual_ipaddress: \[([\d.]+)\]/gm),
  ].map(match => match[1] ?? match[2] ?? '');
  const vrids = [...text.matchAll(/virtual_router_id: (\d+)/g)].map(match => Number(match[1]));
  const instances = cluster.instances.length;
  if (nic === undefined || nics.size > 1 || vips.length !== instances || vrids.length !== instances)
    return undefined;
  return { hosts, interface: nic, vips, vrids };
}

/** `text` with `own` words instead of `shipped` ones; as many of each. Comments and everything else stay. */
export function adaptStarter(text: string, shipped: StarterWords, own: StarterWords): string {
  const words = new Map<string, string>([[shipped.interface, own.interface]]);
  for (const [index, { name, address, prefix }] of shipped.hosts.entries()) {
    const host = own.hosts[index];
    if (!host) continue;
    words.set(name, host.name);
    words.set(`${address}/${prefix}`, `${host.address}/${host.prefix}`);
    words.set(address, yamlWord(host.address));
  }
  for (const [index, vip] of shipped.vips.entries()) words.set(vip, yamlWord(own.vips[index] ?? vip));
  const knowsPrefixes = own.hosts.every(host => host.prefix !== undefined);
  const start = knowsPrefixes ? text : text.replaceAll(/, interfaces: \{[^}]*\}/g, '');
  const escaped = [...words.keys()]
    .sort((one, other) => other.length - one.length)
    .map(word => word.replaceAll(/[.+*?^${}()|[\]\\/]/g, String.raw`\$&`));
  const vrids = new Map(shipped.vrids.map((vrid, index) => [vrid, own.vrids[index] ?? vrid]));
  return start
    .replaceAll(
      new RegExp(`(?<![\\w.:/-])(?:${escaped.join('|')})(?![\\w./-])`, 'g'),
      word => words.get(word) ?? word,
    )
    .replaceAll(
      /(virtual_router_id: )(\d+)/g,
      (_all, key: string, vrid: string) => `${key}${vrids.get(Number(vrid))}`,
    );
}

/** The inventory without the well-known password, and the file of variables that takes its place. */
export function withOwnPassword(
  text: string,
  password: string,
): { readonly text: string; readonly secrets?: string } {
  const without = text.replace(/^ +vrrp_pass: .*\n/m, '');
  if (without === text) return { text };
  return {
    text: without,
    secrets: `# VRRP uses 8 characters and sends them in clear text: they keep mistakes out, not attackers.\nvrrp_pass: ${JSON.stringify(password)}\n`,
  };
}

/** An IPv6 address has colons, which end a key between brackets. */
function yamlWord(word: string): string {
  const address = parseIp(word);
  return address && familyOf(address) === 6 ? JSON.stringify(word) : word;
}
