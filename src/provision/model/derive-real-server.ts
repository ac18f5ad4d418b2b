/** What follows from virtual servers for a host that serves behind them. */
import { cidrContains, familyOf, formatCidr, formatIp, type Family } from '#base/address.ts';
import { directorAddresses, checkPorts } from './derive-director.ts';
import { interfaceWith, networkOf, type HostFacts } from './derive-interfaces.ts';
import { PROTOCOLS, type ServedAddress, type ServedPort, type ServerModel } from './derive-servers.ts';
import type { UpstreamModel } from './derive-upstreams.ts';
import { distinct } from './derive-merge.ts';
import type { Opening, SysctlSetting } from './topology-types.ts';
import type { RealServerDuties, RealServerGateway, RealServerVip } from './topology-types-servers.ts';

/** One virtual server that a host serves for. */
export interface Service {
  readonly server: ServerModel;
  readonly real: UpstreamModel;
  /** NAT: the virtual address that answers go through, by family. */
  readonly gateways: ReadonlyMap<Family, ServedAddress>;
}

type FactsOf = (host: string) => HostFacts;

/** First routing table for answers through a director; the instance's VRID is added. */
const TABLE_BASE = 11_200;

export function realServerDuties(
  host: string,
  services: readonly Service[],
  factsOf: FactsOf,
): RealServerDuties {
  const facts = factsOf(host);
  const quiet = services.filter(({ server }) => server.method !== 'NAT');
  const vips = distinct(
    quiet.flatMap(({ server, real }) => servedTo(server, real).map(served => vipOf(server, served))),
    vip => `${vip.interface} ${vip.address}`,
  );
  return {
    methods: [...new Set(services.map(({ server }) => server.method))],
    vips,
    gateways: gatewaysOf(services, facts),
    modules: [...new Set(vips.flatMap(vip => MODULES[vip.interface] ?? []))],
    sysctls: distinct(
      quiet.flatMap(service => quietSysctls(service, facts)),
      setting => setting.key,
    ),
    directors: [...new Set(services.flatMap(({ server }) => server.directors))],
  };
}

const MODULES: Readonly<Record<string, readonly string[]>> = { tunl0: ['ipip'], ip6tnl0: ['ip6_tunnel'] };

/** Virtual addresses in the families in which the host serves. */
function servedTo(server: ServerModel, real: UpstreamModel): readonly ServedPort[] {
  return server.served.filter(one => real.addresses.has(one.family));
}

function vipOf(server: ServerModel, { family, address, port }: ServedPort): RealServerVip {
  const tunnel = family === 4 ? 'tunl0' : 'ip6tnl0';
  return {
    address: formatIp(address),
    prefix: family === 4 ? 32 : 128,
    family,
    interface: server.method === 'TUN' ? tunnel : 'lo',
    method: server.method === 'TUN' ? 'TUN' : 'DR',
    options: family === 6 ? 'nodad preferred_lft 0' : '',
    port,
    protocol: server.protocol,
  };
}

/**
 * The kernel takes the greater of `all` and the receiving interface, so on lo alone ARP settings do nothing; the same
 * holds for rp_filter, where 2 wins. IPv6 answers neighbour solicitations for the receiving interface's addresses only.
 */
function quietSysctls({ server, real }: Service, facts: HostFacts): SysctlSetting[] {
  const vips = servedTo(server, real).filter(one => one.family === 4);
  if (vips.length === 0) return [];
  const reason = `only the director answers ARP for the addresses of ${server.name}`;
  const names = server.realWords.arp_scope === 'all' ? ['all'] : facing(vips, real, facts);
  const arp = names.flatMap(name => [
    { key: `net.ipv4.conf.${name}.arp_ignore`, value: '1', reason },
    { key: `net.ipv4.conf.${name}.arp_announce`, value: '2', reason },
  ]);
  const filter = {
    key: 'net.ipv4.conf.tunl0.rp_filter',
    value: '2',
    reason: `${server.name}: clients' packets come out of the tunnel and are answered another way`,
  };
  return server.method === 'TUN' ? [...arp, filter] : arp;
}

