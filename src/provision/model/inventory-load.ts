/** Reads inventory files, inventory directories and host lists, then `group_vars/` and `host_vars/` beside them. */
import type { Position } from '#base/position.ts';
import { InventoryBuilder } from './inventory-build.ts';
import { expandRange } from './inventory-range.ts';
import type { FileSource, LoadedInventory, RawVariables } from './inventory-types.ts';
import { readVarsFolders } from './inventory-vars.ts';
import type { Json } from './module.ts';
import { keyPositionOf, parseYaml, positionOf } from './yaml.ts';

export interface LoadOptions {
  /** Folder of the playbook, whose `group_vars/` and `host_vars/` count too. */
  readonly playbookDir?: string;
}

/** Endings that Ansible skips in an inventory directory. */
const IGNORED = /(?:~|\.orig|\.bak|\.ini|\.cfg|\.retry|\.pyc|\.pyo|\.md|\.j2|\.njk)$/;

/**
 * Loads and merges inventories; later ones win. Never throws for what a user wrote: every complaint is in the
 * diagnostics, and what could be read is in the inventory.
 */
export function loadInventory(
  paths: readonly string[],
  files: FileSource,
  options: LoadOptions = {},
): LoadedInventory {
  const builder = new InventoryBuilder();
  const folders: string[] = [];
  for (const path of paths) {
    const folder = readSource(builder, path, files);
    if (folder !== undefined && !folders.includes(folder)) folders.push(folder);
  }
  for (const folder of folders) readVarsFolders(builder, folder, files, 'inventory');
  if (options.playbookDir !== undefined) readVarsFolders(builder, options.playbookDir, files, 'playbook');
  const inventory = builder.build();
  return { inventory, diagnostics: builder.diagnostics };
}

/** Reads one `-i` and returns the folder whose group_vars and host_vars belong to it. */
function readSource(builder: InventoryBuilder, path: string, files: FileSource): string | undefined {
  const nowhere = { file: path, line: 1, column: 1 };
  if (path.includes(',')) {
    const ungrouped = builder.group('ungrouped', nowhere);
    for (const entry of path.split(',').map(part => part.trim())) {
      if (entry !== '') addHosts(builder, ungrouped, entry, nowhere, {});
    }
    return undefined;
  }
  const text = files.read(path);
  if (text !== undefined) {
    readFile(builder, path, text, files);
    return path.includes('/') ? path.slice(0, path.lastIndexOf('/')) || '/' : '.';
  }
  if (!files.exists(path)) {
    builder.complain(
      'error',
      'inventory-missing',
      `there is no inventory ${path}`,
      undefined,
      'give a file, a folder, or host names with a comma: -i ka67,ka68',
    );
    return undefined;
  }
  const folder = path.replace(/\/+$/, '');
  for (const name of [...files.list(path)].sort()) {
    if (name.startsWith('.') || name === 'group_vars' || name === 'host_vars' || IGNORED.test(name)) continue;
    const inner = files.read(`${folder}/${name}`);
    if (inner === undefined) readSource(builder, `${folder}/${name}`, files);
    else readFile(builder, `${folder}/${name}`, inner, files);
  }
  return folder;
}

function readFile(builder: InventoryBuilder, path: string, text: string, { vault }: FileSource): void {
  const parsed = parseYaml(text, path, vault);
  const failed = parsed.diagnostics.some(diagnostic => diagnostic.severity === 'error');
  if (failed && /^\s*\[[^\]]+\]\s*$/m.test(text)) return notYaml(builder, parsed.position);
  builder.diagnostics.push(...parsed.diagnostics);
  if (failed) return;
  const { value } = parsed;
  if (value === null) return;
  if (!isMap(value)) return notYaml(builder, parsed.position);
  if (Object.hasOwn(value, 'plugin')) {
    return builder.complain(
      'error',
      'inventory-plugin',
      'inventory plugins are not supported',
      keyPositionOf(value, 'plugin'),
      'write their result to a file: ansible-inventory -i FILE --list --yaml --output inventory.yml',
    );
  }
  for (const [name, group] of Object.entries(value)) {
    const position = keyPositionOf(value, name) ?? parsed.position;
    if (name === 'topology') {
      builder.topologies.push({
        name: path.slice(path.lastIndexOf('/') + 1).replace(/\.[^.]*$/, ''),
        value: group,
        position,
      });
    } else {
      readGroup(builder, name, group, position);
    }
  }
}

