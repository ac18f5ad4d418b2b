/** What follows from virtual servers for a director: blocks of keepalived.conf, openings, kernel parameters. */
import { cidrContains, formatIp, type Family } from '#base/address.ts';
import type { HostFacts } from './derive-interfaces.ts';
import { PROTOCOLS, type ServedPort, type ServerModel } from './derive-servers.ts';
import type { UpstreamModel } from './derive-upstreams.ts';
import { keywordLines, line, word } from './topology-keywords.ts';
import type { Opening, SysctlSetting } from './topology-types.ts';
import type { VirtualServerBlock } from './topology-types-servers.ts';

/** The blocks of one host, which runs some of the server's instances. Throws ValueError for what cannot be written. */
export function serverBlocks(host: string, server: ServerModel): readonly VirtualServerBlock[] {
  const here = server.served.filter(({ instance }) => instance.nodes.some(node => node.host === host));
  const blocks =
    server.group !== undefined
      ? here.slice(0, 1)
      : server.fwmark === undefined
        ? here
        : distinctFamilies(here);
  return blocks.map(served => serverBlock(server, served));
}

/** keepalived takes wlc too, and complains of a file that leaves it to it. */
function schedulerLines({ words }: ServerModel): string[] {
  return 'lb_algo' in words || 'lvs_sched' in words ? [] : ['lb_algo wlc'];
}

/** A firewall mark stands for one service per family. */
function distinctFamilies(served: readonly ServedPort[]): readonly ServedPort[] {
  return served.filter((one, index) => served.findIndex(other => other.family === one.family) === index);
}

function serverBlock(server: ServerModel, served: ServedPort): VirtualServerBlock {
  const address = formatIp(served.address);
  const { fwmark, group, port } = server;
  const { family } = served;
  const ported = fwmark === undefined && group === undefined;
  const reals = server.reals.flatMap(real => {
    const own = real.addresses.get(family);
    return own ? [{ real, address: formatIp(own), port: real.port ?? (group ? 0 : port) }] : [];
  });
  return {
    head: group
      ? `virtual_server group ${word(server.name)}`
      : fwmark === undefined
        ? `virtual_server ${address} ${port}`
        : `virtual_server fwmark ${fwmark}`,
    keywords: [
      ...keywordLines(server.words, 'virtual_server'),
      ...schedulerLines(server),
      `lb_kind ${server.methodLine}`,
      ...protocolLines(server, family),
      ...reals.flatMap(one => [
        ported || one.real.port !== undefined
          ? `real_server ${one.address} ${one.port} {`
          : `real_server ${one.address} {`,
        ...realLines(server, one.real).map(line => `    ${line}`),
        '}',
      ]),
    ],
    name: server.name,
    cluster: server.cluster,
    family,
    protocol: server.protocol,
    address: fwmark === undefined && !group ? address : undefined,
    port,
    fwmark,
    group: group && {
      head: `virtual_server_group ${word(server.name)}`,
      keywords: group.map(line),
      cluster: server.cluster,
    },
    method: server.method,
    instance: served.instance.name,
    real_servers: reals.map(one => ({
      host: one.real.host,
      address: one.address,
      port: one.port,
      weight: one.real.weight,
    })),
  };
}

/** A firewall mark stands for packets of any protocol, and says no family. */
function protocolLines({ fwmark, group, protocol, words }: ServerModel, family: Family): string[] {
  const marksOnly = fwmark !== undefined || group?.every(text => /^\s*fwmark\s/.test(text));
  if (marksOnly !== true) return [`protocol ${protocol}`];
  return family === 6 && !('ip_family' in words) ? ['ip_family inet6'] : [];
}

/** Checkers of the host's own words replace those of the virtual server. */
function realLines(server: ServerModel, real: UpstreamModel): string[] {
  const words = keywordLines({ ...server.checkers, ...real.words }, 'real_server');
  return [`weight ${real.weight}`, ...words];
}

