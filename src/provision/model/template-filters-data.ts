/** Filters on maps, defaults, and JSON and YAML texts. */
import {
  isMapping,
  isLazyMap,
  iterate,
  numeric,
  order,
  repr,
  str,
  truthy,
  tuple,
  typeName,
  type Mapping,
} from './template-python.ts';
import type { Arguments, Operation, Operations } from './template-registry.ts';
import { Undefined, ValueError, WholeFloat } from './template-values.ts';
import { printYaml } from './yaml-print.ts';
import { parseYaml } from './yaml.ts';

/** Plain JSON of what a template works with. */
export function toData(value: unknown): unknown {
  if (value instanceof WholeFloat) return value.value;
  if (Array.isArray(value)) return value.map(toData);
  if (isLazyMap(value)) return Object.fromEntries(value.keys().map(key => [key, toData(value.get(key))]));
  if (isMapping(value)) {
    const present = Object.entries(value).filter(([, item]) => item !== undefined);
    return Object.fromEntries(present.map(([key, item]) => [key, toData(item)]));
  }
  if (value instanceof Undefined) throw new ValueError(`'${value.path}' is undefined`, value.hint);
  if (value === null || ['string', 'number', 'boolean'].includes(typeof value)) return value;
  throw new ValueError(`a ${typeName(value)} is not data`);
}

/** As Python's json.dumps writes it: blanks after `,` and `:`, ASCII only. */
function pythonJson(value: unknown, sorted: boolean): string {
  if (Array.isArray(value)) return `[${value.map(item => pythonJson(item, sorted)).join(', ')}]`;
  if (isMapping(value)) {
    const entries = sortedEntries(value, sorted);
    return `{${entries.map(([key, item]) => `${ascii(JSON.stringify(key))}: ${pythonJson(item, sorted)}`).join(', ')}}`;
  }
  return value instanceof WholeFloat ? `${value.value}.0` : ascii(JSON.stringify(toData(value)));
}

function sortedEntries(value: Mapping, sorted: boolean): [string, unknown][] {
  const entries = Object.entries(value);
  return sorted ? entries.sort(([a], [b]) => (a < b ? -1 : 1)) : entries;
}

