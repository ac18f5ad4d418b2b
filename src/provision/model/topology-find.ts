/** Which clusters an inventory has, and the untemplated topology of each. */
import type { Position } from '#base/position.ts';
import type { Group, Inventory, RawVariables } from './inventory-types.ts';
import type { Json } from './module.ts';
import { mergePlaces, positionOf } from './yaml.ts';

export interface ClusterSource {
  readonly name: string;
  /** Hosts of the group, in inventory order. */
  readonly members: readonly string[];
  readonly topology: Json;
  readonly position: Position;
}

type JsonMap = { readonly [key: string]: Json };

/** True for a map of YAML's. */
export function isJsonMap(value: Json | undefined): value is JsonMap {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Every group with a topology of its own, then the top-level shorthands. */
export function findClusters(inventory: Inventory): readonly ClusterSource[] {
  const found: ClusterSource[] = [];
  for (const group of inventory.groups.values()) {
    const own = [group.playVars, group.groupVars, group.vars].find(vars => Object.hasOwn(vars, 'topology'));
    if (!own) continue;
    found.push({
      name: group.name,
      members: group.hosts,
      topology: own['topology'] ?? null,
      position: positionOf(own, 'topology') ?? group.position,
    });
  }
  for (const { name, value, position } of inventory.topologies) {
    found.push({ name, members: [...inventory.hosts.keys()], topology: value, position });
  }
  return found;
}

/** Merges maps deeply; lists and scalars of `over` replace those of `base`. Places are kept. */
export function mergeDeep(base: Json, over: Json): Json {
  if (!isJsonMap(base) || !isJsonMap(over)) return over;
  const merged: Record<string, Json> = { ...base };
  for (const [key, value] of Object.entries(over)) {
    merged[key] = Object.hasOwn(base, key) ? mergeDeep(base[key] ?? null, value) : value;
  }
  return mergePlaces(merged, [base, over]);
}

/** Finds a host's `topology_defaults`, merged outermost first; hosts of the same groups share one result. */
export class Defaults {
  readonly #inventory: Inventory;
  readonly #known = new Map<string, Json>();
  readonly #anywhere: boolean;

  constructor(inventory: Inventory) {
    this.#inventory = inventory;
    this.#anywhere =
      [...inventory.groups.values()].some(group => layersOf(group).some(has)) ||
      [...inventory.hosts.values()].some(host => [host.vars, host.hostVars, host.playVars].some(has));
  }

  /** null if there are none. */
  of(hostName: string): Json {
    const host = this.#anywhere ? this.#inventory.hosts.get(hostName) : undefined;
    if (!host) return null;
    const own = [host.vars, host.hostVars, host.playVars]
      .filter(has)
      .map(vars => vars['topology_defaults'] ?? null);
    const key = host.groups.join('\0');
    const known = this.#known.get(key) ?? this.#ofGroups(host.groups);
    this.#known.set(key, known);
    return own.reduce(mergeDeep, known);
  }

  #ofGroups(groups: readonly string[]): Json {
    return groups
      .flatMap(name => layersOf(this.#inventory.groups.get(name)))
      .filter(has)
      .map(vars => vars['topology_defaults'] ?? null)
      .reduce<Json>((merged, next) => (merged === null ? next : mergeDeep(merged, next)), null);
  }
}

function layersOf(group: Group | undefined): readonly RawVariables[] {
  return group ? [group.vars, group.groupVars, group.playVars] : [];
}

function has(vars: RawVariables): boolean {
  return Object.hasOwn(vars, 'topology_defaults');
}
