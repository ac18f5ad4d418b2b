/** Collects hosts and groups from several sources, then works out who is in what. */
import type { Diagnostic } from '#base/errors.ts';
import type { Position } from '#base/position.ts';
import { must } from '#base/assert.ts';
import type { Group, Host, Inventory, RawVariables, TopologyShorthand } from './inventory-types.ts';
import { mergePlaces, positionOf } from './yaml.ts';

interface HostDraft {
  readonly name: string;
  readonly position: Position;
  readonly groups: Set<string>;
  readonly vars: RawVariables[];
  readonly hostVars: RawVariables[];
  readonly playVars: RawVariables[];
}

interface GroupDraft {
  readonly name: string;
  readonly position: Position;
  readonly hosts: Set<string>;
  readonly children: Set<string>;
  readonly parents: Set<string>;
  readonly vars: RawVariables[];
  readonly groupVars: RawVariables[];
  readonly playVars: RawVariables[];
}

const NO_VARS: RawVariables = {};

/** Later maps win, key by key; places are kept. */
function mergeVariables(maps: readonly RawVariables[]): RawVariables {
  if (maps.length <= 1) return maps[0] ?? NO_VARS;
  return mergePlaces(Object.assign({}, ...maps) as RawVariables, maps);
}

export class InventoryBuilder {
  readonly diagnostics: Diagnostic[] = [];
  readonly topologies: TopologyShorthand[] = [];
  readonly #hosts = new Map<string, HostDraft>();
  readonly #groups = new Map<string, GroupDraft>();

  constructor() {
    const nowhere = { file: 'inventory', line: 1, column: 1 };
    this.group('all', nowhere);
    this.group('ungrouped', nowhere);
  }

  complain(
    severity: 'error' | 'warning',
    id: string,
    message: string,
    position: Position | undefined,
    hint?: string,
  ): void {
    this.diagnostics.push({
      id,
      severity,
      message,
      ...(position ? { position } : {}),
      ...(hint === undefined ? {} : { hint }),
    });
  }

  group(name: string, position: Position): GroupDraft {
    const known = this.#groups.get(name);
    if (known) return known;
    const made: GroupDraft = {
      name,
      position,
      hosts: new Set(),
      children: new Set(),
      parents: new Set(),
      vars: [],
      groupVars: [],
      playVars: [],
    };
    this.#groups.set(name, made);
    return made;
  }

  host(name: string, position: Position): HostDraft {
    const known = this.#hosts.get(name);
    if (known) return known;
    const made: HostDraft = { name, position, groups: new Set(), vars: [], hostVars: [], playVars: [] };
    this.#hosts.set(name, made);
    return made;
  }

  hostNames(): Iterable<string> {
    return this.#hosts.keys();
  }

  groupNames(): Iterable<string> {
    return this.#groups.keys();
  }

  addHost(group: GroupDraft, name: string, position: Position): HostDraft {
    const host = this.host(name, position);
    host.groups.add(group.name);
    group.hosts.add(name);
    return host;
  }

  addChild(parent: GroupDraft, child: GroupDraft, position: Position | undefined): void {
    if (parent === child || this.#reaches(child, parent.name)) {
      this.complain(
        'error',
        'inventory-group-loop',
        `the group ${child.name} would be its own ancestor through ${parent.name}`,
        position,
        'take one of the two out of the children',
      );
      return;
    }
    parent.children.add(child.name);
    child.parents.add(parent.name);
  }

