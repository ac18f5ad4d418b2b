/** `virtual_servers` of one cluster as typed data: whose addresses, how, and who serves. */
import { compareIp, familyOf, formatIp, parseIp, type Family } from '#base/address.ts';
import type { Position } from '#base/position.ts';
import type { InstanceModel } from './derive-instance.ts';
import { toNumber } from './derive-node.ts';
import { servedByGroup } from './derive-server-group.ts';
import { listOf } from './derive-server-words.ts';
import { resolveUpstreams, type UpstreamContext, type UpstreamModel } from './derive-upstreams.ts';
import type { Json } from './module.ts';
import { similarName } from './template-registry.ts';
import { isJsonMap, mergeDeep } from './topology-find.ts';
import type { Report } from './topology-rules.ts';
import {
  virtualServerSchema,
  type RealServerWords,
  type VirtualServerWords,
} from './topology-schema-servers.ts';
import type { Keyword } from './topology-schema-words.ts';
import { checkShape } from './topology-shape.ts';
import type { LvsMethod } from './topology-types-servers.ts';
import { positionAt } from './yaml.ts';

/** A virtual address that is served, and the instance that brings it. */
export interface ServedAddress {
  readonly address: Uint8Array;
  readonly family: Family;
  readonly instance: InstanceModel;
}

/** A port of it; 0: every port. */
export interface ServedPort extends ServedAddress {
  readonly port: number;
}

export interface ServerModel {
  readonly name: string;
  readonly cluster: string;
  readonly position: Position;
  readonly place: (word: string) => Position;
  readonly accept: readonly string[];
  readonly instances: readonly InstanceModel[];
  /** Hosts that run one of the instances, by preference. */
  readonly directors: readonly string[];
  readonly served: readonly ServedPort[];
  /** 0 with `fwmark`, which has none, and with a group of several. */
  readonly port: number;
  /** Lines of its `virtual_server_group`; undefined without. */
  readonly group: readonly string[] | undefined;
  readonly fwmark: number | undefined;
  readonly protocol: 'TCP' | 'UDP' | 'SCTP';
  readonly method: LvsMethod;
  /** `lb_kind` as it is rendered: the method, and a tunnel's type. */
  readonly methodLine: string;
  readonly reals: readonly UpstreamModel[];
  readonly realWords: RealServerWords;
  /** Keywords of virtual_server that are passed on. */
  readonly words: Readonly<Record<string, Keyword>>;
  /** Checker blocks, for each of its real servers. */
  readonly checkers: Readonly<Record<string, Keyword>>;
}

/** IP protocol numbers. */
export const PROTOCOLS = { TCP: 6, UDP: 17, SCTP: 132 } as const;

const CHECKER = /^(?:HTTP_GET|SSL_GET|(?:TCP|SMTP|DNS|MISC|BFD|UDP|PING|FILE)_CHECK)$/;

const OWN_WORDS: ReadonlySet<string> = new Set([
  'on',
  'addresses',
  'port',
  'fwmark',
  'virtual_server_group',
  'protocol',
  'lb_kind',
  'lvs_method',
  'real_servers',
  'accept',
]);

export type ServerContext = Omit<UpstreamContext, 'senders'> & {
  readonly cluster: string;
  readonly instances: readonly InstanceModel[];
  /** `virtual_server` of `topology_defaults`. */
  readonly defaults: Json;
};

/** Reads `virtual_servers` as rendered for one host. Complaints go to the report. */
export function readServers(
  rendered: Json | undefined,
  fallback: Position,
  context: ServerContext,
): readonly ServerModel[] {
  if (!isJsonMap(rendered)) return [];
  return Object.entries(rendered).flatMap(([name, raw]) => {
    const position = positionAt(rendered, [name], 'key') ?? fallback;
    const merged = isJsonMap(context.defaults) ? mergeDeep(context.defaults, raw) : raw;
    const words = checkShape(virtualServerSchema, merged, context.report, {
      id: 'topology-shape',
      name: `virtual_servers.${name}`,
      position,
    });
    return words ? (readServer(name, words, merged, position, context) ?? []) : [];
  });
}

function readServer(
  name: string,
  words: VirtualServerWords,
  raw: Json,
  position: Position,
  context: ServerContext,
): ServerModel | undefined {
  const { report } = context;
  const what = `virtual_servers ${name}`;
  const place = (word: string): Position => positionAt(raw, [word]) ?? position;
  const instances = instancesNamed(what, listOf(words.on), place('on'), context);
  const directors = [...new Set(instances.flatMap(one => one.nodes.map(node => node.host)))];
  const given = words.real_servers ?? {};
  const realWords = typeof given === 'string' ? { group: given } : given;
  const reals = resolveUpstreams(what, realWords, place('real_servers'), { ...context, senders: directors });
  const methodLine = methodOf(what, words, place, report);
  const group = words.virtual_server_group;
  const grouped =
    group && servedByGroup(what, group, unicastOf(instances), place('virtual_server_group'), report);
  const port = group ? grouped && commonPort(grouped) : portOf(what, words, place, report);
  if (instances.length === 0 || methodLine === undefined || port === undefined) return undefined;
  const served =
    grouped ??
    servedBy(what, words, instances, reals, place('addresses'), report).map(one => ({ ...one, port }));
  const rest = Object.entries(words as Readonly<Record<string, Keyword>>).filter(
    ([key]) => !OWN_WORDS.has(key),
  );
  const fwmark = words.fwmark === undefined ? undefined : toNumber(words.fwmark);
  return {
    name,
    cluster: context.cluster,
    position,
    place,
    accept: words.accept ?? [],
    instances,
    directors,
    served,
    port,
    group,
    fwmark,
    protocol: words.protocol ?? 'TCP',
    method: methodLine.split(' ')[0] as LvsMethod,
    methodLine,
    reals,
    realWords,
    words: Object.fromEntries(rest.filter(([key]) => !CHECKER.test(key))),
    checkers: Object.fromEntries(rest.filter(([key]) => CHECKER.test(key))),
  };
}

