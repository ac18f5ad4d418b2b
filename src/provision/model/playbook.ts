/** Playbooks: which hosts get which roles and tasks. */
import { type Diagnostic, InputError } from '#base/errors.ts';
import type { Position } from '#base/position.ts';
import type { FileSource, RawVariables } from './inventory.ts';
import type { AnyModule, Json } from './module.ts';
import { suggest } from './suggestion.ts';
import { loadRoles, readRoleUses, type Role, type RoleLoader, tagList } from './role.ts';
import { type Handler, isMap, parseTasks, type Task, type TaskScope } from './task.ts';
import { keyPositionOf, parseYaml, positionOf } from './yaml.ts';

export interface Play {
  readonly name: string;
  /** A host pattern. */
  readonly hosts: string;
  /** Roles' tasks included, in the order in which they run. */
  readonly tasks: readonly Task[];
  /** In the order in which they run, whatever the order of notification. */
  readonly handlers: readonly Handler[];
  readonly position: Position;
}

export interface PlaybookOptions {
  readonly files: FileSource;
  readonly modules: ReadonlyMap<string, AnyModule>;
  /** Where roles are looked for after `roles/` beside the playbook and beside its directory. */
  readonly roleDirs?: readonly string[];
}

/** Understood, and of no consequence: facts are always gathered in the one round trip, become is per host. */
const IGNORED = ['gather_facts', 'become', 'any_errors_fatal'];
const KEYWORDS = [
  'name',
  'hosts',
  'roles',
  'tasks',
  'pre_tasks',
  'post_tasks',
  'handlers',
  'vars',
  'tags',
  ...IGNORED,
];

/** Loads a playbook with its roles. Throws InputError with every complaint. */
export function loadPlaybook(path: string, options: PlaybookOptions): readonly Play[] {
  const text = options.files.read(path);
  const start: Position = { file: path, line: 1, column: 1 };
  if (text === undefined)
    throw new InputError([
      { id: 'playbook-missing', severity: 'error', message: `there is no playbook ${path}`, position: start },
    ]);
  const { value, diagnostics, position } = parseYaml(text, path, options.files.vault);
  const collected: Diagnostic[] = [...diagnostics];
  const dir = path.includes('/') ? path.slice(0, path.lastIndexOf('/')) : '.';
  const dirs = [`${dir}/roles`, `${parentOf(dir)}roles`, ...(options.roleDirs ?? [])];
  const loader: RoleLoader = { files: options.files, dirs, modules: options.modules, diagnostics: collected };
  if (!Array.isArray(value) && collected.length === 0)
    collected.push({
      id: 'playbook-shape',
      severity: 'error',
      message: 'a playbook is a list of plays',
      position,
      hint: 'begin with "- hosts: …"',
    });
  const list = Array.isArray(value) ? (value as readonly Json[]) : [];
  const plays = list.flatMap(
    (play, index) => readPlay(play, positionOf(list, index) ?? position, dir, loader) ?? [],
  );
  for (const play of plays) checkNotifications(play, collected);
  if (collected.some(each => each.severity === 'error')) throw new InputError(collected);
  return plays;
}

/** `a/b` → `a/`, `a` → ``, `.` and `..` → one more `../`: short, as a user would write it. */
function parentOf(dir: string): string {
  if (/(?:^|\/)\.{1,2}$/.test(dir)) return dir === '.' ? '../' : `${dir}/../`;
  return dir.slice(0, dir.lastIndexOf('/') + 1);
}

