/** What the firewall module lets through, and what of it concerns one place in the packet's way. */
import { z } from 'zod';

const address = z.string().regex(/^[0-9a-fA-F:.]+(?:\/\d{1,3})?$/, 'expected an address or a network');

const portNumber = z.int().min(1).max(65535);

/** `HostTopology` derives them; see `Opening` there for what each kind means. */
export const openingSchema = z
  .looseObject({
    kind: z.enum(['vrrp', 'vrrp-ah', 'igmp', 'mld', 'lvs-sync', 'tunnel', 'service', 'check', 'forward']),
    family: z.union([z.literal(4), z.literal(6)]),
    protocol: z.int().min(0).max(255),
    /** Absent: any interface. */
    interface: z
      .string()
      .regex(/^[^\s"/\\]{1,15}$/, 'expected an interface name')
      .nullish(),
    group: address.nullish(),
    peers: z.array(address).default([]),
    destination: address.optional(),
    port: portNumber.optional(),
    source_port: portNumber.optional(),
    untracked: z.literal(true).optional(),
    translated: z.literal(true).optional(),
  })
  .refine(one => (one.port ?? one.source_port) === undefined || TRANSPORTS.has(one.protocol), {
    message: 'only TCP (6), UDP (17) and SCTP (132) have ports',
    path: ['port'],
  });

export interface OpeningArgs {
  readonly kind: z.output<typeof openingSchema>['kind'];
  readonly family: 4 | 6;
  readonly protocol: number;
  readonly interface?: string | null | undefined;
  readonly group?: string | null | undefined;
  readonly peers?: readonly string[];
  readonly destination?: string | undefined;
  readonly port?: number | undefined;
  readonly source_port?: number | undefined;
  readonly untracked?: true | undefined;
  readonly translated?: true | undefined;
}

/** Addresses and networks in `allow` and in openings. */
export const addressSchema = address;

/** Protocols with ports, as nftables, iptables and firewalld call them. */
export const TRANSPORTS: ReadonlyMap<number, string> = new Map([
  [6, 'tcp'],
  [17, 'udp'],
  [132, 'sctp'],
]);

/** One opening at one hook. */
export interface Match {
  readonly family: 4 | 6;
  readonly protocol: number;
  /** Where it comes in. */
  readonly from: string | undefined;
  /** Where it goes out. */
  readonly to: string | undefined;
  /** Empty: any. */
  readonly sources: readonly string[];
  /** Empty: any. */
  readonly destinations: readonly string[];
  readonly sourcePort: number | undefined;
  readonly port: number | undefined;
}

/** Kinds that this host both hears and says. */
const MUTUAL: ReadonlySet<string> = new Set(['vrrp', 'vrrp-ah', 'igmp', 'mld', 'lvs-sync']);

/** What of an opening passes `hook`, as nftables calls it; undefined: nothing. */
export function matchAt(opening: OpeningArgs, hook: string): Match | undefined {
  switch (hook) {
    case 'prerouting':
    case 'input':
      return opening.kind === 'forward' ? undefined : inward(opening);
    case 'forward':
      return opening.kind === 'forward' ? through(opening) : undefined;
    case 'output':
    case 'postrouting':
      return outward(opening);
    default:
      return undefined;
  }
}

function inward(opening: OpeningArgs): Match {
  const target = opening.destination ?? groupOf(opening);
  return {
    ...plain(opening),
    from: opening.interface ?? undefined,
    sources: opening.peers ?? [],
    destinations: target === undefined ? [] : [target],
  };
}

function through(opening: OpeningArgs): Match {
  const { peers = [], destination } = opening;
  return {
    ...plain(opening),
    from: opening.interface ?? undefined,
    sources: peers,
    destinations: destination === undefined ? [] : [destination],
  };
}

/**
 * IPVS takes packets from `input` and sends them on through `output`: with DR as they came, with NAT to the real
 * server's address.
 */
function outward(opening: OpeningArgs): Match | undefined {
  const { kind, peers = [], destination } = opening;
  if (MUTUAL.has(kind)) {
    const target = groupOf(opening);
    const destinations = peers.length > 0 ? peers : target === undefined ? [] : [target];
    return { ...plain(opening), to: opening.interface ?? undefined, destinations };
  }
  const sentOn = kind === 'forward' || opening.untracked === true;
  return sentOn && destination !== undefined ? { ...plain(opening), destinations: [destination] } : undefined;
}

function plain({ family, protocol, port, source_port }: OpeningArgs): Match {
  return {
    family,
    protocol,
    from: undefined,
    to: undefined,
    sources: [],
    destinations: [],
    sourcePort: source_port,
    port,
  };
}

/** IGMP's queries go to all hosts, its answers to the group: neither is matched by address. */
function groupOf({ kind, peers = [], group }: OpeningArgs): string | undefined {
  return kind === 'igmp' || peers.length > 0 ? undefined : (group ?? undefined);
}

/** True if a text of openings lacks a line that another had: what ran with it may be cut off. */
export function closes(before: string, after: string): boolean {
  const left = new Set(linesOf(after));
  return linesOf(before).some(line => !left.has(line));
}

function linesOf(text: string): string[] {
  return text.split('\n').flatMap(line => line.trim() || []);
}
