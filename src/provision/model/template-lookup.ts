/** `a.b`, `a['b']`, `a[1:2]` and Python's methods of texts, lists and maps: own keys and a fixed list, never a prototype. */
import {
  equal,
  isLazyMap,
  isMapping,
  iterate,
  numeric,
  repr,
  str,
  truthy,
  tuple,
  typeName,
  type Mapping,
} from './template-python.ts';
import { Callable, Namespace, Undefined, ValueError } from './template-values.ts';

type Method<T> = (self: T, args: readonly unknown[]) => unknown;

const text = (value: unknown): string => {
  if (typeof value !== 'string') throw new ValueError(`expected a text, not ${typeName(value)}`);
  return value;
};
const chars = (value: unknown): string => `[${text(value).replaceAll(/[\\\]^-]/g, String.raw`\$&`)}]`;
const strip =
  (side: 'both' | 'left' | 'right'): Method<string> =>
  (self, [set]) => {
    const some = set === undefined || set === null ? '\\s' : chars(set);
    const left = side === 'right' ? self : self.replace(new RegExp(`^${some}+`, 'u'), '');
    return side === 'left' ? left : left.replace(new RegExp(`${some}+$`, 'u'), '');
  };
const anyOf = (value: unknown): readonly string[] => (Array.isArray(value) ? value.map(text) : [text(value)]);

/** Python's `str.split`: runs of blanks without a separator. */
export function splitText(self: string, separator: unknown, max: unknown): string[] {
  const given = numeric(max ?? -1) ?? -1;
  const limit = given < 0 ? Number.POSITIVE_INFINITY : given;
  const blanks = separator === undefined || separator === null;
  let rest = blanks ? self.trim() : self;
  if (blanks && rest === '') return [];
  const parts: string[] = [];
  while (parts.length < limit) {
    const found = blanks ? /\s+/.exec(rest) : undefined;
    const at = blanks ? (found?.index ?? -1) : rest.indexOf(text(separator));
    if (at < 0) break;
    parts.push(rest.slice(0, at));
    rest = rest.slice(at + (blanks ? (found?.[0].length ?? 0) : text(separator).length));
  }
  return [...parts, rest];
}

const STRING_METHODS: Readonly<Record<string, Method<string>>> = {
  upper: self => self.toUpperCase(),
  lower: self => self.toLowerCase(),
  capitalize: self => self.slice(0, 1).toUpperCase() + self.slice(1).toLowerCase(),
  title: self => titleCase(self),
  strip: strip('both'),
  lstrip: strip('left'),
  rstrip: strip('right'),
  split: (self, [separator, max]) => splitText(self, separator, max),
  splitlines: self => self.replace(/\n$/, '').split('\n'),
  startswith: (self, [prefix]) => anyOf(prefix).some(one => self.startsWith(one)),
  endswith: (self, [suffix]) => anyOf(suffix).some(one => self.endsWith(one)),
  replace: (self, [from, to]) => self.replaceAll(text(from), () => text(to)),
  find: (self, [part]) => self.indexOf(text(part)),
  count: (self, [part]) => self.split(text(part)).length - 1,
  join: (self, [items]) => iterate(items).map(text).join(self),
  isdigit: self => /^\d+$/.test(self),
  isalpha: self => /^\p{L}+$/u.test(self),
  isalnum: self => /^[\p{L}\p{N}]+$/u.test(self),
  zfill: (self, [width]) => self.padStart(numeric(width) ?? 0, '0'),
  ljust: (self, [width]) => self.padEnd(numeric(width) ?? 0),
  rjust: (self, [width]) => self.padStart(numeric(width) ?? 0),
  format: (self, args) => formatBraces(self, args),
};

const LIST_METHODS: Readonly<Record<string, Method<readonly unknown[]>>> = {
  index: (self, [item]) => {
    const at = self.findIndex(entry => equal(entry, item));
    if (at < 0) throw new ValueError(`${repr(item)} is not in the list`);
    return at;
  },
  count: (self, [item]) => self.filter(entry => equal(entry, item)).length,
  copy: self => [...self],
};

const MAP_METHODS: Readonly<Record<string, Method<Mapping>>> = {
  items: self => Object.entries(self).map(tuple),
  keys: self => Object.keys(self),
  values: self => Object.values(self),
  get: (self, [key, otherwise]) => (Object.hasOwn(self, str(key)) ? self[str(key)] : (otherwise ?? null)),
  copy: self => ({ ...self }),
};

