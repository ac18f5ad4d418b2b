/** Roles in Ansible's layout: `tasks`, `handlers`, `defaults`, `vars`, `meta`, each with a `main.yml`. */
import type { Diagnostic } from '#base/errors.ts';
import type { Position } from '#base/position.ts';
import type { FileSource, RawVariables } from './inventory.ts';
import type { AnyModule, Json } from './module.ts';
import { suggest } from './suggestion.ts';
import {
  type Condition,
  conditionOf,
  type Handler,
  isMap,
  parseTasks,
  type Task,
  type TaskScope,
} from './task.ts';
import { keyPositionOf, parseYaml, positionOf } from './yaml.ts';

/** A role as a play uses it: conditions, tags and parameters are already in its tasks. */
export interface Role {
  readonly name: string;
  readonly tasks: readonly Task[];
  readonly handlers: readonly Handler[];
}

/** What the play says beside the role's name. */
export interface RoleUse {
  readonly name: string;
  readonly tags: readonly string[];
  readonly when: readonly Condition[];
  readonly playVars: RawVariables;
  readonly params: RawVariables;
  readonly position: Position;
}

export interface RoleLoader {
  readonly files: FileSource;
  /** Directories that hold roles; the first that has one of the name counts. */
  readonly dirs: readonly string[];
  readonly modules: ReadonlyMap<string, AnyModule>;
  readonly diagnostics: Diagnostic[];
}

/** Loads a role and, before it, those that its meta names; `chain` finds circles. */
export function loadRoles(use: RoleUse, loader: RoleLoader, chain: readonly string[] = []): readonly Role[] {
  const dir = loader.dirs.map(each => `${each}/${use.name}`).find(each => loader.files.exists(each));
  if (dir === undefined) {
    const known = loader.dirs.flatMap(each => loader.files.list(each));
    const hint = `${suggest(use.name, known)} (looked in ${loader.dirs.join(', ')})`;
    loader.diagnostics.push({
      id: 'role-unknown',
      severity: 'error',
      message: `there is no role "${use.name}"`,
      position: use.position,
      hint,
    });
    return [];
  }
  if (chain.includes(use.name)) {
    const message = `roles depend on each other in a circle: ${[...chain, use.name].join(' → ')}`;
    loader.diagnostics.push({ id: 'role-circle', severity: 'error', message, position: use.position });
    return [];
  }
  const before = dependencies(dir, use, loader).flatMap(needed =>
    loadRoles(needed, loader, [...chain, use.name]),
  );
  return [...before, loadOne(dir, use, loader)];
}

function loadOne(dir: string, use: RoleUse, loader: RoleLoader): Role {
  const scope: TaskScope = {
    role: use.name,
    dir,
    tags: use.tags,
    when: use.when,
    defaults: variables(dir, 'defaults', loader),
    playVars: use.playVars,
    roleVars: variables(dir, 'vars', loader),
    roleParams: use.params,
  };
  const list = (part: string, partScope: TaskScope): readonly Handler[] => {
    const found = main(dir, part, loader);
    return found
      ? parseTasks(found.value, loader.modules, partScope, found.position, loader.diagnostics)
      : [];
  };
  return { name: use.name, tasks: list('tasks', scope), handlers: list('handlers', { ...scope, when: [] }) };
}

function main(
  dir: string,
  part: string,
  loader: RoleLoader,
): { value: Json; position: Position } | undefined {
  for (const name of ['main.yml', 'main.yaml']) {
    const path = `${dir}/${part}/${name}`;
    const text = loader.files.read(path);
    if (text === undefined) continue;
    const { value, diagnostics, position } = parseYaml(text, path, loader.files.vault);
    loader.diagnostics.push(...diagnostics);
    return { value, position };
  }
  return undefined;
}

function variables(dir: string, part: string, loader: RoleLoader): RawVariables {
  const found = main(dir, part, loader);
  if (!found || found.value === null) return {};
  if (isMap(found.value)) return found.value;
  const message = `${part} is a map from names to values`;
  loader.diagnostics.push({ id: 'role-variables', severity: 'error', message, position: found.position });
  return {};
}

function dependencies(dir: string, use: RoleUse, loader: RoleLoader): readonly RoleUse[] {
  const found = main(dir, 'meta', loader);
  if (!found || !isMap(found.value)) return [];
  const list = found.value['dependencies'] ?? [];
  return readRoleUses(list, { ...use, position: found.position }, loader.diagnostics);
}

/** Reads `roles:` of a play, or `dependencies:` of a role. */
export function readRoleUses(
  list: Json,
  outer: Omit<RoleUse, 'name'>,
  diagnostics: Diagnostic[],
): readonly RoleUse[] {
  if (!Array.isArray(list)) {
    diagnostics.push({
      id: 'roles-list',
      severity: 'error',
      message: 'expected a list of roles',
      position: outer.position,
    });
    return [];
  }
  return (list as readonly Json[]).flatMap((item, index) => {
    const position = positionOf(list, index) ?? outer.position;
    if (typeof item === 'string') return [{ ...outer, name: item, position }];
    return readRoleUse(item, { ...outer, position }, diagnostics);
  });
}

function readRoleUse(
  item: Json,
  outer: Omit<RoleUse, 'name'>,
  diagnostics: Diagnostic[],
): readonly RoleUse[] {
  const name = isMap(item) ? (item['role'] ?? item['name']) : undefined;
  if (!isMap(item) || typeof name !== 'string') {
    const hint = 'write its name, or { role: NAME, vars: { … }, tags: [ … ], when: … }';
    diagnostics.push({
      id: 'role-shape',
      severity: 'error',
      message: 'expected a role',
      position: outer.position,
      hint,
    });
    return [];
  }
  const known = ['role', 'name', 'tags', 'when', 'vars'];
  for (const key of Object.keys(item).filter(each => !known.includes(each))) {
    const position = keyPositionOf(item, key) ?? outer.position;
    const hint = `${suggest(key, known)}; variables for the role go under vars:`;
    diagnostics.push({
      id: 'role-keyword',
      severity: 'error',
      message: `"${key}" is no keyword of a role`,
      position,
      hint,
    });
  }
  const { vars, tags } = item;
  return [
    {
      ...outer,
      name,
      tags: [...outer.tags, ...tagList(tags)],
      when: [...outer.when, ...conditionOf(item, outer.position)],
      params: isMap(vars) ? { ...outer.params, ...vars } : outer.params,
    },
  ];
}

/** `tags:` as a list or a comma-separated word. */
export function tagList(tags: Json | undefined): readonly string[] {
  const list =
    typeof tags === 'string' ? tags.split(',') : Array.isArray(tags) ? (tags as readonly Json[]) : [];
  return list.filter(tag => typeof tag === 'string').map(tag => tag.trim());
}
