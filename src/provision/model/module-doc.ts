/** A module's documentation: its row of docs/modules.md, and its arguments from the schema that checks them. Pure. */
import { z } from 'zod';
import type { AnyModule } from './module.ts';

/** A row of the table in docs/modules.md. */
export interface ModuleRow {
  readonly name: string;
  /** As it stands there. */
  readonly arguments: string;
  readonly about: string;
  readonly teardown: string;
}

/** One argument of a module. */
interface Argument {
  readonly name: string;
  /** `string`, `integer or string`, `directory, absent, link or file`, … */
  readonly type: string;
  readonly required: boolean;
  /** As JSON; undefined if there is none. */
  readonly fallback: string | undefined;
}

/** The part of a JSON Schema that is looked at. */
interface Shape {
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly anyOf?: readonly Shape[];
  readonly items?: Shape;
  readonly not?: unknown;
  readonly default?: unknown;
  readonly properties?: Readonly<Record<string, Shape>>;
  readonly required?: readonly string[];
}

/** The table's rows. A row without a name says more of the module above it. */
export function moduleRows(markdown: string): ModuleRow[] {
  const rows: ModuleRow[] = [];
  for (const line of markdown.split('\n')) {
    const [name, args, about, teardown, ...rest] = line.split('|').slice(1, -1).map(plain);
    if (name === undefined || args === undefined || about === undefined || teardown === undefined) continue;
    const last = rows.at(-1);
    if (rest.length > 0 || name === 'module' || name.startsWith('---')) continue;
    if (name !== '') rows.push({ name, arguments: args, about, teardown });
    else if (last)
      rows[rows.length - 1] = {
        ...last,
        arguments: `${last.arguments} ${args}`,
        about: `${last.about}. ${args}: ${about}`,
      };
  }
  return rows;
}

function plain(cell: string): string {
  return cell.replaceAll('`', '').trim();
}

/** What a task may give the module, in the schema's order. */
export function moduleArguments(module: AnyModule): Argument[] {
  const schema = z.toJSONSchema(module.schema, { io: 'input', unrepresentable: 'any' }) as Shape;
  return (
    Object.entries(schema.properties ?? {})
      // Filled in by the planner: a user cannot write it.
      .filter(([, shape]) => shape.not === undefined)
      .map(([name, shape]) => ({
        name,
        type: typeOf(shape),
        required: schema.required?.includes(name) ?? false,
        fallback: shape.default === undefined ? undefined : JSON.stringify(shape.default),
      }))
  );
}

function typeOf(shape: Shape): string {
  if (shape.anyOf) return [...new Set(shape.anyOf.map(typeOf))].join(' or ');
  if (shape.enum) return `one of ${shape.enum.map(String).join(', ')}`;
  if (shape.const !== undefined)
    return typeof shape.const === 'string' ? shape.const : JSON.stringify(shape.const);
  if (shape.items) return `list (${typeOf(shape.items)})`;
  if (shape.type === undefined) return 'anything';
  const types = typeof shape.type === 'string' ? [shape.type] : shape.type;
  return types.map(type => (type === 'object' ? 'map' : type)).join(' or ');
}

/** The text that `tandem doc MODULE` prints. */
export function moduleDoc(module: AnyModule, row: ModuleRow): string {
  const known = moduleArguments(module);
  const width = Math.max(0, ...known.map(({ name }) => name.length));
  const lines = known.map(({ name, type, required, fallback }) => {
    const more = required ? ', required' : fallback === undefined ? '' : `, default ${fallback}`;
    return `  ${name.padEnd(width)}  ${type}${more}`;
  });
  return [
    `${module.name}: ${row.about}`,
    '',
    ...(lines.length > 0 ? ['Arguments:', ...lines] : ['It takes no arguments.']),
    '',
    `At teardown: ${row.teardown === '–' ? 'nothing is to be taken back' : row.teardown}`,
  ].join('\n');
}
