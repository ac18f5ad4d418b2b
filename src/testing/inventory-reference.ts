/** `docs/inventory-words.md`: every word of an inventory, from the schema that validates it. */
import { inventorySchema } from '#provision/model/schema.ts';

/** What is used of JSON Schema. */
interface Schema {
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly 'x-default'?: string;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Schema[];
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: Schema | boolean;
  readonly $ref?: string;
}

export interface WordRow {
  /** Such as `virtual_servers.NAME.port`. */
  readonly path: string;
  readonly type: string;
  readonly default: string;
  readonly meaning: string;
}

/** What a name stands for, by the map that it is a key of. */
const NAMES: Readonly<Record<string, string>> = {
  hosts: 'HOST',
  nodes: 'HOST',
  unicast: 'HOST',
  addresses: 'ADDRESS',
  interfaces: 'NIC',
};

/** Words whose inner words are those of another one, and how that is said. */
const SAME: Readonly<Record<string, string>> = {
  'vrrp_instances.NAME.nodes': 'each HOST may have any word of `vrrp_instances.NAME`',
  'proxies.NAME.real_servers': 'the words of `virtual_servers.NAME.real_servers`',
};

/** The words of a host or group, a topology, and what `topology_defaults` has beside it. */
export function inventoryWords(): {
  readonly variables: readonly WordRow[];
  readonly topology: readonly WordRow[];
  readonly defaults: readonly WordRow[];
} {
  const schema = inventorySchema() as unknown as Schema & {
    readonly $defs: Readonly<Record<string, Schema>>;
  };
  const group = Object.values(schema.$defs).find(one => one.properties?.['vars'] !== undefined);
  const vars = variants(group?.properties?.['vars'] ?? {}).find(one => one.properties) ?? {};
  const { topology = {}, topology_defaults: defaults = {}, ...others } = vars.properties ?? {};
  const own = Object.entries(defaults.properties ?? {}).filter(
    ([name]) => !(name in (topology.properties ?? {})),
  );
  return {
    variables: rowsOf(others, '', []),
    topology: rowsOf(topology.properties ?? {}, '', topology.required ?? []),
    defaults: own.map(([name, one]) => rowOf(name, one, false)),
  };
}

function rowsOf(
  properties: Readonly<Record<string, Schema>>,
  prefix: string,
  required: readonly string[],
): readonly WordRow[] {
  return Object.entries(properties).flatMap(([name, schema]) => {
    const path = `${prefix}${name}`;
    const row = rowOf(path, schema, required.includes(name));
    return path in SAME ? [row] : [row, ...innerRows(path, name, schema)];
  });
}

/** Words of the maps that a value may be, and of the maps in them. */
function innerRows(path: string, name: string, schema: Schema): readonly WordRow[] {
  return variants(schema).flatMap(one => {
    const own = one.properties ? rowsOf(one.properties, `${path}.`, one.required ?? []) : [];
    const { additionalProperties: inner } = one;
    const named = typeof inner === 'object' && !one.properties ? variants(inner) : [];
    const item = `${path}.${NAMES[name] ?? 'NAME'}`;
    const further = named.flatMap(each =>
      each.properties ? rowsOf(each.properties, `${item}.`, each.required ?? []) : [],
    );
    return [...own, ...further];
  });
}

function variants(schema: Schema): readonly Schema[] {
  return schema.anyOf ? schema.anyOf.flatMap(variants) : [schema];
}

function rowOf(path: string, schema: Schema, needed: boolean): WordRow {
  const same = SAME[path];
  return {
    path,
    type: typeOf(schema, path.split('.').at(-1) ?? ''),
    default: schema['x-default'] ?? (needed ? 'needed' : '–'),
    meaning: [schema.description ?? '', same ?? '']
      .filter(text => text !== '')
      .join(schema.description?.endsWith(', or') ? ' ' : '; '),
  };
}

function typeOf(schema: Schema, name: string): string {
  if (schema.enum) return schema.enum.map(value => `\`${String(value)}\``).join(', ');
  if (schema.anyOf) {
    const types = schema.anyOf.map(one => typeOf(one, name)).filter(type => type !== 'nothing');
    return [...new Set(types)].join(', or ');
  }
  if (schema.$ref !== undefined || schema.type === undefined) return 'any keyword’s value';
  const types = typeof schema.type === 'string' ? [schema.type] : schema.type;
  if (types.includes('number')) return 'number';
  if (types.includes('boolean')) return 'true or false';
  if (types.includes('null')) return 'nothing';
  if (types.includes('array')) return `list of ${plural(typeOf(schema.items ?? {}, name))}`;
  if (!types.includes('object')) return 'text';
  const inner = schema.additionalProperties;
  if (schema.properties || typeof inner !== 'object') return 'map';
  return `map of ${NAMES[name] ?? 'NAME'}`;
}

function plural(type: string): string {
  return type === 'text' || type === 'number' || type === 'map' ? `${type}s` : type;
}

/** The page. */
export function inventoryReference(): string {
  const { variables, topology, defaults } = inventoryWords();
  return `# Words of an inventory

<!-- Generated by \`npm run docs\` from src/provision/model/topology-schema*.ts: edit those. -->

Every word that Tandem itself knows. \`docs/inventory.md\` explains them with examples; \`tandem schema\` prints the same for
editors. A number may be a text, as templates and \`-e\` make them. In an instance, a sync group, a virtual server, a real
server and \`global_defs\` every other word is a keyword of keepalived.conf (\`docs/keepalived-conf.md\`) and is rendered as it
stands: \`true\` writes the bare keyword, a list a block of lines, a map a block of keywords, a list of maps several blocks.

## Variables of hosts and groups

${table(variables)}
Connection variables besides these are Ansible's.

## \`topology\`

${table(topology)}
## \`topology_defaults\`

An ordinary inherited variable with the words of a topology, merged beneath it, outermost group first, and these:

${table(defaults)}`;
}

function table(rows: readonly WordRow[]): string {
  const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');
  const lines = rows.map(
    row => `| \`${row.path}\` | ${cell(row.type)} | ${cell(row.default)} | ${cell(row.meaning)} |\n`,
  );
  return `| word | type | if absent | what it says |\n|---|---|---|---|\n${lines.join('')}`;
}
