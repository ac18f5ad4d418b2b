/** One host's variables: Ansible's precedence, templated lazily when they are read. */
import type { Position } from '#base/position.ts';
import { must } from '#base/assert.ts';
import type { Inventory, RawVariables } from './inventory-types.ts';
import type { Json } from './module.ts';
import { holdsTemplate, renderValue } from './template.ts';
import { NeedsFacts, TemplateError, type LazyMap, type Variables } from './template-values.ts';
import { positionOf } from './yaml.ts';

/** What stands over or under the inventory's variables; all untemplated unless said otherwise. */
export interface VariableLayers {
  /** `roles/x/defaults`: the weakest of all. */
  readonly roleDefaults?: RawVariables;
  /** Variables made of facts (`ansible_facts`, `ansible_hostname`, …), not templated. Absent: not known yet. */
  readonly facts?: Readonly<Record<string, unknown>>;
  /** `vars:` of the play. */
  readonly playVars?: RawVariables;
  /** `roles/x/vars`. */
  readonly roleVars?: RawVariables;
  /** `vars:` of blocks and the task, the innermost last merged by the caller. */
  readonly taskVars?: RawVariables;
  /** `set_fact` and `register`, not templated again. */
  readonly registered?: Readonly<Record<string, unknown>>;
  /** `vars:` and parameters where the role is named. */
  readonly roleParams?: RawVariables;
  /** `-e`: they win over everything. */
  readonly extraVars?: RawVariables;
  /** Names that nothing overrides, not templated: `tandem`, `playbook_dir`, … */
  readonly magic?: Readonly<Record<string, unknown>>;
  /** Facts of other hosts, for `hostvars`; absent: not known yet. */
  readonly factsOf?: (host: string) => Readonly<Record<string, unknown>> | undefined;
}

/** What `default(omit)` leaves behind: the module's argument is as if it were not given. */
export const OMIT = '__omit_place_holder__';

interface Layer {
  readonly values: Readonly<Record<string, unknown>>;
  readonly templated: boolean;
}

/** Names that Ansible takes for connections and itself; every other unknown `ansible_…` is a fact. */
const NOT_FACTS =
  /^ansible_(?:ssh_\w+|become\w*|private_key_file|host|host_key_checking|port|user|password|connection|timeout|pipelining|python_interpreter|shell_\w+|sudo\w*|group_priority|check_mode|diff_mode|play_\w+|run_tags|skip_tags|version|verbosity|forks|limit|role_name|loop_\w+|index_var|search_path|inventory_sources|remote_tmp|common_\w+|scp_\w+|sftp_\w+|paramiko_\w+)$/;

/** The variables of `host`. Throws nothing itself; reading a variable may. */
export function hostVariables(inventory: Inventory, host: string, layers: VariableLayers = {}): Variables {
  return new HostVariables(inventory, host, layers);
}

class HostVariables implements Variables {
  readonly #inventory: Inventory;
  readonly #host: string;
  readonly #layers: VariableLayers;
  /** The strongest first. */
  readonly #stack: readonly Layer[];
  readonly #extra: Readonly<Record<string, unknown>>;
  readonly #known = new Map<string, unknown>();
  readonly #resolving: string[] = [];

  constructor(
    inventory: Inventory,
    host: string,
    layers: VariableLayers,
    extra: Readonly<Record<string, unknown>> = {},
  ) {
    this.#inventory = inventory;
    this.#host = host;
    this.#layers = layers;
    this.#extra = extra;
    this.#stack = [{ values: extra, templated: false }, ...layerStack(inventory, host, layers)];
  }

  has(name: string): boolean {
    return this.#layerOf(name) !== undefined || MAGIC.has(name) || this.#mayBeFact(name);
  }