function readPlay(play: Json, position: Position, dir: string, loader: RoleLoader): Play | undefined {
  const complain = (id: string, message: string, hint?: string, key?: string): void => {
    const at = (key === undefined ? undefined : keyPositionOf(play, key)) ?? position;
    loader.diagnostics.push({
      id,
      severity: 'error',
      message,
      position: at,
      ...(hint === undefined ? {} : { hint }),
    });
  };
  if (!isMap(play)) {
    complain('play-shape', 'a play is a map with hosts: and roles: or tasks:');
    return undefined;
  }
  for (const key of Object.keys(play).filter(each => !KEYWORDS.includes(each)))
    complain(
      'play-keyword',
      `"${key}" is no keyword of a play`,
      PLAY_HINTS.get(key) ?? suggest(key, KEYWORDS),
      key,
    );
  const hosts = Array.isArray(play['hosts']) ? play['hosts'].join(',') : play['hosts'];
  if (typeof hosts !== 'string') {
    complain('play-hosts', 'a play says which hosts it is for', 'add "hosts: all"');
    return undefined;
  }
  const vars: RawVariables = isMap(play['vars']) ? play['vars'] : {};
  const tags = tagList(play['tags']);
  const scope: TaskScope = {
    role: undefined,
    dir,
    tags,
    when: [],
    defaults: {},
    playVars: vars,
    roleVars: {},
    roleParams: {},
  };
  const uses = readRoleUses(
    play['roles'] ?? [],
    { tags, when: [], playVars: vars, params: {}, position },
    loader.diagnostics,
  );
  const roles = once(uses.flatMap(use => loadRoles(use, loader)));
  const part = (key: string): readonly Handler[] =>
    parseTasks(
      play[key] ?? null,
      loader.modules,
      scope,
      keyPositionOf(play, key) ?? position,
      loader.diagnostics,
    );
  return {
    name: typeof play['name'] === 'string' ? play['name'] : hosts,
    hosts,
    tasks: [
      ...part('pre_tasks'),
      ...roles.flatMap(role => role.tasks),
      ...part('tasks'),
      ...part('post_tasks'),
    ],
    handlers: [...roles.flatMap(role => role.handlers), ...part('handlers')],
    position,
  };
}

const PLAY_HINTS: ReadonlyMap<string, string> = new Map([
  ['serial', 'clusters are rolled host by host without being told'],
  ['import_playbook', 'name the playbook itself, or write its plays here'],
  ['vars_files', 'use group_vars/ and host_vars/'],
  ['strategy', 'clusters are rolled host by host, everything else runs side by side'],
]);

/** A role that several others depend on runs once, as in Ansible, unless it is used with other variables. */
function once(roles: readonly Role[]): readonly Role[] {
  const seen = new Set<string>();
  return roles.filter(role => {
    const key = JSON.stringify([
      role.name,
      role.tasks[0]?.scope.roleParams ?? {},
      role.tasks[0]?.scope.when ?? [],
    ]);
    return seen.size < seen.add(key).size;
  });
}

/** The handlers that a name notifies: the own role's first, then anybody's. */
export function handlersFor(play: Pick<Play, 'handlers'>, task: Task, name: string): readonly Handler[] {
  const named = play.handlers.filter(handler => handler.name === name || handler.listen.includes(name));
  const own = named.filter(handler => handler.scope.role === task.scope.role);
  return own.length > 0 ? own : named;
}

function checkNotifications(play: Play, diagnostics: Diagnostic[]): void {
  const names = play.handlers.flatMap(handler => [handler.name, ...handler.listen]);
  for (const task of [...play.tasks, ...play.handlers])
    for (const name of task.notify)
      if (handlersFor(play, task, name).length === 0)
        diagnostics.push({
          id: 'handler-unknown',
          severity: 'error',
          message: `"${task.name}" notifies "${name}", and there is no such handler`,
          position: task.position,
          hint: names.length === 0 ? 'add it to handlers/main.yml' : suggest(name, names),
        });
  for (const handler of play.handlers)
    if (!handler.module.handler)
      diagnostics.push({
        id: 'handler-module',
        severity: 'error',
        message: `the handler "${handler.name}" uses ${handler.module.name}`,
        position: handler.position,
        hint: 'a handler restarts or reloads: service: { name: …, state: restarted }',
      });
}
