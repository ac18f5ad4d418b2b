import type { Config, VirtualRoute, VirtualRule } from '#conf/model.ts';
import { type NetworkTables, OUR_PROTOCOL, type Route, type Rule } from '#linux/ports.ts';
import type { VirtualRouter } from '#vrrp/state.ts';
import type { Interfaces } from './interfaces.ts';
import type { Log } from './log.ts';
import { routeKey, routeSpec, ruleKey, ruleSpec } from './route-executor.ts';

/** What a killed predecessor left of one instance's `virtual_routes` and `virtual_rules`. */
interface Leftover {
  readonly routes: readonly VirtualRoute[];
  readonly rules: readonly VirtualRule[];
}

/**
 * Routes and rules of a predecessor that was killed, known by our mark (protocol 112). Those of an instance that is still
 * configured share the fate of its leftover addresses; static ones are taken over; all others are removed at once.
 */
export class LeftoverRouting {
  readonly #byInstance = new Map<string, Leftover>();

  constructor(config: Config, tables: NetworkTables, interfaces: Interfaces, log: Log) {
    const routes = ([4, 6] as const).flatMap(family => ours(tables.routes(family)));
    const rules = ([4, 6] as const).flatMap(family => ours(tables.rules(family)));
    if (routes.length + rules.length === 0) return;
    const routeKeys = new Set(routes.map(routeKey));
    const ruleKeys = new Set(rules.map(ruleKey));
    const known = new Set<string>();
    const isLeft = (keys: ReadonlySet<string>, key: string): boolean => {
      known.add(key);
      return keys.has(key);
    };
    for (const each of config.staticRoutes) known.add(routeKey(routeSpec(each, interfaces)));
    for (const each of config.staticRules) known.add(ruleKey(ruleSpec(each)));
    for (const instance of config.vrrpInstances) {
      const left = {
        routes: instance.virtualRoutes.filter(each =>
          isLeft(routeKeys, routeKey(routeSpec(each, interfaces))),
        ),
        rules: instance.virtualRules.filter(each => isLeft(ruleKeys, ruleKey(ruleSpec(each)))),
      };
      if (left.routes.length + left.rules.length > 0) this.#byInstance.set(instance.name, left);
    }
    const foreignRules = rules.filter(rule => !known.has(ruleKey(rule)));
    const foreignRoutes = routes.filter(route => !known.has(routeKey(route)));
    tables.removeRules(foreignRules);
    tables.removeRoutes(foreignRoutes);
    const count = foreignRules.length + foreignRoutes.length;
    if (count > 0) log.notice(`${count} routes and rules were left by an earlier tandemd and are removed`);
  }

  /** The instance has become MASTER: they are its own again. */
  keep(router: VirtualRouter): void {
    this.#byInstance.delete(router.config.name);
  }

  /** What is to be removed along with the leftover addresses of the instance. */
  drop(router: VirtualRouter): Leftover | undefined {
    const left = this.#byInstance.get(router.config.name);
    this.#byInstance.delete(router.config.name);
    return left;
  }
}

function ours<T extends Route | Rule>(
  found: { readonly ok: true; readonly value: T[] } | { readonly ok: false },
): T[] {
  return found.ok ? found.value.filter(each => each.protocol === OUR_PROTOCOL) : [];
}
