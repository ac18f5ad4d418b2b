/** Which hosts serve behind a virtual server or a proxy, and by which address, port and weight. */
import { cidrContains, compareIp, familyOf, formatIp, parseIp, type Family } from '#base/address.ts';
import type { Position } from '#base/position.ts';
import { interfaceWith, knownAddresses, type HostFacts } from './derive-interfaces.ts';
import { hostWords, listOf, mergedWords, serverNumber, type HostWords } from './derive-server-words.ts';
import type { Inventory } from './inventory-types.ts';
import { similarName } from './template-registry.ts';
import type { Report } from './topology-rules.ts';
import type { RealServerWords } from './topology-schema-servers.ts';
import type { Keyword } from './topology-schema-words.ts';
import { unmanagedServers } from './derive-unmanaged.ts';
import { keyPositionOf, positionAt } from './yaml.ts';

/** A host behind directors or proxies. */
export interface UpstreamModel {
  /** The inventory's name; the address of one that is not managed. */
  readonly host: string;
  /** False: only an address, of a server that is not Tandem's to build. */
  readonly managed: boolean;
  /** At most one per family. */
  readonly addresses: ReadonlyMap<Family, Uint8Array>;
  /** undefined: that of the virtual server. */
  readonly port: number | undefined;
  readonly weight: number;
  /** The host's own keywords over those that all have. */
  readonly words: Readonly<Record<string, Keyword>>;
  readonly position: Position;
}

/** What resolving needs from outside. */
export interface UpstreamContext {
  readonly inventory: Inventory;
  /** The clusters' nodes that send. */
  readonly senders: readonly string[];
  readonly factsOf: (host: string) => HostFacts;
  readonly report: Report;
}

/** Resolves `real_servers`. `what` names the entry in messages; complaints go to the report. */
export function resolveUpstreams(
  what: string,
  words: RealServerWords,
  position: Position,
  context: UpstreamContext,
): readonly UpstreamModel[] {
  const own = hostWords(words.hosts);
  const grouped = listOf(words.group).flatMap(name => membersOf(what, name, words, position, context));
  const found = words.group === undefined ? [...own.keys()] : [...new Set(grouped)];
  if (words.group !== undefined) checkOverrides(what, own, found, words, position, context);
  const known = found.filter(
    host => words.group !== undefined || isKnown(what, host, words, position, context),
  );
  const unmanaged = unmanagedServers(what, words, position, context.report);
  if (known.length + unmanaged.length === 0 && !context.report.failed) {
    context.report.error(
      'real-server-missing',
      `${what} has no real servers`,
      position,
      'name a group of the inventory, hosts or addresses: real_servers: { group: web }',
    );
  }
  const managed = known.flatMap(
    host => upstream(what, host, own.get(host) ?? {}, words, position, context) ?? [],
  );
  return [...managed, ...unmanaged];
}

function membersOf(
  what: string,
  name: string,
  words: RealServerWords,
  position: Position,
  { inventory, report }: UpstreamContext,
): readonly string[] {
  const group = inventory.groups.get(name);
  if (group) return group.hosts;
  const similar = similarName(name, inventory.groups.keys());
  report.error(
    'group-unknown',
    `${what}: the inventory has no group ${name}`,
    positionAt(words, ['group']) ?? position,
    similar === undefined ? 'add it under children' : `did you mean ${similar}?`,
  );
  return [];
}

function isKnown(
  what: string,
  host: string,
  words: RealServerWords,
  position: Position,
  { inventory, report }: UpstreamContext,
): boolean {
  if (inventory.hosts.has(host)) return true;
  const similar = similarName(host, inventory.hosts.keys());
  report.error(
    'host-unknown',
    `${what}: the inventory has no host ${host}`,
    keyPositionOf(words.hosts, host) ?? positionAt(words, ['hosts']) ?? position,
    similar === undefined ? 'add it under hosts' : `did you mean ${similar}?`,
  );
  return false;
}