/** Ports that the directors' checks go to, besides the real server's own. */
export function checkPorts(server: ServerModel, real: UpstreamModel): readonly number[] {
  const ports = new Set([real.port ?? server.port]);
  const words = JSON.stringify({ ...server.checkers, ...real.words });
  for (const [, port] of words.matchAll(/"connect_port":"?(\d+)/g)) ports.add(Number(port));
  return [...ports].filter(port => port > 0);
}

export function directorOpenings(host: string, server: ServerModel): Opening[] {
  const here = server.served.filter(({ instance }) => instance.nodes.some(node => node.host === host));
  const protocol = PROTOCOLS[server.protocol];
  const open = { protocol, interface: undefined, group: undefined, peers: [] };
  const services =
    server.fwmark === undefined
      ? here.map(({ family, address, port }): Opening => ({
          kind: 'service',
          family,
          ...open,
          destination: formatIp(address),
          ...(port > 0 ? { port } : {}),
          ...(server.method === 'NAT' ? { translated: true as const } : { untracked: true as const }),
          reason: `clients of ${server.name}`,
        }))
      : [];
  return server.method === 'NAT' ? [...services, ...forwards(server)] : services;
}

function forwards(server: ServerModel): Opening[] {
  const families = new Set(server.served.map(one => one.family));
  return server.reals.flatMap(real =>
    [...real.addresses].flatMap(([family, bytes]): Opening[] => {
      if (!families.has(family)) return [];
      const port = real.port ?? server.port;
      const address = formatIp(bytes);
      const common = {
        kind: 'forward' as const,
        family,
        protocol: PROTOCOLS[server.protocol],
        interface: undefined,
        group: undefined,
      };
      return [
        {
          ...common,
          peers: [],
          destination: address,
          ...(port > 0 ? { port } : {}),
          reason: `${server.name} to ${real.host}`,
        },
        {
          ...common,
          peers: [address],
          ...(port > 0 ? { source_port: port } : {}),
          reason: `answers of ${real.host} for ${server.name}`,
        },
      ];
    }),
  );
}

/** Kernel parameters of a director. `synced`: the connection table is synchronised. */
export function directorSysctls(host: string, server: ServerModel, facts: HostFacts): SysctlSetting[] {
  const families = new Set(server.served.map(one => one.family));
  const served = server.name;
  const nat = server.method === 'NAT';
  const wanted: (readonly [boolean, string, string, string])[] = [
    [nat && families.has(4), 'net.ipv4.ip_forward', '1', `${served} forwards to its real servers`],
    [nat && families.has(6), 'net.ipv6.conf.all.forwarding', '1', `${served} forwards to its real servers`],
    ...redirects(server, facts).map(
      name =>
        [
          nat && families.has(4),
          `net.ipv4.conf.${name}.send_redirects`,
          '0',
          `${served}: real servers must not be told a way around the director`,
        ] as const,
    ),
    [
      !nat && server.directors.length > 1,
      'net.ipv4.vs.sloppy_tcp',
      '1',
      `${served}: a director takes over connections whose beginning it has not seen`,
    ],
    [
      server.reals.some(real => real.host === host || server.directors.includes(real.host)),
      'net.ipv4.vs.backup_only',
      '1',
      `${served}: a director that is a real server must not forward again what it gets from the master`,
    ],
    [
      true,
      'net.ipv4.vs.expire_nodest_conn',
      '1',
      `${served}: connections of a removed real server end instead of hanging`,
    ],
    [
      'persistence_timeout' in server.words,
      'net.ipv4.vs.expire_quiescent_template',
      '1',
      `${served}: persistent clients leave a real server of weight 0`,
    ],
  ];
  return wanted.filter(([applies]) => applies).map(([, key, value, reason]) => ({ key, value, reason }));
}

/** Redirects are an OR of `all` and the interface's own setting, so both go off. */
function redirects(server: ServerModel, facts: HostFacts): readonly string[] {
  const towards = [...(facts.interfaces ?? [])].filter(([, { addresses }]) =>
    addresses.some(cidr =>
      server.reals.some(real => [...real.addresses.values()].some(address => cidrContains(cidr, address))),
    ),
  );
  return ['all', ...towards.map(([name]) => name.replaceAll('.', '/'))];
}

/** The directors' addresses as a real server sees them; empty where one is not known. */
export function directorAddresses(
  server: ServerModel,
  family: Family,
  towards: Uint8Array,
  factsOf: (host: string) => HostFacts,
): readonly string[] {
  const found = server.directors.map(host => {
    const { interfaces } = factsOf(host);
    const near = [...(interfaces?.values() ?? [])].flatMap(one => one.addresses);
    return near.find(cidr => cidr.address.length === (family === 4 ? 4 : 16) && cidrContains(cidr, towards));
  });
  return found.every(cidr => cidr !== undefined) ? found.map(cidr => formatIp(cidr.address)) : [];
}
