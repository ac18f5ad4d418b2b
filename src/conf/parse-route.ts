import { parseCidr, parseIp, type Cidr } from '#base/address.ts';
import { LineCursor, ROUTE_TABLES, SCOPES } from './line-cursor.ts';
import type { NextHop, RouteType, StaticRoute } from './model.ts';
import { interfaceName } from './parse-address.ts';
import type { Statement } from './parser.ts';
import type { Report } from './report.ts';
import { didYouMean } from './suggest.ts';

type Draft = { -readonly [Key in keyof StaticRoute]: StaticRoute[Key] } & { found: Cidr | undefined };

const TYPES: readonly RouteType[] = [
  'unicast',
  'blackhole',
  'unreachable',
  'prohibit',
  'throw',
  'local',
  'broadcast',
  'anycast',
  'multicast',
];

/** Options with a number that the kernel keeps as a route metric. */
const METRICS = [
  'mtu',
  'hoplimit',
  'advmss',
  'rtt',
  'rttvar',
  'reordering',
  'window',
  'cwnd',
  'ssthresh',
  'rto_min',
  'initcwnd',
  'initrwnd',
  'quickack',
  'fastopen_no_cookie',
];

type Option = (draft: Draft, cursor: LineCursor, report: Report) => void;

const to: Option = (draft, cursor) => {
  draft.found = cursor.prefix('to', draft.family) ?? draft.found;
};
const via: Option = (draft, cursor) => {
  if (cursor.peek() === 'inet' || cursor.peek() === 'inet6') cursor.next();
  draft.via = cursor.address('via');
};
const metric: Option = (draft, cursor) => {
  draft.metric = cursor.integer('metric', 0, 0xffffffff);
};
const tos: Option = (draft, cursor) => {
  draft.tos = cursor.integer('tos', 0, 255);
};
const ignored: Option = () => undefined;

const OPTIONS: Readonly<Record<string, Option>> = {
  to,
  via,
  gw: via,
  src: (draft, cursor) => {
    draft.src = cursor.address('src');
  },
  dev: (draft, cursor, report) => {
    draft.dev = interfaceName(cursor, 'dev', report);
  },
  oif: (draft, cursor, report) => {
    draft.dev = interfaceName(cursor, 'oif', report);
  },
  table: (draft, cursor) => {
    draft.table = cursor.numberOrName('table', ROUTE_TABLES);
  },
  scope: (draft, cursor) => {
    draft.scope = cursor.numberOrName('scope', SCOPES);
  },
  proto: (draft, cursor) => {
    draft.protocol = cursor.numberOrName('proto');
  },
  protocol: (draft, cursor) => {
    draft.protocol = cursor.numberOrName('protocol');
  },
  tos,
  dsfield: tos,
  metric,
  priority: metric,
  preference: metric,
  onlink: draft => {
    draft.onlink = true;
  },
  append: draft => {
    draft.append = true;
  },
  no_track: draft => {
    draft.noTrack = true;
  },
  track_group: (draft, cursor) => {
    draft.trackGroup = cursor.argument('track_group');
  },
  nexthop: (draft, cursor, report) => {
    draft.nexthops = [...draft.nexthops, readNextHop(cursor, report)];
  },
  or: (draft, cursor) => {
    const gateway = cursor.address('or');
    if (gateway)
      draft.nexthops = [...draft.nexthops, { via: gateway, dev: undefined, weight: 1, onlink: false }];
  },
  inet: ignored,
  inet6: ignored,
};

/** One line of virtual_routes or static_routes; undefined if it has no destination. */
export function parseRouteLine(line: Statement, report: Report): StaticRoute | undefined {
  const cursor = new LineCursor(line.words, report);
  const draft: Draft = { ...EMPTY, family: routeFamily(line), position: line.position, found: undefined };
  while (cursor.peek() !== undefined) readOption(draft, cursor, report);
  const { found, ...route } = draft;
  if (!found) {
    report.error('route-incomplete', line.position, 'this route has no destination; it is ignored');
    return undefined;
  }
  const families = [found.address, route.via, route.src, ...route.nexthops.map(hop => hop.via)];
  if (families.some(address => address && address.length !== found.address.length)) {
    report.error('route-family', line.position, 'this route mixes IPv4 and IPv6; it is ignored');
    return undefined;
  }
  return { ...route, destination: found };
}

const EMPTY: Omit<StaticRoute, 'family' | 'position'> = {
  type: 'unicast',
  destination: { address: new Uint8Array(4), prefix: 0 },
  via: undefined,
  dev: undefined,
  src: undefined,
  table: undefined,
  scope: undefined,
  protocol: undefined,
  tos: undefined,
  metric: undefined,
  onlink: false,
  nexthops: [],
  metrics: [],
  append: false,
  noTrack: false,
  trackGroup: undefined,
};

/** IPv6 if any word says so; `default` alone is IPv4. */
function routeFamily(line: Statement): 4 | 6 {
  return line.words.some(word => word.text === 'inet6' || parseCidr(word.text)?.address.length === 16)
    ? 6
    : 4;
}

function readOption(draft: Draft, cursor: LineCursor, report: Report): void {
  const { position } = cursor;
  const option = cursor.next() ?? '';
  const type = TYPES.find(name => name === option);
  if (type) {
    draft.type = type;
  } else if (METRICS.includes(option)) {
    const lock = cursor.peek() === 'lock';
    if (lock) cursor.next();
    const value = cursor.integer(option, 0, 0xffffffff);
    if (value !== undefined) draft.metrics = [...draft.metrics, { name: option, value, lock }];
  } else if (Object.hasOwn(OPTIONS, option)) {
    OPTIONS[option]?.(draft, cursor, report);
  } else if (option === 'default' || option === 'any' || option === 'all') {
    draft.found = { address: new Uint8Array(draft.family === 4 ? 4 : 16), prefix: 0 };
  } else {
    const destination = parseCidr(option);
    if (destination) draft.found = destination;
    else tellUnknown(option, position, report);
  }
}

function tellUnknown(option: string, position: Statement['position'], report: Report): void {
  const known = [...Object.keys(OPTIONS), ...METRICS, ...TYPES];
  report.error(
    'option-unknown',
    position,
    `unknown word \`${option}\` in a route is ignored`,
    didYouMean(option, known),
  );
}

function readNextHop(cursor: LineCursor, report: Report): NextHop {
  const hop: { -readonly [Key in keyof NextHop]: NextHop[Key] } = {
    via: undefined,
    dev: undefined,
    weight: 1,
    onlink: false,
  };
  for (;;) {
    const option = cursor.peek();
    if (option === 'via' || option === 'gw') {
      cursor.next();
      if (cursor.peek() === 'inet' || cursor.peek() === 'inet6') cursor.next();
      hop.via = cursor.address(option);
    } else if (option === 'dev') {
      cursor.next();
      hop.dev = interfaceName(cursor, 'dev', report);
    } else if (option === 'weight') {
      cursor.next();
      hop.weight = cursor.integer('weight', 1, 256) ?? 1;
    } else if (option === 'onlink') {
      cursor.next();
      hop.onlink = true;
    } else if (option !== undefined && parseIp(option)) {
      cursor.next();
      hop.via = parseIp(option);
    } else return hop;
  }
}