/** With a group, `hosts` says more about some of its members. */
function checkOverrides(
  what: string,
  own: ReadonlyMap<string, HostWords>,
  members: readonly string[],
  words: RealServerWords,
  position: Position,
  { report }: UpstreamContext,
): void {
  if (own.size === 0) return;
  const known = new Set(members);
  for (const host of own.keys()) {
    if (known.has(host)) continue;
    const similar = similarName(host, members);
    report.error(
      'host-outside-group',
      `${what}: ${host} is not in the group ${listOf(words.group).join(', ')}`,
      keyPositionOf(words.hosts, host) ?? positionAt(words, ['hosts']) ?? position,
      similar === undefined ? 'add it to the group' : `did you mean ${similar}?`,
    );
  }
}

function upstream(
  what: string,
  host: string,
  own: HostWords,
  words: RealServerWords,
  position: Position,
  context: UpstreamContext,
): UpstreamModel | undefined {
  const at = keyPositionOf(words.hosts, host) ?? position;
  const addresses = addressesOf(what, host, own, at, context);
  if (!addresses) return undefined;
  const number = (key: 'port' | 'weight', least: number): number | undefined => {
    const place = positionAt(words, own[key] === undefined ? [key] : ['hosts', host]) ?? at;
    return serverNumber(
      { what, host, key, given: own[key] ?? words[key], least, position: place },
      context.report,
    );
  };
  return {
    host,
    managed: true,
    addresses,
    port: number('port', 1),
    weight: number('weight', 0) ?? 1,
    words: mergedWords(words, own),
    position: at,
  };
}

/**
 * Given (`address`, `real_server_address`), or the only address in the senders' networks of each family; undefined, and
 * complained about, if there is none or a choice.
 */
function addressesOf(
  what: string,
  host: string,
  own: HostWords,
  position: Position,
  context: UpstreamContext,
): ReadonlyMap<Family, Uint8Array> | undefined {
  const { report } = context;
  const facts = context.factsOf(host);
  const given = givenAddresses(what, host, own, facts, position, report);
  const found = new Map<Family, Uint8Array>(given.map(address => [familyOf(address), address]));
  for (const family of [4, 6] as const) {
    if (found.has(family)) continue;
    const candidates = candidatesOf(facts, family, context);
    if (candidates.length > 1) {
      report.error(
        'real-server-address',
        `${what}: ${host} has several addresses in the director's networks: ${candidates.map(formatIp).join(', ')}`,
        position,
        `say which one on the host: real_server_address: ${candidates.map(formatIp)[0]}`,
      );
      return undefined;
    }
    const [only] = candidates;
    if (only) found.set(family, only);
  }
  if (found.size > 0) return found;
  report.error(
    'real-server-address',
    `${what}: no address of ${host} is known in the director's networks`,
    position,
    'give the host its interfaces, or real_server_address',
  );
  return undefined;
}

function givenAddresses(
  what: string,
  host: string,
  own: HostWords,
  facts: HostFacts,
  position: Position,
  report: Report,
): readonly Uint8Array[] {
  const text = own['address'];
  if (text === undefined) return facts.realServerAddresses;
  const address = typeof text === 'string' ? parseIp(text) : undefined;
  if (address) return [address];
  report.error('address-invalid', `${what}: ${JSON.stringify(text)} of ${host} is not an address`, position);
  return [];
}

/** Addresses in a network that a sender has too; where no sender's are known, all. */
function candidatesOf(facts: HostFacts, family: Family, context: UpstreamContext): readonly Uint8Array[] {
  const all = knownAddresses(facts).filter(address => familyOf(address) === family);
  const networks = context.senders.flatMap(sender => {
    const { interfaces } = context.factsOf(sender);
    return interfaces ? [...interfaces.values()] : [];
  });
  if (networks.length === 0) return all;
  const named = new Set(networks.flatMap(one => one.network ?? []));
  const near = all.filter(address => {
    const on = interfaceWith(facts, address);
    const network = on && facts.interfaces?.get(on.name)?.network;
    if (network !== undefined && named.has(network)) return true;
    return networks.some(one => one.addresses.some(cidr => cidrContains(cidr, address)));
  });
  return near.filter((address, index) => near.findIndex(one => compareIp(one, address) === 0) === index);
}
