/** `group_vars/` and `host_vars/`: a file per group or host (`web`, `web.yml`, `web.yaml`, `web.json`) or a folder of files. */
import type { InventoryBuilder } from './inventory-build.ts';
import type { FileSource, RawVariables } from './inventory-types.ts';
import { parseYaml } from './yaml.ts';

const ENDINGS = ['', '.yml', '.yaml', '.json'];

/** Reads the variables beside an inventory or a playbook into the groups and hosts that the builder knows. */
export function readVarsFolders(
  builder: InventoryBuilder,
  folder: string,
  files: FileSource,
  beside: 'inventory' | 'playbook',
): void {
  const base = folder === '.' ? '' : `${folder.replace(/\/$/, '')}/`;
  const nowhere = { file: base, line: 1, column: 1 };
  const groupNames = new Set(files.list(`${base}group_vars`));
  const hostNames = new Set(files.list(`${base}host_vars`));
  if (groupNames.size > 0) {
    for (const name of builder.groupNames()) {
      const found = readFor(builder, `${base}group_vars`, name, groupNames, files);
      const group = builder.group(name, nowhere);
      (beside === 'inventory' ? group.groupVars : group.playVars).push(...found);
    }
  }
  if (hostNames.size > 0) {
    for (const name of builder.hostNames()) {
      const found = readFor(builder, `${base}host_vars`, name, hostNames, files);
      const host = builder.host(name, nowhere);
      (beside === 'inventory' ? host.hostVars : host.playVars).push(...found);
    }
  }
}

function readFor(
  builder: InventoryBuilder,
  folder: string,
  name: string,
  present: ReadonlySet<string>,
  files: FileSource,
): RawVariables[] {
  return ENDINGS.filter(ending => present.has(name + ending)).flatMap(ending =>
    readPath(builder, `${folder}/${name}${ending}`, files),
  );
}

/** A file, or every file below a folder in alphabetical order. */
function readPath(builder: InventoryBuilder, path: string, files: FileSource): RawVariables[] {
  const text = files.read(path);
  if (text === undefined) {
    const names = [...files.list(path)].sort().filter(name => /^[^.].*\.(?:ya?ml|json)$|^[^.]+$/.test(name));
    return names.flatMap(name => readPath(builder, `${path}/${name}`, files));
  }
  const parsed = parseYaml(text, path, files.vault);
  builder.diagnostics.push(...parsed.diagnostics);
  const { value } = parsed;
  if (value === null) return [];
  if (typeof value !== 'object' || Array.isArray(value)) {
    builder.complain(
      'error',
      'vars-file',
      'a file of variables must be a map',
      parsed.position,
      'one variable a line: name: value',
    );
    return [];
  }
  return [value as RawVariables];
}
