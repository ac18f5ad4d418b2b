/** Prints an inventory as a person writes one: in the order given, short collections on one line. */
import { readPlainScalar } from './yaml-scalar.ts';

/** A map that is always printed one key a line, its values indented. */
export class Block {
  readonly entries: readonly (readonly [key: string, value: unknown])[];

  constructor(entries: Readonly<Record<string, unknown>>) {
    this.entries = Object.entries(entries).filter(([, value]) => value !== undefined);
  }
}

const WIDTH = 110;

/** Values are null, booleans, numbers, texts, lists, plain maps and {@link Block}s. Ends with a newline. */
export function printTree(root: Block): string {
  return `${blockLines(root.entries, '').join('\n')}\n`;
}

type Entries = readonly (readonly [key: string, value: unknown])[];

function blockLines(entries: Entries, indent: string): string[] {
  return entries.flatMap(([key, value]) =>
    entryLines(`${indent}${key === 'on' ? key : scalar(key)}:`, value, indent),
  );
}

function entryLines(head: string, value: unknown, indent: string): string[] {
  const inner = `${indent}  `;
  if (value instanceof Block) return [head, ...blockLines(value.entries, inner)];
  if (typeof value === 'string' && value.includes('\n'))
    return [`${head} |`, ...value.split('\n').map(line => (line === '' ? '' : `${inner}${line}`))];
  const line = value === null ? head : `${head} ${flow(value)}`;
  if (line.length <= WIDTH || !isCollection(value)) return [line];
  if (Array.isArray(value)) return [head, ...value.map(item => `${inner}- ${flow(item)}`)];
  return [head, ...blockLines(Object.entries(value), inner)];
}

function isCollection(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

function flow(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return `[${value.map(flow).join(', ')}]`;
  if (isCollection(value)) {
    const pairs = Object.entries(value).map(([key, item]) =>
      item === null ? `${scalar(key)}:` : `${scalar(key)}: ${flow(item)}`,
    );
    return pairs.length === 0 ? '{}' : `{ ${pairs.join(', ')} }`;
  }
  return typeof value === 'string' ? scalar(value) : JSON.stringify(value);
}

/** Plain where YAML reads the same text back, also between brackets; else in double quotes, which JSON's are. */
function scalar(text: string): string {
  const reading = readPlainScalar(text);
  const plain =
    'value' in reading &&
    reading.value === text &&
    !/^[\s\-?#&*!|>'%@`=<]|\s#|\s$|[:,[\]{}"\\\u0000-\u001f\u007f]/.test(text);
  return plain ? text : JSON.stringify(text);
}