/** Methods of Python that change the value they are called on. */
const MUTATORS = new Set([
  'append',
  'extend',
  'insert',
  'pop',
  'remove',
  'update',
  'setdefault',
  'clear',
  'popitem',
  'sort',
  'reverse',
]);

/** First letter of every word in upper case. */
export function titleCase(self: string): string {
  return self
    .toLowerCase()
    .replaceAll(
      /(^|[-\s({[<])(\S)/g,
      (_all, before: string, letter: string) => before + letter.toUpperCase(),
    );
}

/** `'{} {0} {:>3}'.format(…)`: positions only; a format specification is refused. */
function formatBraces(format: string, args: readonly unknown[]): string {
  let next = 0;
  return format.replaceAll(/\{\{|\}\}|\{([^{}]*)\}/g, (whole, spec: string | undefined) => {
    if (spec === undefined) return whole.charAt(0);
    if (!/^\d*$/.test(spec))
      throw new ValueError(`format() with '{${spec}}' is not supported`, "use the % form: '%03d' % x");
    const index = spec === '' ? next++ : Number(spec);
    if (index >= args.length) throw new ValueError('format() has too few arguments');
    return str(args[index]);
  });
}

/** `target.key` (`dotted`) or `target[key]`. A key that is not there gives {@link Undefined} under the name `path`. */
export function lookup(target: unknown, key: unknown, path: string, dotted: boolean): unknown {
  if (target instanceof Undefined) return new Undefined(target.path, target.hint);
  if (target instanceof Namespace) return target.values.get(str(key)) ?? new Undefined(path);
  if (isLazyMap(target)) return target.has(str(key)) ? target.get(str(key)) : new Undefined(path);
  if (dotted && typeof key === 'string') {
    const method = methodOf(target, key);
    if (method) return method;
  }
  if (Array.isArray(target) || typeof target === 'string') return elementOf(target, key, path);
  // Maps are made from YAML and JSON: keys are texts, and `1` finds "1".
  const value = isMapping(target) && Object.hasOwn(target, str(key)) ? target[str(key)] : undefined;
  return value === undefined ? new Undefined(path) : value;
}

function elementOf(target: readonly unknown[] | string, key: unknown, path: string): unknown {
  const index = typeof key === 'string' ? undefined : numeric(key);
  if (index === undefined) return new Undefined(path);
  const value = target[index < 0 ? target.length + index : index];
  return value === undefined ? new Undefined(path) : value;
}

function methodOf(target: unknown, name: string): Callable | undefined {
  const bind = <T>(methods: Readonly<Record<string, Method<T>>>, self: T): Callable | undefined => {
    const method = Object.hasOwn(methods, name) ? methods[name] : undefined;
    if (method) return new Callable(name, args => method(self, args));
    if (!MUTATORS.has(name) || (isMapping(target) && Object.hasOwn(target, name))) return undefined;
    return new Callable(name, () => {
      throw new ValueError(
        `${name}() would change a value in place`,
        'make a new one: + for lists, | combine for maps',
      );
    });
  };
  if (typeof target === 'string') return bind(STRING_METHODS, target);
  if (Array.isArray(target)) return bind(LIST_METHODS, target as readonly unknown[]);
  return isMapping(target) ? bind(MAP_METHODS, target) : undefined;
}

/** Python's slice of a text or list; bounds that are null are open. */
export function slice(target: unknown, bounds: readonly unknown[]): unknown {
  if (typeof target !== 'string' && !Array.isArray(target))
    throw new ValueError(`${typeName(target)} cannot be sliced`);
  const items: readonly unknown[] = typeof target === 'string' ? Array.from(target) : target;
  const number = (value: unknown): number | undefined =>
    value === null || value === undefined ? undefined : numeric(value);
  const step = number(bounds[2]) ?? 1;
  if (step === 0 || !truthy(Number.isInteger(step)))
    throw new ValueError('the step of a slice is a whole number other than 0');
  const clamp = (value: number | undefined, open: number): number => {
    if (value === undefined) return open;
    const at = value < 0 ? value + items.length : value;
    return Math.max(step > 0 ? 0 : -1, Math.min(at, step > 0 ? items.length : items.length - 1));
  };
  const from = clamp(number(bounds[0]), step > 0 ? 0 : items.length - 1);
  const to = clamp(number(bounds[1]), step > 0 ? items.length : -1);
  const taken: unknown[] = [];
  for (let i = from; step > 0 ? i < to : i > to; i += step) taken.push(items[i]);
  return typeof target === 'string' ? taken.join('') : taken;
}