/** NICs on a network with a virtual address, or the one that directors send to; all where the inventory does not say. */
function facing(vips: readonly ServedAddress[], real: UpstreamModel, facts: HostFacts): readonly string[] {
  const own = real.addresses.get(4);
  const near = [...(facts.interfaces ?? [])].filter(([, { addresses }]) =>
    addresses.some(
      cidr => vips.some(vip => cidrContains(cidr, vip.address)) || (own && cidrContains(cidr, own)),
    ),
  );
  return near.length === 0 ? ['all'] : near.map(([name]) => name.replaceAll('.', '/'));
}

function gatewaysOf(services: readonly Service[], facts: HostFacts): readonly RealServerGateway[] {
  const found = services.flatMap(({ server, real, gateways }) =>
    [...gateways].flatMap(([family, { address, instance }]): RealServerGateway[] => {
      const from = real.addresses.get(family);
      const on = from && interfaceWith(facts, from);
      if (!on) return [];
      const vrid = instance.nodes[0]?.virtualRouterId ?? 0;
      return [
        {
          family,
          from: formatIp(from),
          subnet: formatCidr(networkOf(on.cidr)),
          interface: on.name,
          address: formatIp(address),
          instance: `${server.cluster}/${instance.name}`,
          table: TABLE_BASE + vrid,
          default_route: isTrue(server.realWords.default_route),
          services: [{ protocol: server.protocol, port: real.port ?? server.port }],
        },
      ];
    }),
  );
  return mergeGateways(found);
}

/** Services that answer from one address through the same gateway share its table. */
function mergeGateways(gateways: readonly RealServerGateway[]): readonly RealServerGateway[] {
  const merged = new Map<string, RealServerGateway>();
  for (const gateway of gateways) {
    const key = `${gateway.from} ${gateway.address}`;
    const known = merged.get(key);
    const services = distinct(
      [...(known?.services ?? []), ...gateway.services],
      one => `${one.protocol} ${one.port}`,
    );
    merged.set(key, {
      ...gateway,
      default_route: gateway.default_route || known?.default_route === true,
      services,
    });
  }
  return [...merged.values()];
}

function isTrue(flag: unknown): boolean {
  return flag === true || flag === 'true' || flag === 'yes';
}

export function realServerOpenings(services: readonly Service[], factsOf: FactsOf): Opening[] {
  return services.flatMap(({ server, real }) =>
    [...real.addresses.values()].flatMap(address => openingsFor(server, real, address, factsOf)),
  );
}

function openingsFor(server: ServerModel, real: UpstreamModel, own: Uint8Array, factsOf: FactsOf): Opening[] {
  const family = familyOf(own);
  const vips = server.served.filter(one => one.family === family);
  if (vips.length === 0) return [];
  const directors = directorAddresses(server, family, own, factsOf);
  const protocol = PROTOCOLS[server.protocol];
  const port = real.port ?? server.port;
  const common = { family, interface: undefined, group: undefined };
  const targets = server.method === 'NAT' ? [{ address: own, port }] : vips;
  return [
    ...targets.map(({ address, port: open }): Opening => ({
      kind: 'service',
      ...common,
      protocol,
      peers: [],
      destination: formatIp(address),
      ...(open > 0 ? { port: open } : {}),
      reason: `clients of ${server.name}`,
    })),
    ...(server.method === 'TUN'
      ? [
          {
            kind: 'tunnel' as const,
            ...common,
            protocol: family === 4 ? 4 : 41,
            peers: directors,
            reason: `what directors send for ${server.name}`,
          },
        ]
      : []),
    ...checkPorts(server, real).map((checked): Opening => ({
      kind: 'check',
      ...common,
      protocol,
      peers: directors,
      destination: formatIp(own),
      port: checked,
      reason: `health checks of ${server.name}`,
    })),
  ];
}
