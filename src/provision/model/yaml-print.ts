/** Data → YAML as PyYAML prints it: keys sorted, lists not indented within maps, single quotes where quotes are needed. */
import { readPlainScalar } from './yaml-scalar.ts';

/** `block`: one item a line. `leaves-in-line`: collections that hold only scalars as `[a, b]` and `{a: 1}`. */
export type YamlStyle = 'block' | 'leaves-in-line';

type Map = Readonly<Record<string, unknown>>;

const isCollection = (value: unknown): value is readonly unknown[] | Map =>
  typeof value === 'object' && value !== null;

/** Prints plain data (null, booleans, numbers, texts, lists, maps), ending with a newline. */
export function printYaml(value: unknown, indent: number, style: YamlStyle): string {
  if (!isCollection(value) || inLine(value, style)) return `${flow(value)}\n`;
  return `${block(value, '', ' '.repeat(Math.max(1, indent)), style).join('\n')}\n`;
}

function inLine(value: readonly unknown[] | Map, style: YamlStyle): boolean {
  const items = Object.values(value);
  return items.length === 0 || (style === 'leaves-in-line' && !items.some(isCollection));
}

function block(value: readonly unknown[] | Map, prefix: string, step: string, style: YamlStyle): string[] {
  if (Array.isArray(value)) {
    return value.flatMap(item => {
      if (!isCollection(item) || inLine(item, style)) return [`${prefix}- ${flow(item)}`];
      const inner = block(item, prefix + step, step, style);
      const first = inner[0]?.slice(prefix.length + step.length) ?? '';
      return [`${prefix}-${' '.repeat(Math.max(1, step.length - 1))}${first}`, ...inner.slice(1)];
    });
  }
  return Object.entries(value)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([key, item]) => {
      if (!isCollection(item) || inLine(item, style)) return [`${prefix}${flow(key)}: ${flow(item)}`];
      const inner = block(item, Array.isArray(item) ? prefix : prefix + step, step, style);
      return [`${prefix}${flow(key)}:`, ...inner];
    });
}

function flow(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(flow).join(', ')}]`;
  if (isCollection(value)) {
    const pairs = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
    return `{${pairs.map(([key, item]) => `${flow(key)}: ${flow(item)}`).join(', ')}}`;
  }
  return typeof value === 'string' ? scalarText(value) : String(value);
}

function scalarText(text: string): string {
  if (/[\n\r\t\u0000-\u001f\u007f]/.test(text)) return JSON.stringify(text);
  const reading = readPlainScalar(text);
  const plain =
    'value' in reading &&
    reading.value === text &&
    !/^[\s\-?:,[\]{}#&*!|>'"%@`=]|: |:$| #|\s$|[,[\]{}]/.test(text);
  return plain || /^-[^\s,[\]{}:#]+$/.test(text) ? text : `'${text.replaceAll("'", "''")}'`;
}
