/** Python's meaning of truth, text, equality, order and arithmetic, which is Jinja2's. */
import { Callable, Namespace, Undefined, ValueError, WholeFloat, type LazyMap } from './template-values.ts';

export type Mapping = Readonly<Record<string, unknown>>;

/** A plain map: what YAML, JSON and dict literals make. */
export function isMapping(value: unknown): value is Mapping {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !isSpecial(value);
}

/** A map that is looked into lazily. */
export function isLazyMap(value: unknown): value is LazyMap {
  return typeof value === 'object' && value !== null && 'lazy' in value && value.lazy === true;
}

function isSpecial(value: object): boolean {
  return (
    value instanceof Undefined ||
    value instanceof WholeFloat ||
    value instanceof Callable ||
    value instanceof Namespace ||
    isLazyMap(value)
  );
}

/** Refuses an undefined value by name. */
export function defined<T>(value: T | Undefined): T {
  if (value instanceof Undefined) throw new ValueError(`'${value.path}' is undefined`, value.hint);
  return value;
}

/** The number that a value is to arithmetic; booleans are 0 and 1. Undefined for everything else. */
export function numeric(value: unknown): number | undefined {
  if (typeof value === 'number') return value;
  if (value instanceof WholeFloat) return value.value;
  if (typeof value === 'boolean') return value ? 1 : 0;
  return undefined;
}

/** A float result; whole ones remember that they are floats. */
export function float(value: number): number | WholeFloat {
  return Number.isInteger(value) ? new WholeFloat(value) : value;
}

function isFloat(value: unknown): boolean {
  return value instanceof WholeFloat || (typeof value === 'number' && !Number.isInteger(value));
}

/** Python's name of a value's type, for messages. */
export function typeName(value: unknown): string {
  if (value === null) return 'NoneType';
  if (typeof value === 'boolean') return 'bool';
  if (typeof value === 'string') return 'str';
  if (isFloat(value)) return 'float';
  if (typeof value === 'number') return 'int';
  if (Array.isArray(value)) return 'list';
  return value instanceof Callable ? 'function' : 'dict';
}

/** Python's `bool()`: empty lists, maps and strings are false. */
export function truthy(value: unknown): boolean {
  defined(value);
  if (Array.isArray(value)) return value.length > 0;
  if (isMapping(value)) return Object.keys(value).length > 0;
  if (value instanceof WholeFloat) return value.value !== 0;
  return Boolean(value);
}

/** What `{{ value }}` prints: Python's `str()`, and nothing for None, as Ansible has it. */
export function toText(value: unknown): string {
  if (value === null) return '';
  return str(value);
}

/** Python's `str()`. */
export function str(value: unknown): string {
  return typeof value === 'string' ? value : repr(value);
}

/** Python's `repr()`. */
export function repr(value: unknown): string {
  defined(value);
  if (value === null) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (typeof value === 'string') return reprText(value);
  if (value instanceof WholeFloat) return `${value.value}.0`;
  if (typeof value === 'number') return String(value);
  if (Array.isArray(value)) return reprList(value);
  if (isMapping(value)) {
    return `{${Object.entries(value)
      .map(([key, item]) => `${reprText(key)}: ${repr(item)}`)
      .join(', ')}}`;
  }
  throw new ValueError(
    `a ${value instanceof Callable ? 'function' : 'lazy map'} cannot be printed`,
    'call it, or pick one of its keys',
  );
}

const tuples = new WeakSet<readonly unknown[]>();

/** Marks a list as a tuple of Python's, which prints with parentheses and is a list otherwise. */
export function tuple<T extends readonly unknown[]>(items: T): T {
  tuples.add(items);
  return items;
}

function reprList(items: readonly unknown[]): string {
  const inner = items.map(repr).join(', ');
  if (!tuples.has(items)) return `[${inner}]`;
  return items.length === 1 ? `(${inner},)` : `(${inner})`;
}

function reprText(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  const body = text
    .replaceAll('\\', '\\\\')
    .replaceAll('\n', '\\n')
    .replaceAll('\r', '\\r')
    .replaceAll('\t', '\\t');
  return quote + (quote === "'" ? body.replaceAll("'", "\\'") : body) + quote;
}

/** Python's `==`. */
export function equal(left: unknown, right: unknown): boolean {
  const a = defined(left);
  const b = defined(right);
  const [x, y] = [numeric(a), numeric(b)];
  if (x !== undefined && y !== undefined) return x === y;
  if (Array.isArray(a) && Array.isArray(b))
    return a.length === b.length && a.every((item, i) => equal(item, b[i]));
  if (isMapping(a) && isMapping(b)) {
    const keys = Object.keys(a);
    return (
      keys.length === Object.keys(b).length &&
      keys.every(key => Object.hasOwn(b, key) && equal(a[key], b[key]))
    );
  }
  return a === b;
}

/** Python's order: negative, 0 or positive; refuses types that have none. */
export function order(left: unknown, right: unknown): number {
  const a = defined(left);
  const b = defined(right);
  const [x, y] = [numeric(a), numeric(b)];
  if (x !== undefined && y !== undefined) return x - y;
  if (typeof a === 'string' && typeof b === 'string') return a < b ? -1 : Number(a > b);
  if (Array.isArray(a) && Array.isArray(b)) {
    const at = a.findIndex((item, i) => i >= b.length || !equal(item, b[i]));
    if (at < 0) return a.length - b.length;
    return at >= b.length ? 1 : order(a[at], b[at]);
  }
  throw new ValueError(
    `${typeName(a)} and ${typeName(b)} have no order`,
    'convert one of them: | int, | string',
  );
}

