/**
 * Hosts that leave: what a director remembers of them (in its ledger), of itself too, what becomes of that in a run, and
 * what it means for the director's virtual servers and instances. Pure.
 */
import type { HostInstance, HostTopology } from './topology-types.ts';
import type { VirtualServerBlock } from './topology-types-servers.ts';

/** A real server that this director does without, on somebody's word; or the director itself, which is to be MASTER of nothing. */
export interface Departure {
  /** The inventory's name. */
  readonly host: string;
  /** `drained`: weight 0, so connections go on and none are new. `removed`: not in the configuration. */
  readonly state: 'drained' | 'removed';
  /** `drain` lasts until `tandem undrain`; `teardown` until an apply makes the host a real server again. */
  readonly cause: 'drain' | 'teardown';
  /** Who said so: `ann@desk`. */
  readonly owner: string;
  /** When, Unix epoch milliseconds. */
  readonly atMs: number;
}

/** What a run wants to become of departures. */
export interface DepartureOrders {
  /** Leave, or leave further. A director that has such a departure already keeps the older one. */
  readonly leave: readonly Departure[];
  /** Ends with this run. */
  readonly returns: (departure: Departure) => boolean;
  /** Refuse where the director's configuration would change in anything else. */
  readonly nothingElse: boolean;
  /** Why the director cannot do without these; undefined if it can. */
  readonly refuses?: (departures: readonly Departure[]) => string | undefined;
}

/** What one director's plan does about departures. */
export interface DepartureChanges {
  /** In force after the turn. */
  readonly inForce: readonly Departure[];
  /** To be remembered anew. */
  readonly left: readonly Departure[];
  /** To be forgotten. */
  readonly returned: readonly Departure[];
}

export function departureChanges(
  present: readonly Departure[],
  orders: DepartureOrders | undefined,
): DepartureChanges {
  if (!orders) return { inForce: present, left: [], returned: [] };
  const left = orders.leave.filter(wanted => {
    const known = present.find(({ host }) => host === wanted.host);
    return !known || known.state !== wanted.state || known.cause !== wanted.cause;
  });
  const leaving = new Set(orders.leave.map(({ host }) => host));
  const returned = present.filter(known => !leaving.has(known.host) && orders.returns(known));
  const gone = new Set([...left, ...returned].map(({ host }) => host));
  return { inForce: [...present.filter(({ host }) => !gone.has(host)), ...left], left, returned };
}

/**
 * A director's topology without those who leave: templates see weight 0, or nothing. A director that leaves itself has the
 * lowest priority.
 */
export function withDepartures(topology: HostTopology, departures: readonly Departure[]): HostTopology {
  if (departures.length === 0) return topology;
  const states = new Map(departures.map(({ host, state }) => [host, state]));
  const virtual_servers = topology.virtual_servers.map(block => without(block, states));
  if (!states.has(topology.host)) return { ...topology, virtual_servers };
  return { ...topology, virtual_servers, instances: topology.instances.map(lastResort) };
}

/** Lowest of all: a director that leaves becomes MASTER again if there is nobody else, and only then. */
function lastResort(instance: HostInstance): HostInstance {
  return { ...instance, priority: 1, state: 'BACKUP' };
}

function without(
  block: VirtualServerBlock,
  states: ReadonlyMap<string, Departure['state']>,
): VirtualServerBlock {
  const { real_servers: reals } = block;
  const isRemoved = (host: string): boolean => states.get(host) === 'removed';
  const [head, blocks] = splitKeywords(block.keywords);
  const keywords = reals.flatMap(({ host }, index) => {
    const lines = blocks[index] ?? [];
    if (isRemoved(host)) return [];
    return states.has(host) ? lines.map(line => line.replace(/^ {4}weight \d+$/, '    weight 0')) : lines;
  });
  return {
    ...block,
    keywords: [...head, ...keywords],
    real_servers: reals
      .filter(({ host }) => !isRemoved(host))
      .map(real => (states.has(real.host) ? { ...real, weight: 0 } : real)),
  };
}