  #reaches(from: GroupDraft, target: string): boolean {
    const open = [from];
    const seen = new Set<string>();
    for (let group = open.pop(); group; group = open.pop()) {
      if (group.children.has(target)) return true;
      for (const name of group.children) {
        if (seen.has(name)) continue;
        seen.add(name);
        open.push(must(this.#groups.get(name), `group ${name} is known`));
      }
    }
    return false;
  }

  /** The finished inventory. */
  build(): Inventory {
    const all = must(this.#groups.get('all'), 'the group all is known');
    const ungrouped = must(this.#groups.get('ungrouped'), 'the group ungrouped is known');
    for (const group of this.#groups.values()) {
      if (group === all || group.parents.size > 0) continue;
      all.children.add(group.name);
      group.parents.add('all');
    }
    for (const host of this.#hosts.values()) {
      const grouped = [...host.groups].some(name => name !== 'all' && name !== 'ungrouped');
      if (grouped) {
        ungrouped.hosts.delete(host.name);
        host.groups.delete('ungrouped');
      } else {
        ungrouped.hosts.add(host.name);
        host.groups.add('ungrouped');
      }
    }
    const groups = this.#buildGroups();
    const hosts = new Map([...this.#hosts.values()].map(draft => [draft.name, buildHost(draft, groups)]));
    return { hosts, groups, topologies: this.topologies };
  }

  #buildGroups(): ReadonlyMap<string, Group> {
    const depths = this.#depths();
    const memberOf = this.#members();
    const order = new Map([...this.#hosts.keys()].map((name, index) => [name, index]));
    const rank = (name: string): number => order.get(name) ?? 0;
    return new Map(
      [...this.#groups.values()].map(draft => {
        const hosts =
          draft.name === 'all'
            ? [...this.#hosts.keys()]
            : [...(memberOf.get(draft.name) ?? [])].sort((a, b) => rank(a) - rank(b));
        return [draft.name, this.#buildGroup(draft, hosts, depths.get(draft.name) ?? 0)];
      }),
    );
  }

  #buildGroup(draft: GroupDraft, hosts: readonly string[], depth: number): Group {
    const vars = mergeVariables(draft.vars);
    return {
      name: draft.name,
      vars,
      groupVars: mergeVariables(draft.groupVars),
      playVars: mergeVariables(draft.playVars),
      children: [...draft.children],
      parents: [...draft.parents],
      directHosts: [...draft.hosts],
      hosts,
      depth,
      priority: this.#priority(vars),
      position: draft.position,
    };
  }

  #priority(vars: RawVariables): number {
    const given = vars['ansible_group_priority'];
    if (given === undefined) return 1;
    const number =
      typeof given === 'number' || (typeof given === 'string' && /^-?\d+$/.test(given))
        ? Number(given)
        : Number.NaN;
    if (Number.isInteger(number)) return number;
    this.complain(
      'error',
      'inventory-group-priority',
      'ansible_group_priority is a whole number',
      positionOf(vars, 'ansible_group_priority'),
    );
    return 1;
  }

  /** The longest way down from `all`. */
  #depths(): ReadonlyMap<string, number> {
    const depths = new Map<string, number>();
    const depth = (name: string): number => {
      const known = depths.get(name);
      if (known !== undefined) return known;
      const parents = [...(this.#groups.get(name)?.parents ?? [])];
      const found = parents.length === 0 ? 0 : 1 + Math.max(...parents.map(depth));
      depths.set(name, found);
      return found;
    };
    for (const name of this.#groups.keys()) depth(name);
    return depths;
  }

  /** Hosts of each group, children's included; each group's set is made once. */
  #members(): ReadonlyMap<string, ReadonlySet<string>> {
    const members = new Map<string, Set<string>>();
    const collect = (draft: GroupDraft): Set<string> => {
      const known = members.get(draft.name);
      if (known) return known;
      const found = new Set(draft.hosts);
      members.set(draft.name, found);
      for (const child of draft.children) {
        for (const host of collect(must(this.#groups.get(child), `group ${child} is known`))) found.add(host);
      }
      return found;
    };
    for (const draft of this.#groups.values()) if (draft.name !== 'all') collect(draft);
    return members;
  }
}

function buildHost(draft: HostDraft, groups: ReadonlyMap<string, Group>): Host {
  const names = new Set<string>(['all']);
  const open = [...draft.groups];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    if (names.has(name) && name !== 'all') continue;
    names.add(name);
    open.push(...(groups.get(name)?.parents.filter(parent => !names.has(parent)) ?? []));
  }
  const known = [...names].map(name => must(groups.get(name), `group ${name} is known`));
  known.sort((a, b) => a.depth - b.depth || a.priority - b.priority || (a.name < b.name ? -1 : 1));
  return {
    name: draft.name,
    vars: mergeVariables(draft.vars),
    hostVars: mergeVariables(draft.hostVars),
    playVars: mergeVariables(draft.playVars),
    directGroups: [...draft.groups],
    groups: known.map(group => group.name),
    position: draft.position,
  };
}
