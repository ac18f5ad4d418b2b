/** Rules across clusters: a VRID is unique on a network and family, a virtual address within a site. */
import { cidrContains, formatCidr, formatIp, parseCidr } from '#base/address.ts';
import type { Position } from '#base/position.ts';
import type { DecidedNode, InstanceModel } from './derive-instance.ts';
import { networkOf, type HostFacts } from './derive-interfaces.ts';
import type { Report } from './topology-rules.ts';
import type { Topology } from './topology-schema.ts';

interface Owner {
  readonly name: string;
  readonly position: Position;
}

/** Who uses what so far, over all clusters of an inventory. */
export class SiteRegister {
  readonly #routers = new Map<string, Owner>();
  readonly #addresses = new Map<string, Owner>();

  /** Enters the instances of a cluster; collisions with what is there already go to the report. */
  enter(
    instances: readonly InstanceModel[],
    topology: Topology,
    interfaces: (host: string) => HostFacts,
    report: Report,
  ): void {
    for (const instance of instances) {
      const owner = { name: `${instance.cluster}/${instance.name}`, position: instance.position };
      const site = topology.site ?? instance.cluster;
      for (const node of instance.nodes) {
        const segment = segmentOf(instance, node, topology, interfaces(node.host));
        this.#router(segment, instance, node, owner, report);
      }
      for (const vip of instance.nodes[0]?.vips ?? [])
        this.#address(site, formatIp(vip.cidr.address), vip.position, owner, report);
    }
  }

  #router(segment: Segment, instance: InstanceModel, node: DecidedNode, owner: Owner, report: Report): void {
    const key = `${segment.key} ${node.family} ${node.virtualRouterId}`;
    const other = this.#routers.get(key);
    if (!other) this.#routers.set(key, owner);
    else if (other.name !== owner.name) {
      report.error(
        'vrid-duplicate',
        `virtual_router_id ${node.virtualRouterId} of ${instance.name} is also that of ${other.name} on ${segment.shown}`,
        node.place('virtual_router_id'),
        `see ${other.position.file}:${other.position.line}; choose another number from 1 to 255`,
      );
    }
  }

  #address(site: string, address: string, position: Position, owner: Owner, report: Report): void {
    const key = `${site} ${address}`;
    const other = this.#addresses.get(key);
    if (!other) this.#addresses.set(key, owner);
    else {
      report.error(
        'vip-duplicate',
        other.name === owner.name
          ? `${owner.name} has ${address} twice`
          : `${address} of ${owner.name} is also that of ${other.name}`,
        position,
        `see ${other.position.file}:${other.position.line}`,
      );
    }
  }
}

interface Segment {
  readonly key: string;
  readonly shown: string;
}

/** The network of a node's interface: named, or by subnet, or where nothing is known by the interface's name. */
function segmentOf(
  instance: InstanceModel,
  node: DecidedNode,
  topology: Topology,
  facts: HostFacts,
): Segment {
  const declared = facts.interfaces?.get(node.interface);
  const vip = node.vips[0]?.cidr.address;
  const own = declared?.addresses.filter(cidr => cidr.address.length === (node.family === 4 ? 4 : 16)) ?? [];
  const subnet = own.find(cidr => vip && cidrContains(cidr, vip)) ?? own[0];
  const name = declared?.network ?? namedNetwork(topology, subnet?.address ?? vip);
  if (name !== undefined) {
    const site = topology.networks?.[name]?.site ?? topology.site ?? instance.cluster;
    return { key: `${site}|network ${name}`, shown: `the network ${name}` };
  }
  const site = topology.site ?? instance.cluster;
  if (!subnet)
    return { key: `${site}|interface ${node.interface}`, shown: `the network of ${node.interface}` };
  const network = formatCidr(networkOf(subnet));
  return { key: `${site}|subnet ${network}`, shown: network };
}

function namedNetwork(topology: Topology, address: Uint8Array | undefined): string | undefined {
  if (!address) return undefined;
  const found = Object.entries(topology.networks ?? {}).find(([, network]) =>
    (network.subnets ?? []).some(subnet => {
      const cidr = parseCidr(subnet);
      return cidr !== undefined && cidrContains(cidr, address);
    }),
  );
  return found?.[0];
}