/** Lines before the first real_server, and the lines of each. */
function splitKeywords(
  keywords: readonly string[],
): readonly [head: readonly string[], blocks: readonly (readonly string[])[]] {
  const starts = keywords.flatMap((line, index) => (line.startsWith('real_server ') ? index : []));
  const blocks = starts.map((start, index) => keywords.slice(start, starts[index + 1] ?? keywords.length));
  return [keywords.slice(0, starts[0] ?? keywords.length), blocks];
}

/**
 * Why a director cannot do without these real servers, whatever its checkers say: keepalived and tandemd refuse a file in
 * which a virtual server's weights do not reach its quorum. Undefined if it can.
 */
export function weightless(topology: HostTopology, departures: readonly Departure[]): string | undefined {
  for (const { head, keywords, real_servers: reals } of withDepartures(topology, departures)
    .virtual_servers) {
    const left = reals.reduce((sum, { weight }) => sum + weight, 0);
    const [, given] = keywords.map(line => /^quorum (\d+)$/.exec(line)).find(Boolean) ?? [];
    const quorum = Number(given ?? 1);
    if (left < quorum)
      return `${head} would be left with weight ${left}, and its quorum is ${quorum}: let others serve first, or take it out of the inventory`;
  }
  return undefined;
}

/** Why new connections cannot be kept from a real server of this block by weight 0; undefined if they can. */
export function undrainable(block: VirtualServerBlock): string | undefined {
  const words = block.keywords.map(line => line.split(/\s+/));
  const [, scheduler] = words.find(([key]) => key === 'lb_algo' || key === 'lvs_sched') ?? [];
  const falls = words.some(([key]) => key === 'sh-fallback' || key === 'flag-1');
  if (scheduler !== 'dh' && (scheduler !== 'sh' || falls)) return undefined;
  const wayOut = scheduler === 'sh' ? 'give it sh-fallback' : 'give it another lb_algo, such as mh';
  return `${block.head} has lb_algo ${scheduler}, which refuses clients whose hash falls on a real server of weight 0: ${wayOut}`;
}

/** One virtual server of a director that a leaving real server serves for; labels as tandemd's status has them. */
export interface LeavingService {
  readonly host: string;
  /** The vrrp_instance that brings the address: who is MASTER of it forwards. */
  readonly instance: string;
  /** `[10.0.0.1]:tcp:80`, `FWM 5` or `[group]:0`. */
  readonly virtual: string;
  /** Without the protocol, which status writes as keepalived takes it: `[10.0.0.1]` and `80`. */
  readonly real: { readonly address: string; readonly port: number };
  /** Why weight 0 would refuse clients. */
  readonly undrainable: string | undefined;
  /** `drain_timeout` of the virtual server, seconds. */
  readonly drainTimeoutS: number | undefined;
}

/** What `hosts` serve for on one director. */
export function leavingServices(topology: HostTopology, hosts: ReadonlySet<string>): LeavingService[] {
  return topology.virtual_servers.flatMap(block =>
    block.real_servers
      .filter(({ host }) => hosts.has(host))
      .map(({ host, address, port }) => ({
        host,
        instance: block.instance,
        virtual: labelOf(block),
        real: { address, port },
        undrainable: undrainable(block),
        drainTimeoutS: drainTimeoutOf(block),
      })),
  );
}

function labelOf({ name, group, fwmark, address, protocol, port }: VirtualServerBlock): string {
  if (group) return `[${name}]:0`;
  return fwmark === undefined ? `[${address}]:${protocol.toLowerCase()}:${port}` : `FWM ${fwmark}`;
}

function drainTimeoutOf({ keywords }: VirtualServerBlock): number | undefined {
  const [, seconds] = keywords.map(line => /^drain_timeout ([\d.]+)$/.exec(line)).find(Boolean) ?? [];
  return seconds === undefined ? undefined : Number(seconds);
}