function notYaml(builder: InventoryBuilder, position: Position): void {
  builder.complain(
    'error',
    'inventory-not-yaml',
    'this is not a YAML inventory: a map with the group all at its top',
    position,
    'an INI inventory is converted by: ansible-inventory -i FILE --list --yaml',
  );
}

function isMap(value: Json | undefined): value is { readonly [key: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

type GroupDraft = ReturnType<InventoryBuilder['group']>;

function readGroup(builder: InventoryBuilder, name: string, value: Json, position: Position): GroupDraft {
  const group = builder.group(name, position);
  if (value === null) return group;
  if (!isMap(value)) {
    builder.complain(
      'error',
      'inventory-group',
      `the group ${name} must be a map`,
      position,
      'with the keys hosts, vars and children',
    );
    return group;
  }
  for (const [key, section] of Object.entries(value)) {
    const at = keyPositionOf(value, key) ?? position;
    if (key !== 'hosts' && key !== 'vars' && key !== 'children') {
      builder.complain(
        'warning',
        'inventory-unknown-key',
        `${key} means nothing in the group ${name}`,
        at,
        'groups have hosts, vars and children; is this a variable that belongs under vars, or a group that belongs under children?',
      );
    } else if (section !== null) {
      readSection(builder, group, key, typeof section === 'string' ? { [section]: null } : section, at);
    }
  }
  return group;
}

function readSection(
  builder: InventoryBuilder,
  group: GroupDraft,
  key: 'hosts' | 'vars' | 'children',
  section: Json,
  at: Position,
): void {
  if (!isMap(section)) {
    const example =
      key === 'vars'
        ? 'name: value'
        : `${Array.isArray(section) && typeof section[0] === 'string' ? section[0] : 'name'}:`;
    builder.complain(
      'error',
      'inventory-section',
      `${key} of the group ${group.name} must be a map`,
      at,
      `one line each, with a colon at its end: ${example}`,
    );
    return;
  }
  if (key === 'vars') {
    group.vars.push(section);
    return;
  }
  for (const [name, value] of Object.entries(section)) {
    const position = keyPositionOf(section, name) ?? at;
    if (key === 'children') {
      builder.addChild(group, builder.group(name, position), position);
      readGroup(builder, name, value, position);
    } else if (value !== null && !isMap(value)) {
      builder.complain(
        'error',
        'inventory-host',
        `the host ${name} must be a map of its variables`,
        positionOf(section, name),
        `such as ${name}: { ansible_host: 192.0.2.1 }, or nothing after the colon`,
      );
    } else {
      addHosts(builder, group, name, position, value ?? {});
    }
  }
}

/** Adds the hosts of a pattern such as `www[01:50]` or `host:2222`. */
function addHosts(
  builder: InventoryBuilder,
  group: GroupDraft,
  pattern: string,
  position: Position,
  vars: RawVariables,
): void {
  const port = /^((?:[^:[\]]|\[[^\]]*\])+):(\d+)$/.exec(pattern);
  const expansion = expandRange(port?.[1] ?? pattern);
  if ('error' in expansion) {
    builder.complain('error', 'inventory-range', expansion.error, position);
    return;
  }
  for (const name of expansion.names) {
    if (name === '' || /[\s,]/.test(name)) {
      builder.complain('error', 'inventory-host-name', `'${name}' cannot be the name of a host`, position);
      continue;
    }
    const host = builder.addHost(group, name.replace(/^\[(.*)\]$/, '$1'), position);
    if (port) host.vars.push({ ansible_port: Number(port[2]) });
    if (Object.keys(vars).length > 0) host.vars.push(vars);
  }
}
