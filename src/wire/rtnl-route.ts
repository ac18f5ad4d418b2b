import type { Family } from '#base/address.ts';
import { i32host, layout, u16host, u32host, u8, viewOf } from './layout.ts';
import { bytesOf, type NetlinkWriter, numberOf, parseAttributes } from './netlink.ts';
import { afOf, familyOfAf, zeroAddress } from './rtnetlink.ts';

/** Routes in rtnetlink: `struct rtmsg` and its attributes (Linux `include/uapi/linux/rtnetlink.h`). */

const rtmsg = layout({
  family: u8,
  destinationPrefix: u8,
  sourcePrefix: u8,
  tos: u8,
  table: u8,
  protocol: u8,
  scope: u8,
  type: u8,
  flags: u32host,
});
const rtnexthop = layout({ length: u16host, flags: u8, hops: u8, ifindex: i32host });

const RTA = {
  destination: 1,
  oif: 4,
  gateway: 5,
  priority: 6,
  source: 7,
  metrics: 8,
  multipath: 9,
  table: 15,
} as const;
const RTAX_MTU = 2;
const RTNH_F_ONLINK = 4;
const RTM_F_CLONED = 0x200;

/** Kinds of routes (`rtm_type`). */
const ROUTE_TYPE = {
  unicast: 1,
  local: 2,
  broadcast: 3,
  anycast: 4,
  multicast: 5,
  blackhole: 6,
  unreachable: 7,
  prohibit: 8,
  throw: 9,
} as const;
type RouteType = keyof typeof ROUTE_TYPE;

/** Well-known routing tables (`rt_tables`). */
export const TABLE = { default: 253, main: 254, local: 255 } as const;

/** One way of a multipath route. */
interface NextHop {
  readonly gateway?: Uint8Array;
  readonly ifindex?: number;
  /** 1–256. */
  readonly weight: number;
  readonly onLink?: boolean;
}

/** A route; as asked for, and as found. */
export interface Route {
  readonly family: Family;
  /** Destination network, 4 or 16 bytes; all zero with `prefix` 0 is the default route. */
  readonly destination: Uint8Array;
  readonly prefix: number;
  readonly type: RouteType;
  /** `TABLE` or any 32-bit number. */
  readonly table: number;
  /** `SCOPE`; IPv6 has only global. */
  readonly scope: number;
  /** Who made it: `OUR_PROTOCOL`, or 2 kernel, 3 boot, 4 static, 16 dhcp, 18 keepalived. */
  readonly protocol: number;
  readonly gateway?: Uint8Array;
  readonly ifindex?: number;
  /** Preferred source address. */
  readonly source?: Uint8Array;
  readonly metric?: number;
  readonly onLink?: boolean;
  readonly mtuBytes?: number;
  readonly nextHops?: readonly NextHop[];
}

/** The fixed part of a dump request. */
export function routeDumpRequest(family: Family): Uint8Array {
  return rtmsg.encode({
    family: afOf(family),
    destinationPrefix: 0,
    sourcePrefix: 0,
    tos: 0,
    table: 0,
    protocol: 0,
    scope: 0,
    type: 0,
    flags: 0,
  });
}

/** Writes the body of RTM_NEWROUTE or RTM_DELROUTE. */
export function writeRoute(writer: NetlinkWriter, route: Route): void {
  writer.struct(
    rtmsg.encode({
      family: afOf(route.family),
      destinationPrefix: route.prefix,
      sourcePrefix: 0,
      tos: 0,
      // Tables above 255 only fit the attribute; RT_TABLE_UNSPEC says to look there.
      table: route.table > 255 ? 0 : route.table,
      protocol: route.protocol,
      scope: route.scope,
      type: ROUTE_TYPE[route.type],
      flags: route.onLink ? RTNH_F_ONLINK : 0,
    }),
  );
  writer
    .attribute(RTA.destination, route.prefix > 0 ? route.destination : undefined)
    .attribute(RTA.gateway, route.gateway)
    .u32(RTA.oif, route.ifindex)
    .u32(RTA.priority, route.metric)
    .attribute(RTA.source, route.source)
    .u32(RTA.table, route.table);
  const { mtuBytes, nextHops } = route;
  if (mtuBytes !== undefined) writer.nested(RTA.metrics, inner => inner.u32(RTAX_MTU, mtuBytes), false);
  if (nextHops)
    writer.nested(RTA.multipath, inner => nextHops.forEach(hop => writeNextHop(inner, hop)), false);
}

function writeNextHop(writer: NetlinkWriter, hop: NextHop): void {
  const at = writer.position;
  const head = {
    length: 0,
    flags: hop.onLink ? RTNH_F_ONLINK : 0,
    hops: hop.weight - 1,
    ifindex: hop.ifindex ?? 0,
  };
  writer.struct(rtnexthop.encode(head)).attribute(RTA.gateway, hop.gateway);
  writer.patch(at, rtnexthop.encode({ ...head, length: writer.position - at }));
}

/** Reads the body of RTM_NEWROUTE or RTM_DELROUTE; undefined for other families and for IPv6's route cache. */
export function parseRoute(body: Uint8Array): Route | undefined {
  const head = rtmsg.decode(viewOf(body));
  const family = head && familyOfAf(head.family);
  if (!family || (head.flags & RTM_F_CLONED) !== 0) return undefined;
  const type = (Object.keys(ROUTE_TYPE) as RouteType[]).find(name => ROUTE_TYPE[name] === head.type);
  if (!type) return undefined;
  const attributes = parseAttributes(body, rtmsg.length);
  const metrics = attributes.get(RTA.metrics);
  return {
    family,
    destination: bytesOf(attributes.get(RTA.destination)) ?? zeroAddress(family),
    prefix: head.destinationPrefix,
    type,
    table: numberOf(attributes.get(RTA.table)) ?? head.table,
    scope: head.scope,
    protocol: head.protocol,
    ...present('gateway', bytesOf(attributes.get(RTA.gateway))),
    ...present('ifindex', numberOf(attributes.get(RTA.oif))),
    ...present('source', bytesOf(attributes.get(RTA.source))),
    ...present('metric', numberOf(attributes.get(RTA.priority))),
    ...present('onLink', (head.flags & RTNH_F_ONLINK) !== 0 || undefined),
    ...present('mtuBytes', metrics && numberOf(parseAttributes(metrics).get(RTAX_MTU))),
    ...present('nextHops', parseNextHops(attributes.get(RTA.multipath))),
  };
}

function parseNextHops(value: Uint8Array | undefined): NextHop[] | undefined {
  if (!value) return undefined;
  const hops: NextHop[] = [];
  const view = viewOf(value);
  for (let at = 0; ;) {
    const head = rtnexthop.decode(view, at);
    if (!head || head.length < rtnexthop.length || at + head.length > value.length) return hops;
    const attributes = parseAttributes(value.subarray(at, at + head.length), rtnexthop.length);
    hops.push({
      weight: head.hops + 1,
      ...present('gateway', bytesOf(attributes.get(RTA.gateway))),
      ...present('ifindex', head.ifindex || undefined),
      ...present('onLink', (head.flags & RTNH_F_ONLINK) !== 0 || undefined),
    });
    at += (head.length + 3) & ~3;
  }
}

function present<K extends string, T>(name: K, value: T | undefined): Partial<Record<K, T>> {
  return value === undefined ? {} : ({ [name]: value } as Partial<Record<K, T>>);
}
