import { formatCidr } from '#base/address.ts';
import type { NextHop as ConfiguredHop, NumberOrName, VirtualRoute, VirtualRule } from '#conf/model.ts';
import {
  type KernelFailure,
  type NetworkTables,
  OUR_PROTOCOL,
  type Route,
  type Rule,
  SCOPE,
  TABLE,
} from '#linux/ports.ts';
import type { RoutesAction, RulesAction } from '#vrrp/action.ts';
import type { Interfaces } from './interfaces.ts';

/** Adds or removes virtual routes; returns one line for each that the kernel refused. */
export function changeRoutes(tables: NetworkTables, interfaces: Interfaces, action: RoutesAction): string[] {
  const add = action.kind === 'addRoutes';
  const asked = action.routes.map(route => routeSpec(route, interfaces));
  const answers = add ? tables.addRoutes(asked) : tables.removeRoutes(asked);
  return action.routes.flatMap((route, i) =>
    complaint(action.router.config.name, `route ${formatCidr(route.destination)}`, add, answers[i]),
  );
}

/** Adds or removes virtual rules; returns one line for each that the kernel refused. */
export function changeRules(tables: NetworkTables, action: RulesAction): string[] {
  const add = action.kind === 'addRules';
  const asked = action.rules.map(ruleSpec);
  const answers = add ? tables.addRules(asked) : tables.removeRules(asked);
  return action.rules.flatMap((rule, i) =>
    complaint(action.router.config.name, `rule with preference ${rule.preference ?? 0}`, add, answers[i]),
  );
}

function complaint(name: string, what: string, add: boolean, failure: KernelFailure | undefined): string[] {
  const asGoodAsDone = add ? ['EEXIST'] : ['ESRCH', 'ENOENT', 'ENODEV'];
  if (!failure || asGoodAsDone.includes(failure.code)) return [];
  return [`(${name}) cannot ${add ? 'add' : 'remove'} ${what}: ${failure.message}`];
}

/** What tells routes apart: destination, table, metric. */
export function routeKey(route: Route): string {
  const { family, destination, prefix, table, metric = 0 } = route;
  // IPv6 routes without a metric get 1024.
  const effective = family === 6 && metric === 0 ? 1024 : metric;
  return `${formatCidr({ address: destination, prefix })} ${table} ${effective}`;
}

/** What tells rules apart. */
export function ruleKey(rule: Rule): string {
  const cidr = (value: Rule['from']): string => (value ? formatCidr(value) : '');
  const rest = [
    rule.family,
    rule.priority,
    rule.action,
    rule.table,
    rule.invert ?? false,
    rule.iifName ?? '',
  ];
  return [...rest, rule.oifName ?? '', rule.mark ?? '', cidr(rule.from), cidr(rule.to)].join(' ');
}

/** What the kernel is asked for when a route is added or removed. */
export function routeSpec(route: VirtualRoute, interfaces: Interfaces): Route {
  const ifindex = route.dev === undefined ? undefined : interfaces.byName(route.dev)?.ifindex;
  const mtu = route.metrics.find(metric => metric.name === 'mtu')?.value;
  return {
    family: route.family,
    destination: route.destination.address,
    prefix: route.destination.prefix,
    type: route.type,
    table: numberOf(route.table, TABLE, TABLE.main),
    scope: numberOf(route.scope, SCOPE, defaultScope(route)),
    protocol: OUR_PROTOCOL,
    onLink: route.onlink,
    ...(route.via ? { gateway: route.via } : {}),
    ...(ifindex === undefined ? {} : { ifindex }),
    ...(route.src ? { source: route.src } : {}),
    ...(route.metric === undefined ? {} : { metric: route.metric }),
    ...(mtu === undefined ? {} : { mtuBytes: mtu }),
    ...(route.nexthops.length > 0 ? { nextHops: route.nexthops.map(hop => hopSpec(hop, interfaces)) } : {}),
  };
}

/** What ip-route(8) derives: an IPv4 route without a gateway ends on the link. */
function defaultScope(route: VirtualRoute): number {
  const direct = route.family === 4 && route.type === 'unicast' && !route.via && route.nexthops.length === 0;
  return direct ? SCOPE.link : SCOPE.global;
}

function hopSpec(hop: ConfiguredHop, interfaces: Interfaces): NonNullable<Route['nextHops']>[number] {
  const ifindex = hop.dev === undefined ? undefined : interfaces.byName(hop.dev)?.ifindex;
  return {
    weight: hop.weight,
    onLink: hop.onlink,
    ...(hop.via ? { gateway: hop.via } : {}),
    ...(ifindex === undefined ? {} : { ifindex }),
  };
}

/** What the kernel is asked for when a rule is added or removed. */
export function ruleSpec(rule: VirtualRule): Rule {
  const action: Rule['action'] = rule.action === 'table' ? 'lookup' : rule.action;
  return {
    family: rule.family,
    priority: rule.preference ?? 0,
    action,
    table: action === 'lookup' ? numberOf(rule.table, TABLE, TABLE.main) : 0,
    protocol: OUR_PROTOCOL,
    invert: rule.not,
    ...(rule.from ? { from: rule.from } : {}),
    ...(rule.to ? { to: rule.to } : {}),
    ...(rule.iif === undefined ? {} : { iifName: rule.iif }),
    ...(rule.oif === undefined ? {} : { oifName: rule.oif }),
    ...(rule.fwmark ? { mark: rule.fwmark.mark } : {}),
    ...(rule.fwmark?.mask === undefined ? {} : { markMask: rule.fwmark.mask }),
    ...(rule.goto === undefined ? {} : { gotoPriority: rule.goto }),
    ...(rule.suppressPrefixlength === undefined ? {} : { suppressPrefixLength: rule.suppressPrefixlength }),
  };
}

function numberOf(
  value: NumberOrName | undefined,
  names: Readonly<Record<string, number>>,
  fallback: number,
): number {
  if (typeof value === 'number') return value;
  return value === undefined ? fallback : (names[value] ?? fallback);
}