function ascii(json: string): string {
  return json.replaceAll(
    /[\u007f-\uffff]/g,
    unit => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

function sortDeep(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortDeep);
  if (isMapping(value))
    return Object.fromEntries(sortedEntries(value, true).map(([key, item]) => [key, sortDeep(item)]));
  return value;
}

/** `combine(a, b, recursive=True, list_merge='append')`: later maps win. */
function combine(input: unknown, args: Arguments): Mapping {
  const recursive = truthy(args.named['recursive'] ?? false);
  const listMerge = str(args.named['list_merge'] ?? 'replace');
  const maps = [input, ...args.rest].flatMap(item =>
    Array.isArray(item) ? (item as readonly unknown[]) : [item],
  );
  return maps.reduce<Mapping>((merged, next) => {
    if (!isMapping(next)) throw new ValueError(`combine takes maps, not ${typeName(next)}`);
    return mergeMaps(merged, next, recursive, listMerge);
  }, {});
}

function mergeMaps(base: Mapping, over: Mapping, recursive: boolean, listMerge: string): Mapping {
  const merged: Record<string, unknown> = { ...base };
  for (const [key, value] of Object.entries(over)) {
    const known = merged[key];
    if (recursive && isMapping(known) && isMapping(value))
      merged[key] = mergeMaps(known, value, recursive, listMerge);
    else if (Array.isArray(known) && Array.isArray(value)) merged[key] = mergeLists(known, value, listMerge);
    else merged[key] = value;
  }
  return merged;
}

function mergeLists(
  known: readonly unknown[],
  value: readonly unknown[],
  listMerge: string,
): readonly unknown[] {
  if (listMerge === 'replace') return value;
  if (listMerge === 'keep') return known;
  if (listMerge === 'append') return [...known, ...value];
  if (listMerge === 'prepend') return [...value, ...known];
  throw new ValueError(
    `combine's list_merge '${listMerge}' is not supported`,
    'known are replace, keep, append and prepend',
  );
}

const DEFAULT: Operation = {
  params: ['default_value', 'boolean'],
  takesUndefined: true,
  run: (input, args) => {
    const useDefault = input instanceof Undefined || (truthy(args.get('boolean') ?? false) && !truthy(input));
    return useDefault ? (args.get('default_value') ?? '') : input;
  },
};

const TO_JSON: Operation = {
  params: ['sort_keys', 'ensure_ascii'],
  run: (input, args) => pythonJson(toComparable(input), truthy(args.get('sort_keys') ?? false)),
};

/** Jinja2's own `tojson` sorts, and writes `<`, `>`, `&` and `'` so that they are safe within HTML. */
const HTML_JSON: Operation = {
  params: [],
  run: input =>
    pythonJson(toComparable(input), true).replaceAll(
      /[<>&']/g,
      unit => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
    ),
};

function toComparable(input: unknown): unknown {
  return isLazyMap(input) ? toData(input) : input;
}

const NICE_JSON: Operation = {
  params: ['indent', 'sort_keys', 'ensure_ascii'],
  run: (input, args) => {
    const data = toData(input);
    const text = JSON.stringify(
      truthy(args.get('sort_keys') ?? true) ? sortDeep(data) : data,
      null,
      numeric(args.get('indent') ?? 4) ?? 4,
    );
    return truthy(args.get('ensure_ascii') ?? true) ? ascii(text) : text;
  },
};

const FROM_YAML: Operation = {
  params: [],
  run: input => {
    const parsed = parseYaml(str(input), '(text)');
    const [problem] = parsed.diagnostics;
    if (problem) throw new ValueError(`this is not YAML: ${problem.message}`, problem.hint);
    return parsed.value;
  },
};

const FROM_JSON: Operation = {
  params: [],
  run: input => {
    try {
      return JSON.parse(str(input)) as unknown;
    } catch (thrown) {
      throw new ValueError(`this is not JSON: ${thrown instanceof Error ? thrown.message : str(thrown)}`);
    }
  },
};

const mapOnly = (input: unknown): Mapping => {
  if (isMapping(input)) return input;
  throw new ValueError(`expected a map, not ${typeName(input)}`);
};

export const DATA_FILTERS: Operations = {
  default: DEFAULT,
  d: DEFAULT,
  mandatory: {
    params: ['msg'],
    takesUndefined: true,
    run: (input, args) => {
      if (input instanceof Undefined)
        throw new ValueError(args.text('msg') ?? `'${input.path}' is mandatory and undefined`, input.hint);
      return input;
    },
  },
  ternary: {
    params: ['true_val', 'false_val', 'none_val'],
    required: 2,
    run: (input, args) => {
      if (input === null && args.get('none_val') !== undefined) return args.get('none_val');
      return args.get(truthy(input) ? 'true_val' : 'false_val');
    },
  },
  type_debug: { params: [], run: input => typeName(input) },
  combine: { params: [], variadic: true, run: combine },
  items: { params: [], run: input => Object.entries(mapOnly(input)).map(tuple) },
  dict2items: {
    params: ['key_name', 'value_name'],
    run: (input, args) =>
      Object.entries(mapOnly(input)).map(([key, value]) => ({
        [args.text('key_name', 'key')]: key,
        [args.text('value_name', 'value')]: value,
      })),
  },
  items2dict: {
    params: ['key_name', 'value_name'],
    run: (input, args) =>
      Object.fromEntries(
        iterate(input).map(item => {
          const map = mapOnly(item);
          const key = args.text('key_name', 'key');
          if (!Object.hasOwn(map, key)) throw new ValueError(`items2dict: ${repr(item)} has no '${key}'`);
          return [str(map[key]), map[args.text('value_name', 'value')] ?? null];
        }),
      ),
  },
  dictsort: {
    params: ['case_sensitive', 'by', 'reverse'],
    run: (input, args) => {
      const by = args.text('by', 'key') === 'value' ? 1 : 0;
      const fold = (value: unknown): unknown =>
        typeof value === 'string' && !truthy(args.get('case_sensitive') ?? false)
          ? value.toLowerCase()
          : value;
      const sign = truthy(args.get('reverse') ?? false) ? -1 : 1;
      return Object.entries(mapOnly(input))
        .map(tuple)
        .sort((a, b) => sign * order(fold(a[by]), fold(b[by])));
    },
  },
  to_json: TO_JSON,
  tojson: HTML_JSON,
  to_nice_json: NICE_JSON,
  from_json: FROM_JSON,
  to_yaml: {
    params: ['indent'],
    run: (input, args) => printYaml(toData(input), numeric(args.get('indent') ?? 2) ?? 2, 'leaves-in-line'),
  },
  to_nice_yaml: {
    params: ['indent'],
    run: (input, args) => printYaml(toData(input), numeric(args.get('indent') ?? 4) ?? 4, 'block'),
  },
  from_yaml: FROM_YAML,
};