/** Instances by name or CLUSTER/NAME. */
export function instancesNamed(
  what: string,
  names: readonly string[],
  position: Position,
  { instances, cluster, report }: Pick<ServerContext, 'instances' | 'cluster' | 'report'>,
): readonly InstanceModel[] {
  if (names.length === 0) {
    report.error(
      'instance-unknown',
      `${what} does not say on which instances`,
      position,
      `on: [${instances.map(one => one.name).join(', ')}]`,
    );
  }
  return names.flatMap(name => {
    const plain = name.startsWith(`${cluster}/`) ? name.slice(cluster.length + 1) : name;
    const found = instances.find(one => one.name === plain);
    if (found) return [found];
    const known = instances.map(one => one.name);
    const similar = similarName(plain, known);
    report.error(
      'instance-unknown',
      `${what} names ${name}, which is no instance of ${cluster}`,
      position,
      similar === undefined ? `the instances are ${known.join(', ')}` : `did you mean ${similar}?`,
    );
    return [];
  });
}

function methodOf(
  what: string,
  words: VirtualServerWords,
  place: (word: string) => Position,
  report: Report,
): string | undefined {
  const key = words.lb_kind === undefined ? 'lvs_method' : 'lb_kind';
  const given = words[key];
  if (given === undefined) {
    report.warn(
      'lb-kind-missing',
      `${what} has no lb_kind, and NAT is taken`,
      place(key),
      'write lb_kind: NAT, DR or TUN',
      words.accept,
    );
    return 'NAT';
  }
  if (typeof given === 'string' && /^(?:NAT|DR|TUN(?: [\w ]+)?)$/.test(given)) return given;
  report.error('lb-kind', `${what}: ${key} is ${JSON.stringify(given)}`, place(key), 'NAT, DR or TUN');
  return undefined;
}

function portOf(
  what: string,
  words: VirtualServerWords,
  place: (word: string) => Position,
  report: Report,
): number | undefined {
  if (words.fwmark !== undefined) return 0;
  const port = toNumber(words.port);
  const persistent = 'persistence_timeout' in words;
  if (Number.isInteger(port) && port >= (persistent ? 0 : 1) && port <= 65535) return port;
  report.error(
    'server-port',
    words.port === undefined ? `${what} has no port` : `${what}: port is ${JSON.stringify(words.port)}`,
    place('port'),
    port === 0 ? 'every port (0) needs persistence_timeout' : 'a whole number from 1 to 65535',
  );
  return undefined;
}

/** The instances' addresses of the families in which somebody serves, or those that `addresses` picks. */
function servedBy(
  what: string,
  words: VirtualServerWords,
  instances: readonly InstanceModel[],
  reals: readonly UpstreamModel[],
  position: Position,
  report: Report,
): readonly ServedAddress[] {
  const given = listOf(words.addresses);
  const families = new Set(reals.flatMap(real => [...real.addresses.keys()]));
  if (given.length === 0)
    return unicastOf(instances).filter(one => reals.length === 0 || families.has(one.family));
  return pickAddresses(what, given, addressesOn(instances), position, report);
}

function unicastOf(instances: readonly InstanceModel[]): readonly ServedAddress[] {
  return addressesOn(instances).filter(one => !isLinkLocal(one.address));
}

/** The port of all, or 0. */
function commonPort(served: readonly ServedPort[]): number {
  const ports = new Set(served.map(one => one.port));
  const [only] = ports;
  return ports.size === 1 ? (only ?? 0) : 0;
}

/** fe80::/10: the first address of an IPv6 instance, which nobody is served on. */
export function isLinkLocal(address: Uint8Array): boolean {
  return address.length === 16 && address[0] === 0xfe && ((address[1] ?? 0) & 0xc0) === 0x80;
}

/** Virtual addresses of instances, excluded ones too. */
export function addressesOn(instances: readonly InstanceModel[]): readonly ServedAddress[] {
  return instances.flatMap(instance => {
    const [first] = instance.nodes;
    const vips = first ? [...first.vips, ...first.excluded] : [];
    return vips.map(({ cidr: { address } }) => ({ address, family: familyOf(address), instance }));
  });
}

/** Those of `all` that are named. */
export function pickAddresses(
  what: string,
  given: readonly string[],
  all: readonly ServedAddress[],
  position: Position,
  report: Report,
): readonly ServedAddress[] {
  return given.flatMap(text => {
    const wanted = parseIp(text);
    const found = wanted && all.find(one => compareIp(one.address, wanted) === 0);
    if (found) return [found];
    report.error(
      'server-address',
      `${what}: ${text} is not an address of its instances`,
      position,
      `they have ${all.map(one => formatIp(one.address)).join(', ')}`,
    );
    return [];
  });
}
