import { formatCidr, formatIp, type Cidr } from '#base/address.ts';
import type {
  NextHop,
  StaticAddress,
  StaticRoute,
  StaticRule,
  VirtualAddress,
  VirtualRoute,
  VirtualRule,
} from './model.ts';
import { printAddress, printOptions } from './print-words.ts';

const trackGroup = (object: object): string | undefined =>
  'trackGroup' in object && typeof object.trackGroup === 'string' ? object.trackGroup : undefined;

/** A line of an address block. */
export function addressEntry(address: VirtualAddress | StaticAddress): string {
  const { broadcast, peer } = address;
  return [
    shortCidr(address),
    ...printOptions({
      brd: typeof broadcast === 'string' ? broadcast : printAddress(broadcast),
      dev: address.dev,
      scope: address.scope,
      label: address.label,
      peer: peer && formatIp(peer.address),
      home: address.home,
      '-nodad': !address.nodad,
      mngtmpaddr: address.mngtmpaddr,
      noprefixroute: address.noprefixroute,
      autojoin: address.autojoin,
      use_vmac: address.useVmac,
      no_track: address.noTrack,
      preferred_lft: address.preferredLifetimeS,
      track_group: trackGroup(address),
    }),
  ].join(' ');
}

function shortCidr(cidr: Cidr): string {
  return cidr.prefix === cidr.address.length * 8 ? formatIp(cidr.address) : formatCidr(cidr);
}

/** A line of a route block. */
export function routeEntry(route: VirtualRoute | StaticRoute): string {
  const metrics = route.metrics.map(({ name, value, lock }) => `${name} ${lock ? 'lock ' : ''}${value}`);
  return [
    ...(route.type === 'unicast' ? [] : [route.type]),
    formatCidr(route.destination),
    ...printOptions({
      via: printAddress(route.via),
      dev: route.dev,
      src: printAddress(route.src),
      table: route.table,
      scope: route.scope,
      protocol: route.protocol,
      tos: route.tos,
      metric: route.metric,
      onlink: route.onlink,
    }),
    ...metrics,
    ...printOptions({ append: route.append, no_track: route.noTrack, track_group: trackGroup(route) }),
    ...route.nexthops.map(nextHopEntry),
  ].join(' ');
}

function nextHopEntry(hop: NextHop): string {
  const options = { via: printAddress(hop.via), dev: hop.dev, weight: hop.weight, onlink: hop.onlink };
  return ['nexthop', ...printOptions(options)].join(' ');
}

/** A line of a rule block. */
export function ruleEntry(rule: VirtualRule | StaticRule): string {
  const { fwmark } = rule;
  const mask = fwmark?.mask === undefined ? '' : `/${fwmark.mask}`;
  const range = (ports: { first: number; last: number } | undefined): string | undefined =>
    ports && `${ports.first}-${ports.last}`;
  const options = printOptions({
    not: rule.not,
    from: rule.from && formatCidr(rule.from),
    to: rule.to && formatCidr(rule.to),
    table: rule.table,
    iif: rule.iif,
    oif: rule.oif,
    tos: rule.tos,
    fwmark: fwmark && `${fwmark.mark}${mask}`,
    preference: rule.preference,
    suppress_prefixlength: rule.suppressPrefixlength,
    suppress_ifgroup: rule.suppressIfgroup,
    uidrange: range(rule.uidRange),
    l3mdev: rule.l3mdev,
    protocol: rule.protocol,
    ipproto: rule.ipProto,
    sport: range(rule.sport),
    dport: range(rule.dport),
    no_track: rule.noTrack,
    track_group: trackGroup(rule),
    goto: rule.goto,
  });
  const action = rule.action === 'table' || rule.action === 'goto' ? [] : [rule.action];
  const family = rule.family === 6 && !rule.from && !rule.to ? ['inet6'] : [];
  return [...options, ...action, ...family].join(' ');
}
