import type { Config, VirtualRoute, VirtualRule } from '#conf/model.ts';
import type { Position } from '#base/position.ts';

/** A word of a route or rule that is accepted and not passed on to the kernel. */
export interface UnusedWord {
  readonly what: string;
  readonly position: Position;
}

/** Words of `virtual_routes`, `virtual_rules` and their static kin that have no effect here. */
export function unusedRoutingWords(config: Config): UnusedWord[] {
  const { vrrpInstances, staticRoutes, staticRules } = config;
  return [
    ...[...vrrpInstances.flatMap(each => each.virtualRoutes), ...staticRoutes].flatMap(ofRoute),
    ...[...vrrpInstances.flatMap(each => each.virtualRules), ...staticRules].flatMap(ofRule),
  ];
}

function ofRoute({ tos, protocol, metrics, append, position }: VirtualRoute): UnusedWord[] {
  const words: [boolean, string][] = [
    [tos !== undefined, 'tos'],
    [protocol !== undefined, 'protocol'],
    [append, 'append'],
    ...metrics
      .filter(({ name, lock }) => name !== 'mtu' || lock)
      .map(({ name, lock }): [boolean, string] => [true, lock ? `${name} lock` : name]),
  ];
  return used(words, 'route', position);
}

function ofRule(rule: VirtualRule): UnusedWord[] {
  const words: [boolean, string][] = [
    [rule.tos !== undefined, 'tos'],
    [rule.suppressIfgroup !== undefined, 'suppress_ifgroup'],
    [rule.uidRange !== undefined, 'uidrange'],
    [rule.l3mdev, 'l3mdev'],
    [rule.protocol !== undefined, 'protocol'],
    [rule.ipProto !== undefined, 'ipproto'],
    [rule.sport !== undefined, 'sport'],
    [rule.dport !== undefined, 'dport'],
  ];
  return used(words, 'rule', rule.position);
}

function used(words: readonly [boolean, string][], of: string, position: Position): UnusedWord[] {
  return words.flatMap(([isUsed, word]) => (isUsed ? [{ what: `\`${word}\` of a ${of}`, position }] : []));
}