/** Python's `in`. */
export function contains(container: unknown, item: unknown): boolean {
  const within = defined(container);
  const wanted = defined(item);
  if (typeof within === 'string') {
    if (typeof wanted === 'string') return within.includes(wanted);
    throw new ValueError(
      `'in' a text needs a text on its left, not ${typeName(wanted)}`,
      'convert it: | string',
    );
  }
  if (Array.isArray(within)) return within.some(entry => equal(entry, wanted));
  if (isLazyMap(within)) return within.has(str(wanted));
  if (isMapping(within)) return typeof wanted === 'string' && Object.hasOwn(within, wanted);
  throw new ValueError(`${typeName(within)} cannot be searched with 'in'`);
}

/** What a loop or a list filter goes through: items of a list, keys of a map, characters of a text. */
export function iterate(value: unknown): readonly unknown[] {
  const source = defined(value);
  if (Array.isArray(source)) return source;
  if (typeof source === 'string') return Array.from(source);
  if (isLazyMap(source)) return source.keys();
  if (isMapping(source)) return Object.keys(source);
  throw new ValueError(
    `${typeName(source)} is not a list`,
    'a loop needs a list or a map; | dict2items makes a list of a map',
  );
}

export type ArithmeticOperator = '+' | '-' | '*' | '/' | '//' | '%' | '**';

/** Python's arithmetic: `+` joins texts with texts and lists with lists, and never text with a number. */
export function arithmetic(operator: ArithmeticOperator, left: unknown, right: unknown): unknown {
  const a = defined(left);
  const b = defined(right);
  const [x, y] = [numeric(a), numeric(b)];
  if (x !== undefined && y !== undefined) {
    const result = compute(operator, x, y);
    return operator === '/' || isFloat(a) || isFloat(b) ? float(result) : result;
  }
  if (operator === '+' && typeof a === 'string' && typeof b === 'string') return a + b;
  if (operator === '+' && Array.isArray(a) && Array.isArray(b))
    return [...(a as unknown[]), ...(b as unknown[])];
  if (operator === '*' && y !== undefined && typeof a === 'string')
    return a.repeat(bounded(a.length * Math.max(0, y), y));
  if (operator === '%' && typeof a === 'string') return formatPercent(a, Array.isArray(b) ? b : [b]);
  const hint =
    operator === '+'
      ? 'join texts with ~, or convert one side: | int, | string'
      : 'convert with | int or | float';
  throw new ValueError(`${typeName(a)} ${operator} ${typeName(b)} is not possible`, hint);
}

function bounded(length: number, count: number): number {
  if (length > 1_000_000) throw new ValueError('the text would be longer than 1,000,000 characters');
  return Math.max(0, count);
}

function compute(operator: ArithmeticOperator, x: number, y: number): number {
  if (y === 0 && (operator === '/' || operator === '//' || operator === '%'))
    throw new ValueError('division by zero');
  switch (operator) {
    case '+':
      return x + y;
    case '-':
      return x - y;
    case '*':
      return x * y;
    case '/':
      return x / y;
    case '//':
      return Math.floor(x / y);
    case '%':
      return x - y * Math.floor(x / y);
    case '**':
      return x ** y;
  }
}

/** Python's `%` formatting: `%s %d %i %f %.2f %05d %x %o %r %%`; `%(name)s` is refused. */
export function formatPercent(format: string, args: readonly unknown[]): string {
  let next = 0;
  const text = format.replaceAll(
    /%([-0+ #]*)(\d*)(?:\.(\d+))?([a-zA-Z%(])/g,
    (_match, flags: string, width: string, precision: string | undefined, kind: string) => {
      if (kind === '%') return '%';
      if (next >= args.length) throw new ValueError(`not enough arguments for the format '${format}'`);
      return pad(convert(kind, args[next++], precision, flags), flags, Number(width));
    },
  );
  if (next < args.length) throw new ValueError(`too many arguments for the format '${format}'`);
  return text;
}

function convert(kind: string, value: unknown, precision: string | undefined, flags: string): string {
  if (kind === 's') return precision === undefined ? str(value) : str(value).slice(0, Number(precision));
  if (kind === 'r') return repr(value);
  const number = numeric(defined(value));
  if (number === undefined)
    throw new ValueError(`%${kind} needs a number, not ${typeName(value)}`, 'convert it: | int');
  const sign = flags.includes('+') && number >= 0 ? '+' : '';
  if (kind === 'd' || kind === 'i') return sign + String(Math.trunc(number));
  if (kind === 'f' || kind === 'F') return sign + number.toFixed(Number(precision ?? 6));
  if (kind === 'x') return Math.trunc(number).toString(16);
  if (kind === 'X') return Math.trunc(number).toString(16).toUpperCase();
  if (kind === 'o') return Math.trunc(number).toString(8);
  throw new ValueError(`the format %${kind} is not supported`, 'supported are %s %r %d %i %f %x %X %o');
}

function pad(text: string, flags: string, width: number): string {
  if (flags.includes('-')) return text.padEnd(width);
  if (!flags.includes('0')) return text.padStart(width);
  const sign = /^[-+]/.exec(text)?.[0] ?? '';
  return sign + text.slice(sign.length).padStart(width - sign.length, '0');
}