  get(name: string): unknown {
    if (this.#known.has(name)) return this.#known.get(name);
    const layer = this.#layerOf(name);
    if (!layer) {
      const magic = this.#magic(name);
      if (magic === undefined && this.#mayBeFact(name)) throw new NeedsFacts(name);
      return magic;
    }
    const raw = layer.values[name];
    const value =
      layer.templated && holdsTemplate(raw as Json) ? this.#render(name, raw as Json, layer) : raw;
    this.#known.set(name, value);
    return value;
  }

  names(): readonly string[] {
    return [...new Set([...this.#stack.flatMap(layer => Object.keys(layer.values)), ...MAGIC])];
  }

  positionOf(name: string): Position | undefined {
    return positionOf(this.#layerOf(name)?.values, name);
  }

  child(extra: Readonly<Record<string, unknown>>): Variables {
    return new HostVariables(this.#inventory, this.#host, this.#layers, { ...this.#extra, ...extra });
  }

  #layerOf(name: string): Layer | undefined {
    return this.#stack.find(layer => Object.hasOwn(layer.values, name));
  }

  #mayBeFact(name: string): boolean {
    return this.#layers.facts === undefined && name.startsWith('ansible_') && !NOT_FACTS.test(name);
  }

  #render(name: string, raw: Json, layer: Layer): Json {
    const position = positionOf(layer.values, name) ?? { file: `variable ${name}`, line: 1, column: 1 };
    if (this.#resolving.includes(name)) {
      const circle = [...this.#resolving.slice(this.#resolving.indexOf(name)), name].join(' → ');
      throw new TemplateError(
        `the variable refers to itself: ${circle}`,
        position,
        'give one of them a value of its own',
      );
    }
    this.#resolving.push(name);
    try {
      return renderValue(raw, this, position);
    } finally {
      this.#resolving.pop();
    }
  }

  #magic(name: string): unknown {
    const { groups, hosts } = this.#inventory;
    switch (name) {
      case 'inventory_hostname':
        return this.#host;
      case 'inventory_hostname_short':
        return this.#host.split('.')[0];
      case 'group_names':
        return (hosts.get(this.#host)?.groups ?? []).filter(group => group !== 'all').sort();
      case 'groups':
        return Object.fromEntries([...groups.values()].map(group => [group.name, group.hosts]));
      case 'hostvars':
        return this.#hostvars();
      case 'vars':
        return lazyMap(this);
      case 'omit':
        return OMIT;
      default:
        return undefined;
    }
  }

  #hostvars(): LazyMap {
    const { hosts } = this.#inventory;
    const known = new Map<string, LazyMap>();
    return {
      lazy: true,
      has: host => hosts.has(host),
      keys: () => [...hosts.keys()],
      get: host => {
        const facts = host === this.#host ? this.#layers.facts : this.#layers.factsOf?.(host);
        const { extraVars } = this.#layers;
        const layers = { ...(extraVars ? { extraVars } : {}), ...(facts ? { facts } : {}) };
        const made = known.get(host) ?? lazyMap(new HostVariables(this.#inventory, host, layers));
        known.set(host, made);
        return made;
      },
    };
  }
}

const MAGIC: ReadonlySet<string> = new Set([
  'inventory_hostname',
  'inventory_hostname_short',
  'group_names',
  'groups',
  'hostvars',
  'vars',
  'omit',
]);

function lazyMap(variables: Variables): LazyMap {
  return {
    lazy: true,
    has: name => variables.has(name),
    get: name => variables.get(name),
    keys: () => variables.names(),
  };
}

/** Ansible's "variable precedence", the strongest first. */
function layerStack(inventory: Inventory, host: string, layers: VariableLayers): readonly Layer[] {
  const raw = (values: RawVariables | undefined): Layer | undefined =>
    values ? { values, templated: true } : undefined;
  const plain = (values: Readonly<Record<string, unknown>> | undefined): Layer | undefined =>
    values ? { values, templated: false } : undefined;
  const stack = [
    plain(layers.magic),
    raw(layers.extraVars),
    raw(layers.roleParams),
    plain(layers.registered),
    raw(layers.taskVars),
    raw(layers.roleVars),
    raw(layers.playVars),
    plain(layers.facts),
    ...inventoryLayers(inventory, host).map(raw),
    raw(layers.roleDefaults),
  ];
  return stack.filter(
    layer => layer !== undefined && Object.keys(layer.values).length > 0,
  ) as readonly Layer[];
}

/** The inventory's own variables of a host, the strongest first. */
function inventoryLayers(inventory: Inventory, host: string): readonly RawVariables[] {
  const known = inventory.hosts.get(host);
  if (!known) return [];
  const groups = known.groups
    .map(name => must(inventory.groups.get(name), `group ${name} is known`))
    .toReversed();
  const inner = groups.filter(group => group.name !== 'all');
  const all = groups.filter(group => group.name === 'all');
  return [
    known.playVars,
    known.hostVars,
    known.vars,
    ...inner.map(group => group.playVars),
    ...inner.map(group => group.groupVars),
    ...all.map(group => group.playVars),
    ...all.map(group => group.groupVars),
    ...inner.map(group => group.vars),
    ...all.map(group => group.vars),
  ];
}
