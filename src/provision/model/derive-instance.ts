/** An instance over all of its nodes: order of preference, priorities, peers. */
import { familyOf, formatIp, parseCidr, parseIp, type Family } from '#base/address.ts';
import type { Position } from '#base/position.ts';
import type { HostFacts } from './derive-interfaces.ts';
import type { NodeModel } from './derive-node.ts';
import { weightsOf, type WeightRange } from './derive-weights.ts';
import type { Report } from './topology-rules.ts';

/** A node with everything decided. */
export interface DecidedNode extends NodeModel {
  readonly priority: number;
  readonly decidedState: 'MASTER' | 'BACKUP';
  readonly source: string | undefined;
  /** Addresses; empty: multicast. */
  readonly peers: readonly string[];
  /** The same as lines of `unicast_peer`, with what else they say. */
  readonly peerLines: readonly string[];
  readonly weights: WeightRange;
}

export interface InstanceModel {
  readonly name: string;
  readonly cluster: string;
  readonly position: Position;
  /** In order of preference: by priority, then as written. */
  readonly nodes: readonly DecidedNode[];
}

/** The highest derived priority: 255 means that the router owns the addresses. */
const HIGHEST = 254;

/** Decides what the inventory leaves open. Complaints go to the report. */
export function decideInstance(
  name: string,
  cluster: string,
  position: Position,
  nodes: readonly NodeModel[],
  scripts: Readonly<Record<string, unknown>>,
  interfaces: (host: string) => HostFacts,
  report: Report,
): InstanceModel {
  const weights = new Map(nodes.map(node => [node.host, weightsOf(node.other, scripts)]));
  const headroom = Math.max(0, ...[...weights.values()].map(range => range.up));
  const cast = unicastOf(name, nodes, interfaces, report);
  const decided = nodes.map((node, index): DecidedNode => {
    const priority = node.explicitPriority ?? Math.max(1, HIGHEST - headroom - index);
    return {
      ...node,
      priority,
      // keepalived treats MASTER below 255 as BACKUP until its first timer; only the owner of the address starts as master.
      decidedState: node.state ?? (priority === 255 ? 'MASTER' : 'BACKUP'),
      source: cast?.get(node.host)?.source ?? node.unicastSource,
      peers: (cast?.get(node.host)?.peers ?? []).map(peer => peer.split(/\s/)[0] ?? peer),
      peerLines: cast?.get(node.host)?.peers ?? [],
      weights: weights.get(node.host) ?? { up: 0, down: 0, positiveFile: false },
    };
  });
  return { name, cluster, position, nodes: decided.toSorted((a, b) => b.priority - a.priority) };
}

type Cast = ReadonlyMap<string, { readonly source: string | undefined; readonly peers: readonly string[] }>;

/** Unicast addresses of the nodes; undefined with multicast. */
function unicastOf(
  name: string,
  nodes: readonly NodeModel[],
  interfaces: (host: string) => HostFacts,
  report: Report,
): Cast | undefined {
  const isUnicast = (node: NodeModel): boolean =>
    (node.unicast !== undefined && node.unicast !== false) || node.unicastPeers !== undefined;
  const unicast = nodes.filter(isUnicast);
  if (unicast.length === 0) return undefined;
  const first = unicast[0];
  if (unicast.length < nodes.length) {
    const other = nodes.find(node => !isUnicast(node));
    report.error(
      'unicast-asymmetric',
      `${name} is unicast on ${first?.host} and multicast on ${other?.host}`,
      first?.place('unicast'),
      'write unicast: true for the instance, not for a node',
    );
    return undefined;
  }
  const addresses = new Map(nodes.map(node => [node.host, sourceOf(name, node, interfaces, report)]));
  return new Map(
    nodes.map(node => {
      const derived = nodes.filter(other => other !== node).flatMap(other => addresses.get(other.host) ?? []);
      return [node.host, { source: addresses.get(node.host), peers: node.unicastPeers ?? derived }];
    }),
  );
}

function sourceOf(
  name: string,
  node: NodeModel,
  interfaces: (host: string) => HostFacts,
  report: Report,
): string | undefined {
  if (node.unicastSource !== undefined) return node.unicastSource;
  const named = typeof node.unicast === 'object' ? node.unicast[node.host] : undefined;
  if (named !== undefined) {
    const cidr = parseCidr(named);
    if (cidr) return formatIp(cidr.address);
    report.error(
      'address-invalid',
      `${name}: unicast address '${named}' of ${node.host} is not an address`,
      node.place('unicast'),
    );
    return undefined;
  }
  const found =
    typeof node.unicast === 'object'
      ? undefined
      : addressOn(interfaces(node.host), node.interface, node.family);
  if (found === undefined) {
    report.error(
      'unicast-address',
      `${name}: the address of ${node.host} on ${node.interface} is not known`,
      node.place('unicast'),
      `give it: unicast: { ${node.host}: 192.0.2.1, … }, or the host's interfaces: { ${node.interface}: 192.0.2.1/24 }`,
    );
  }
  return found;
}

/** The host's address on an interface: from its `interfaces`, or where it says nothing the address we connect to. */
function addressOn(facts: HostFacts, name: string, family: Family): string | undefined {
  const declared = facts.interfaces?.get(name)?.addresses.find(cidr => familyOf(cidr.address) === family);
  if (declared) return formatIp(declared.address);
  if (facts.interfaces || facts.ansibleHost === undefined) return undefined;
  const address = parseIp(facts.ansibleHost);
  return address && familyOf(address) === family ? formatIp(address) : undefined;
}
