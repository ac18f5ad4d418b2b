/** Virtual servers of a cluster's directors → `virtual_servers`, and those that have no place there. */
import { compareIp, familyOf, formatIp, parseIp, type Family } from '#base/address.ts';
import type { Diagnostic } from '#base/errors.ts';
import type { VirtualServerGroupEntry } from '#conf/model.ts';
import { isLinkLocal } from './derive-servers.ts';
import type { ImportedRouter } from './import-instances.ts';
import { realServerWords } from './import-real-servers.ts';
import type { ImportedServer } from './import-server-read.ts';
import type { ImportedHost, ImportedRealServers, Words } from './import-types.ts';
import { blockText, lineText } from './import-words.ts';

/** One entry of `virtual_servers`. */
export interface ServerEntry {
  readonly name: string;
  /** Director → its words. */
  readonly perHost: ReadonlyMap<string, Words>;
}

export interface PlacedServers {
  readonly entries: readonly ServerEntry[];
  /** Director → blocks that are carried verbatim. */
  readonly carried: ReadonlyMap<string, readonly string[]>;
  readonly notes: readonly Diagnostic[];
}

/** How a cluster's virtual servers are to be said. */
export interface ServerOptions {
  readonly realServers: ImportedRealServers | undefined;
  /** Entry → why it is not valid as it would be said. */
  readonly refused: ReadonlyMap<string, string>;
}

/** A virtual server over the directors that have it. */
interface Service {
  readonly first: ImportedServer;
  readonly perHost: ReadonlyMap<string, ImportedServer>;
}

/** Where it goes: the instances that bring its addresses. */
interface Placed extends Service {
  readonly on: readonly ImportedRouter[];
  /** undefined: with a mark or a group, all of them. */
  readonly vip: string | undefined;
}

/** `members`: hosts of one cluster; `routers`: its instances. */
export function placeServers(
  members: readonly ImportedHost[],
  routers: readonly ImportedRouter[],
  options: ServerOptions,
): PlacedServers {
  const carried = new Map<Service, string>();
  const found: Placed[] = [];
  for (const service of servicesOf(members)) {
    const placed = place(service, routers);
    if (typeof placed === 'string') carried.set(service, placed);
    else found.push(placed);
  }
  const names = new Names();
  const named = mergeAlike(found).map(alike => ({ name: names.of(alike), alike }));
  for (const { name, alike } of named) {
    const refused = options.refused.get(name);
    if (refused !== undefined) for (const one of alike) carried.set(one, refused);
  }
  // A group goes with all that is about it, or it would be defined twice.
  const groups = new Set([...carried.keys()].flatMap(({ first }) => first.group?.model.name ?? []));
  const stays = ({ first }: Service): boolean => !first.group || !groups.has(first.group.model.name);
  for (const { alike } of named)
    for (const one of alike)
      if (!stays(one) && !carried.has(one)) carried.set(one, 'another one of its group is');
  const entries = named
    .filter(({ alike }) => alike.every(one => !carried.has(one)))
    .map(({ name, alike }) => entryOf(name, alike, options));
  return { entries, ...carry(carried) };
}

function servicesOf(members: readonly ImportedHost[]): readonly Service[] {
  const all = members.flatMap(({ name, servers }) => servers.map(server => ({ name, server })));
  return [...Map.groupBy(all, ({ server }) => server.key).values()].flatMap(same => {
    const [one] = same;
    if (!one) return [];
    return [{ first: one.server, perHost: new Map(same.map(({ name, server }) => [name, server])) }];
  });
}

/** The instances of a virtual server, or why it has no place. */
function place(service: Service, routers: readonly ImportedRouter[]): Placed | string {
  const { first, perHost } = service;
  const { key, family } = first.model;
  if (first.reals.length === 0) return 'it has no real servers';
  if (first.reals.some(real => real.family !== family)) return 'its real servers are of another family';
  const other = first.reals.find(real => key.kind === 'address' && real.port !== key.port);
  if (other && first.model.forwarding.kind !== 'NAT')
    return `${first.model.forwarding.kind} cannot change its port to ${other.port} of ${other.address}`;
  const bringing = routers.filter(router => brings(router, first));
  if (bringing.length === 0) return 'no vrrp_instance brings its address';
  const on = bringing.filter(({ nodes }) => {
    const hosts = new Set(nodes.map(({ host }) => host));
    return hosts.size === perHost.size && [...perHost.keys()].every(host => hosts.has(host));
  });
  if (on.length === 0)
    return `only ${[...perHost.keys()].join(', ')} of the nodes of ${bringing.map(({ name }) => name).join(', ')} have it`;
  const narrow = key.kind === 'address' ? on.slice(0, 1) : on;
  return { ...service, on: narrow, vip: key.kind === 'address' ? formatIp(key.address) : undefined };
}

function brings(router: ImportedRouter, { model: { key, family }, group }: ImportedServer): boolean {
  const own = addressesOf(router).filter(address => familyOf(address) === family);
  if (key.kind === 'address') return own.some(address => compareIp(address, key.address) === 0);
  const ranges = group?.model.entries.filter(entry => entry.kind === 'range') ?? [];
  if (ranges.length === 0) return own.length > 0;
  return ranges.some(range => own.some(address => isIn(address, range)));
}

