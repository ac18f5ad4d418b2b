/** Tasks and handlers as Ansible users write them. */
import type { Diagnostic } from '#base/errors.ts';
import type { Position } from '#base/position.ts';
import type { RawVariables } from './inventory.ts';
import type { AnyModule, Json } from './module.ts';
import { suggest } from './suggestion.ts';
import { keyPositionOf, positionOf } from './yaml.ts';

/** Where a task was written, and what holds for all tasks there. */
export interface TaskScope {
  /** Role, or undefined in a play's own lists. */
  readonly role: string | undefined;
  /** Directory with `templates/` and `files/`. */
  readonly dir: string;
  readonly tags: readonly string[];
  /** Conditions of the role; each must hold. */
  readonly when: readonly Condition[];
  /** `roles/x/defaults`. */
  readonly defaults: RawVariables;
  /** `vars:` of the play. */
  readonly playVars: RawVariables;
  /** `roles/x/vars`. */
  readonly roleVars: RawVariables;
  /** `vars:` where the role is named. */
  readonly roleParams: RawVariables;
}

export interface Condition {
  readonly expression: Json;
  readonly position: Position;
}

export interface Task {
  readonly name: string;
  readonly module: AnyModule;
  /** Untemplated. */
  readonly args: Readonly<Record<string, Json>>;
  readonly argsPosition: Position;
  readonly when: readonly Condition[];
  readonly loop: Json | undefined;
  readonly register: string | undefined;
  readonly notify: readonly string[];
  readonly tags: readonly string[];
  readonly vars: RawVariables;
  readonly scope: TaskScope;
  readonly position: Position;
}

export interface Handler extends Task {
  /** Further names under which it can be notified. */
  readonly listen: readonly string[];
}

/** How a handler is remembered on a host and shown: `ROLE : NAME`. */
export function handlerKey(handler: Handler): string {
  return handler.scope.role === undefined ? handler.name : `${handler.scope.role} : ${handler.name}`;
}

const KEYWORDS = ['name', 'when', 'loop', 'register', 'notify', 'tags', 'vars', 'listen'] as const;

/** Keywords of Ansible's that mean something else here, with the way to write it. */
const ELSEWHERE: ReadonlyMap<string, string> = new Map([
  ['become', 'set ansible_become in the inventory: it holds for the whole host'],
  ['become_user', 'set ansible_become in the inventory: tasks run as root'],
  ['with_items', 'write loop:'],
  ['apt', 'write package:'],
  ['systemd', 'write service:'],
  ['lineinfile', 'write the whole file with template:'],
  ['block', 'write the tasks one by one; a role can carry a common when:'],
  ['serial', 'clusters are rolled host by host without being told'],
  ['changed_when', 'modules know whether they changed something'],
  ['failed_when', 'use the gate module for a check that must hold'],
  ['ignore_errors', 'a step that fails ends the run on its host; use when:'],
  ['delegate_to', 'write a play for the other hosts'],
  ['run_once', 'write a play for one host'],
  ['until', 'use the gate module, whose command waits by itself'],
  ['shell', 'commands are not run as they are: use a module, or the gate module for a check'],
  ['command', 'commands are not run as they are: use a module, or the gate module for a check'],
]);

/** Reads a list of tasks; complaints go to `diagnostics`, and tasks with one are left out. */
export function parseTasks(
  list: Json,
  modules: ReadonlyMap<string, AnyModule>,
  scope: TaskScope,
  fallback: Position,
  diagnostics: Diagnostic[],
): Handler[] {
  if (list === null) return [];
  if (!Array.isArray(list)) {
    diagnostics.push({
      id: 'tasks-list',
      severity: 'error',
      message: 'expected a list of tasks',
      position: fallback,
    });
    return [];
  }
  return (list as readonly Json[]).flatMap((item, index) => {
    const reader = new TaskReader(item, modules, scope, positionOf(list, index) ?? fallback, diagnostics);
    return reader.read() ?? [];
  });
}

class TaskReader {
  readonly #item: Json;
  readonly #modules: ReadonlyMap<string, AnyModule>;
  readonly #scope: TaskScope;
  readonly #position: Position;
  readonly #diagnostics: Diagnostic[];

  constructor(
    item: Json,
    modules: ReadonlyMap<string, AnyModule>,
    scope: TaskScope,
    position: Position,
    diagnostics: Diagnostic[],
  ) {
    this.#item = item;
    this.#modules = modules;
    this.#scope = scope;
    this.#position = position;
    this.#diagnostics = diagnostics;
  }

