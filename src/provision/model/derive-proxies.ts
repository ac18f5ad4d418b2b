/** `proxies`: nginx or haproxy on the nodes of instances. */
import { formatIp } from '#base/address.ts';
import type { Position } from '#base/position.ts';
import { toNumber } from './derive-node.ts';
import { addressesOn, instancesNamed, pickAddresses, type ServedAddress } from './derive-servers.ts';
import { listOf } from './derive-server-words.ts';
import { resolveUpstreams, type UpstreamContext, type UpstreamModel } from './derive-upstreams.ts';
import type { InstanceModel } from './derive-instance.ts';
import type { Json } from './module.ts';
import { line } from './topology-keywords.ts';
import { isJsonMap } from './topology-find.ts';
import { proxySchema, type ProxyWords } from './topology-schema-servers.ts';
import { checkShape } from './topology-shape.ts';
import type { Opening, SysctlSetting } from './topology-types.ts';
import type { ProxyDuties, ProxyFrontend } from './topology-types-servers.ts';
import { positionAt } from './yaml.ts';

export interface ProxyModel {
  readonly name: string;
  readonly cluster: string;
  readonly software: 'nginx' | 'haproxy';
  readonly hosts: readonly string[];
  readonly binds: readonly ServedAddress[];
  readonly port: number;
  readonly upstreams: readonly UpstreamModel[];
  readonly respond: ProxyFrontend['respond'];
  readonly stats: ProxyDuties['stats'];
  readonly words: ProxyWords;
}

type Context = Omit<UpstreamContext, 'senders'> & {
  readonly cluster: string;
  readonly instances: readonly InstanceModel[];
};

/** Reads `proxies` as rendered for one host. Complaints go to the report. */
export function readProxies(
  rendered: Json | undefined,
  fallback: Position,
  context: Context,
): readonly ProxyModel[] {
  if (!isJsonMap(rendered)) return [];
  return Object.entries(rendered).flatMap(([name, raw]) => {
    const position = positionAt(rendered, [name], 'key') ?? fallback;
    const where = { id: 'topology-shape' as const, name: `proxies.${name}`, position };
    const words = checkShape(proxySchema, raw, context.report, where);
    return words ? (readProxy(name, words, raw, position, context) ?? []) : [];
  });
}

function readProxy(
  name: string,
  words: ProxyWords,
  raw: Json,
  position: Position,
  context: Context,
): ProxyModel | undefined {
  const { report } = context;
  const what = `proxies ${name}`;
  const place = (word: string): Position => positionAt(raw, [word]) ?? position;
  const instances = instancesNamed(what, listOf(words.on), place('on'), context);
  const hosts = [...new Set(instances.flatMap(one => one.nodes.map(node => node.host)))];
  const port = toNumber(words.port);
  if (!Number.isInteger(port) || port < 1 || port > 65535) {
    report.error(
      'server-port',
      `${what}: port is ${JSON.stringify(words.port)}`,
      place('port'),
      'a whole number from 1 to 65535',
    );
  }
  if ((words.real_servers === undefined) === (words.respond === undefined)) {
    report.error(
      'proxy-shape',
      `${what} has ${words.respond === undefined ? 'neither real_servers nor' : 'both real_servers and'} respond`,
      position,
      'real_servers: { group: web }, or respond: TEXT',
    );
    return undefined;
  }
  const all = addressesOn(instances);
  const given = listOf(words.addresses);
  const realWords =
    typeof words.real_servers === 'string' ? { group: words.real_servers } : words.real_servers;
  return {
    name,
    cluster: context.cluster,
    software: words.software,
    hosts,
    binds: given.length === 0 ? all : pickAddresses(what, given, all, place('addresses'), report),
    port,
    upstreams: realWords
      ? resolveUpstreams(what, realWords, place('real_servers'), { ...context, senders: hosts })
      : [],
    respond: respondOf(words.respond),
    stats: statsOf(words.stats),
    words,
  };
}

function respondOf(given: ProxyWords['respond']): ProxyFrontend['respond'] {
  if (given === undefined) return undefined;
  if (typeof given === 'string') return { status: 503, body: given };
  return { status: given.status === undefined ? 503 : toNumber(given.status), body: given.body };
}

function statsOf(given: ProxyWords['stats']): ProxyDuties['stats'] {
  if (given === undefined) return undefined;
  const { port, uri } = typeof given === 'object' ? given : { port: given, uri: undefined };
  return { port: toNumber(port), uri: uri ?? '/' };
}

/** What one program does on a host; undefined if nothing. Throws ValueError for a line that cannot be written. */
export function proxyDuties(
  host: string,
  software: 'nginx' | 'haproxy',
  proxies: readonly ProxyModel[],
): ProxyDuties | undefined {
  const mine = proxies.filter(one => one.software === software && one.hosts.includes(host));
  if (mine.length === 0) return undefined;
  return { frontends: mine.map(frontendOf), stats: mine.find(one => one.stats)?.stats };
}

function frontendOf(proxy: ProxyModel): ProxyFrontend {
  const { words, port } = proxy;
  return {
    name: proxy.name,
    cluster: proxy.cluster,
    mode: words.mode ?? 'http',
    binds: proxy.binds.map(({ address, family }) => ({ address: formatIp(address), port, family })),
    upstreams: proxy.upstreams.flatMap(real => {
      const [address] = real.addresses.values();
      const at = address && { host: real.host, address: formatIp(address), port: real.port ?? port };
      return at ? [{ ...at, weight: real.weight }] : [];
    }),
    balance: words.balance,
    check_path: words.check_path,
    respond: proxy.respond,
    keywords: (words.keywords ?? []).map(line),
  };
}

export function proxySysctls(proxies: readonly ProxyModel[]): SysctlSetting[] {
  const families = new Set(proxies.flatMap(one => one.binds.map(bind => bind.family)));
  const reason = `${proxies.map(one => one.name).join(', ')}: the backup listens on addresses that it does not have yet`;
  return [...families].map(family => ({ key: `net.ipv${family}.ip_nonlocal_bind`, value: '1', reason }));
}

export function proxyOpenings(proxies: readonly ProxyModel[]): Opening[] {
  const open = { kind: 'service' as const, protocol: 6, interface: undefined, group: undefined, peers: [] };
  return proxies.flatMap(({ name, binds, port, stats }): Opening[] => [
    ...binds.map(({ family, address }) => ({
      ...open,
      family,
      destination: formatIp(address),
      port,
      reason: `clients of ${name}`,
    })),
    ...(stats
      ? [{ ...open, family: 4 as const, port: stats.port, reason: `the statistics of ${name}` }]
      : []),
  ]);
}
