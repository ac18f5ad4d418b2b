/** What a picture of the topology shows. */
import { cidrContains, formatCidr, parseCidr } from '#base/address.ts';
import type { DerivedTopology } from './topology.ts';
import type { Sight } from './status-verdict.ts';

/** What a node is of an instance: as the inventory has it, or as its daemon says. */
export type NodeState = 'preferred' | 'backup' | 'MASTER' | 'BACKUP' | 'FAULT' | 'unknown';

export interface GraphNode {
  readonly host: string;
  readonly priority: number;
  readonly state: NodeState;
}

export interface GraphInstance {
  readonly name: string;
  readonly virtualRouterId: number;
  /** Interface, and the network where it is known. */
  readonly network: string;
  readonly cast: 'multicast' | 'unicast';
  readonly vips: readonly string[];
  /** undefined: in none. */
  readonly syncGroup: string | undefined;
  readonly nodes: readonly GraphNode[];
}

interface GraphHost {
  readonly name: string;
  /** `eth0 172.16.8.10/24`. */
  readonly addresses: readonly string[];
  readonly state: 'reached' | 'unreachable' | 'unknown';
}

export interface GraphServer {
  readonly name: string;
  /** `TCP · DR · VI_1`: protocol, method, the instance that brings the address. */
  readonly about: string;
  /** `10.16.8.100:80`, or `fwmark 1`. */
  readonly addresses: readonly string[];
  /** `web8:8080 ×3`: name, port where it is mapped, weight where it is not 1. */
  readonly realServers: readonly string[];
}

export interface GraphCluster {
  readonly name: string;
  readonly hosts: readonly GraphHost[];
  /** Members of a sync group stand together. */
  readonly instances: readonly GraphInstance[];
  readonly servers: readonly GraphServer[];
}

/** What is known beside the topology. */
export interface GraphContext {
  /** A host's NICs with their addresses, as far as the inventory says. */
  readonly interfacesOf: (host: string) => ReadonlyMap<string, readonly string[]>;
  /** What daemons say; absent: the picture shows what the inventory wants. */
  readonly sights?: ReadonlyMap<string, Sight>;
}

/** The clusters of an inventory, ready to be drawn. */
export function graphOf(topology: DerivedTopology, context: GraphContext): readonly GraphCluster[] {
  return topology.clusters.map(cluster => {
    const groupOf = new Map(
      cluster.syncGroups.flatMap(({ name, instances }) => instances.map(member => [member, name] as const)),
    );
    const instances = cluster.instances.map(({ name, nodes, priorities, vips, virtual_router_id: vrid }) => {
      const own = topology.hosts.get(nodes[0] ?? '')?.instances.find(instance => instance.name === name);
      return {
        name,
        virtualRouterId: vrid,
        network: networkOf(nodes, name, vips, topology, context),
        cast: own && own.unicast_peer.length > 0 ? ('unicast' as const) : ('multicast' as const),
        vips,
        syncGroup: groupOf.get(name),
        nodes: nodes.map((host, index) => ({
          host,
          priority: priorities[host] ?? 0,
          state: stateOf(host, name, index, context),
        })),
      };
    });
    const order = cluster.syncGroups.map(({ name }) => name);
    const rank = ({ syncGroup }: GraphInstance): number =>
      syncGroup === undefined ? order.length : order.indexOf(syncGroup);
    return {
      name: cluster.name,
      hosts: cluster.hosts.map(host => hostOf(host, context)),
      instances: instances.toSorted((a, b) => rank(a) - rank(b)),
      servers: serversOf(cluster.name, cluster.hosts, topology),
    };
  });
}

/** Virtual servers over all directors, each once. */
function serversOf(
  cluster: string,
  hosts: readonly string[],
  topology: DerivedTopology,
): readonly GraphServer[] {
  const servers = new Map<string, GraphServer>();
  for (const block of hosts.flatMap(host => topology.hosts.get(host)?.virtual_servers ?? [])) {
    if (block.cluster !== cluster) continue;
    const { address = '', family, fwmark, group, port, name, protocol, method, instance } = block;
    const shown =
      fwmark === undefined ? `${family === 6 ? `[${address}]` : address}:${port}` : `fwmark ${fwmark}`;
    servers.set(`${name} ${protocol} ${group?.head ?? shown}`, {
      name,
      about: [protocol, method, instance].join(' · '),
      addresses: group ? group.keywords : [shown],
      realServers: block.real_servers.map(real => {
        const mapped = real.port === undefined || real.port === port ? '' : `:${real.port}`;
        return `${real.host}${mapped}${real.weight === 1 ? '' : ` ×${real.weight}`}`;
      }),
    });
  }
  return [...servers.values()];
}

function hostOf(name: string, { interfacesOf, sights }: GraphContext): GraphHost {
  const addresses = [...interfacesOf(name)].flatMap(([nic, list]) =>
    list.map(address => `${nic} ${address}`),
  );
  const sight = sights?.get(name);
  const state = !sight ? 'unknown' : sight.kind === 'unreachable' ? 'unreachable' : 'reached';
  return { name, addresses, state };
}

function stateOf(host: string, instance: string, index: number, { sights }: GraphContext): NodeState {
  if (!sights) return index === 0 ? 'preferred' : 'backup';
  const sight = sights.get(host);
  if (sight?.kind !== 'status') return 'unknown';
  const state = sight.status.instances.find(({ name }) => name === instance)?.state;
  return state === 'MASTER' || state === 'BACKUP' || state === 'FAULT' ? state : 'unknown';
}

/** `eth0 · 172.16.8.0/24`; several interfaces where the nodes have different ones. */
function networkOf(
  nodes: readonly string[],
  instance: string,
  vips: readonly string[],
  topology: DerivedTopology,
  { interfacesOf }: GraphContext,
): string {
  const nics = nodes.flatMap(host => {
    const found = topology.hosts.get(host)?.instances.find(({ name }) => name === instance);
    return found ? [[host, found.interface] as const] : [];
  });
  const vip = parseCidr(vips[0]?.split('/')[0] ?? '')?.address;
  const subnets = nics.flatMap(([host, nic]) =>
    (interfacesOf(host).get(nic) ?? []).flatMap(text => {
      const cidr = parseCidr(text);
      return cidr && vip && cidrContains(cidr, vip) ? [subnetOf(cidr)] : [];
    }),
  );
  const names = [...new Set(nics.map(([, nic]) => nic))].join(', ');
  return subnets[0] === undefined ? names : `${names} · ${subnets[0]}`;
}

function subnetOf({ address, prefix }: { readonly address: Uint8Array; readonly prefix: number }): string {
  const masked = address.map((byte, index) => {
    const kept = Math.max(0, Math.min(8, prefix - index * 8));
    return byte & ((0xff << (8 - kept)) & 0xff);
  });
  return formatCidr({ address: masked, prefix });
}