  read(): Handler | undefined {
    if (!isMap(this.#item))
      return this.#complain(
        'task-shape',
        'a task is a map with a module',
        'write "- name: …" and "MODULE: { … }"',
      );
    const item = this.#item;
    const others = Object.keys(item).filter(key => !(KEYWORDS as readonly string[]).includes(key));
    const named = others.filter(key => this.#modules.has(shortName(key)));
    const unknown = others.filter(key => !named.includes(key));
    for (const key of unknown) this.#unknown(key);
    if (unknown.length > 0) return undefined;
    const [key, second] = named;
    if (key === undefined)
      return this.#complain(
        'task-module',
        'this task names no module',
        `known are ${[...this.#modules.keys()].sort().join(', ')}`,
      );
    if (second !== undefined)
      return this.#complain(
        'task-module',
        `this task names two modules, ${key} and ${second}`,
        'write two tasks',
        second,
      );
    return this.#task(item, key);
  }

  #task(item: Readonly<Record<string, Json>>, key: string): Handler | undefined {
    const module = this.#modules.get(shortName(key));
    const args = module && this.#args(item, key, module);
    if (!module || !args) return undefined;
    const { name } = item;
    const position = keyPositionOf(item, key) ?? this.#position;
    const own = item['vars'] ?? {};
    if (!isMap(own)) return this.#complain('task-vars', 'vars: is a map', undefined, 'vars');
    return {
      name: typeof name === 'string' ? name : module.name,
      module,
      args,
      argsPosition: positionOf(item, key) ?? position,
      when: [...this.#scope.when, ...conditionOf(item, position)],
      loop: item['loop'],
      register: this.#word(item, 'register'),
      notify: this.#words(item, 'notify'),
      listen: this.#words(item, 'listen'),
      tags: [...this.#scope.tags, ...this.#words(item, 'tags')],
      vars: own,
      scope: this.#scope,
      position: this.#position,
    };
  }

  #args(
    item: Readonly<Record<string, Json>>,
    key: string,
    module: AnyModule,
  ): Readonly<Record<string, Json>> | undefined {
    const value = item[key] ?? null;
    if (value === null) return {};
    if (isMap(value)) return value;
    if (module.free !== undefined) return { [module.free]: value };
    return this.#complain(
      'task-arguments',
      `${module.name} takes named arguments`,
      `write ${key}: { … }`,
      key,
    );
  }

  #unknown(key: string): void {
    const hint = ELSEWHERE.get(key) ?? suggest(key, [...KEYWORDS, ...this.#modules.keys()]);
    this.#complain('task-keyword', `"${key}" is neither a module nor a keyword of a task`, hint, key);
  }

  #word(item: Readonly<Record<string, Json>>, key: string): string | undefined {
    const value = item[key];
    if (value === undefined) return undefined;
    if (typeof value === 'string' && /^[A-Za-z_]\w*$/.test(value)) return value;
    return this.#complain('task-keyword', `${key}: is the name of a variable`, 'letters, digits and _', key);
  }

  #words(item: Readonly<Record<string, Json>>, key: string): readonly string[] {
    const value = item[key] ?? [];
    const list = typeof value === 'string' ? (key === 'tags' ? value.split(',') : [value]) : value;
    if (Array.isArray(list) && list.every(each => typeof each === 'string'))
      return list.map(each => each.trim());
    this.#complain('task-keyword', `${key}: is a name or a list of names`, undefined, key);
    return [];
  }

  #complain(id: string, message: string, hint?: string, key?: string): undefined {
    const position = (key === undefined ? undefined : keyPositionOf(this.#item, key)) ?? this.#position;
    this.#diagnostics.push({
      id,
      severity: 'error',
      message,
      position,
      ...(hint === undefined ? {} : { hint }),
    });
    return undefined;
  }
}

/** `ansible.builtin.template` is `template`. */
function shortName(key: string): string {
  return key.replace(/^(?:ansible\.(?:builtin|posix)|tandem)\./, '');
}

/** The `when:` of a task, role or play. */
export function conditionOf(item: Readonly<Record<string, Json>>, fallback: Position): readonly Condition[] {
  const { when } = item;
  return when === undefined ? [] : [{ expression: when, position: positionOf(item, 'when') ?? fallback }];
}

/** True for a YAML map. */
export function isMap(value: Json | undefined): value is { readonly [key: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