function isIn(address: Uint8Array, range: VirtualServerGroupEntry & { readonly kind: 'range' }): boolean {
  return compareIp(range.first, address) <= 0 && compareIp(address, range.last) <= 0;
}

/** What an instance brings and clients connect to. */
function addressesOf({ nodes }: ImportedRouter): readonly Uint8Array[] {
  return (nodes[0]?.instance.addresses ?? [])
    .flatMap(text => parseIp(text) ?? [])
    .filter(address => !isLinkLocal(address));
}

/** Virtual addresses that are served alike become one entry. */
function mergeAlike(placed: readonly Placed[]): readonly (readonly Placed[])[] {
  const identity = (one: Placed, index: number): string => {
    const { first, vip, perHost } = one;
    if (vip === undefined) return String(index);
    const port = first.model.key.kind === 'address' ? first.model.key.port : 0;
    const said = [...perHost].map(([host, { words, reals }]) => [host, words, reals]);
    return JSON.stringify([port, first.model.protocol, first.model.family, said]);
  };
  const alike = new Map<string, Placed[]>();
  for (const [index, one] of placed.entries()) {
    const key = identity(one, index);
    alike.set(key, [...(alike.get(key) ?? []), one]);
  }
  return [...alike.values()];
}

function entryOf(name: string, alike: readonly Placed[], { realServers }: ServerOptions): ServerEntry {
  const [one] = alike;
  const on = [...new Set(alike.flatMap(({ on: instances }) => instances))];
  const perHost = [...(one?.perHost ?? [])].map(([host, server]): [string, Words] => {
    const { model, group, words } = server;
    const { real_servers, checks } = realServerWords(server, realServers);
    return [
      host,
      {
        on: on.map(({ name: instance }) => instance),
        ...narrowed(alike, on, model.family),
        ...(model.key.kind === 'address' ? { port: model.key.port } : {}),
        ...(model.key.kind === 'fwmark' ? { fwmark: model.key.fwmark } : {}),
        ...(group ? { virtual_server_group: group.lines } : {}),
        ...(model.protocol === 'TCP' || isMark(server) ? {} : { protocol: model.protocol }),
        ...words,
        real_servers,
        ...checks,
      },
    ];
  });
  return { name, perHost: new Map(perHost) };
}

function isMark({ model: { key }, group }: ImportedServer): boolean {
  return key.kind === 'fwmark' || group?.model.entries.every(entry => entry.kind === 'fwmark') === true;
}

/** `addresses`, where not all addresses of the family are served. */
function narrowed(alike: readonly Placed[], on: readonly ImportedRouter[], family: Family): Words {
  const served = alike.flatMap(({ vip }) => vip ?? []);
  const all = on.flatMap(addressesOf).filter(address => familyOf(address) === family);
  return served.length === 0 || served.length === all.length ? {} : { addresses: served };
}

/** Names as people give them: by the service, then by the instance, then by number. */
class Names {
  readonly #taken = new Set<string>();

  of([one]: readonly Placed[]): string {
    const { key, protocol } = one?.first.model ?? {};
    const stem =
      key?.kind === 'group'
        ? key.group
        : key?.kind === 'fwmark'
          ? `fwmark_${key.fwmark}`
          : portName(key?.port, protocol);
    const second = `${stem}_${key?.kind === 'group' ? protocol?.toLowerCase() : one?.on[0]?.name}`;
    const numbered = (n: number): string =>
      this.#taken.has(`${stem}_${n}`) ? numbered(n + 1) : `${stem}_${n}`;
    const name = [stem, second].find(text => !this.#taken.has(text)) ?? numbered(2);
    this.#taken.add(name);
    return name;
  }
}

function portName(port = 0, protocol = 'TCP'): string {
  const service = protocol === 'SCTP' ? undefined : SERVICES[port];
  const other = port === 0 ? `any_${protocol.toLowerCase()}` : `${protocol.toLowerCase()}_${port}`;
  if (service === undefined) return other;
  return protocol === 'UDP' && port !== 53 ? `${service}_udp` : service;
}

const SERVICES: Readonly<Record<number, string>> = {
  21: 'ftp',
  22: 'ssh',
  25: 'smtp',
  53: 'dns',
  80: 'http',
  143: 'imap',
  389: 'ldap',
  443: 'https',
  465: 'smtps',
  636: 'ldaps',
  993: 'imaps',
  3306: 'mysql',
  5432: 'postgresql',
  6379: 'redis',
  6443: 'kubernetes',
};

function carry(services: ReadonlyMap<Service, string>): Omit<PlacedServers, 'entries'> {
  const blocks = new Map<string, string[]>();
  const notes: Diagnostic[] = [];
  for (const [{ first, perHost }, why] of services) {
    const message = `\`${lineText(first.statement)}\` is carried verbatim under \`extra\`: ${why}`;
    notes.push({ id: 'carried-verbatim', severity: 'warning', message, position: first.statement.position });
    for (const [host, { statement, group }] of perHost) {
      const known = blocks.get(host) ?? [];
      const texts = [group?.statement, statement].flatMap(one =>
        one ? [blockText(one, () => undefined)] : [],
      );
      blocks.set(host, [...known, ...texts.filter(text => !known.includes(text))]);
    }
  }
  return { carried: blocks, notes };
}
