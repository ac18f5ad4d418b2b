/** Filters on lists. */
import {
  arithmetic,
  defined,
  equal,
  isLazyMap,
  isMapping,
  iterate,
  numeric,
  order,
  str,
  truthy,
  tuple,
} from './template-python.ts';
import { lookup } from './template-lookup.ts';
import type { Arguments, CallContext, Operation, Operations } from './template-registry.ts';
import { Undefined, ValueError } from './template-values.ts';

/** `attribute='a.b'`: a path; digits are indices. */
function attributeOf(item: unknown, path: unknown): unknown {
  let value = item;
  for (const step of str(path).split('.'))
    value = lookup(value, /^\d+$/.test(step) ? Number(step) : step, `item.${str(path)}`, false);
  return value;
}

/** Jinja2's sort, unique, min and max ignore case unless told otherwise. */
function comparisonKey(item: unknown, args: Arguments): unknown {
  const attribute = args.get('attribute');
  const value = attribute === undefined ? item : defined(attributeOf(item, attribute));
  return typeof value === 'string' && !truthy(args.get('case_sensitive') ?? false)
    ? value.toLowerCase()
    : value;
}

const SORT: Operation = {
  params: ['reverse', 'case_sensitive', 'attribute'],
  run: (input, args) => {
    const keyed = iterate(input).map(item => ({ item, key: comparisonKey(item, args) }));
    const sign = truthy(args.get('reverse') ?? false) ? -1 : 1;
    return keyed.sort((a, b) => sign * order(a.key, b.key)).map(({ item }) => item);
  },
};

const extreme = (sign: number): Operation => ({
  params: ['case_sensitive', 'attribute'],
  run: (input, args) => {
    const items = iterate(input).map(item => ({ item, key: comparisonKey(item, args) }));
    if (items.length === 0)
      return new Undefined('the least or greatest of an empty list', 'use | default(…)');
    return items.reduce((best, next) => (sign * order(next.key, best.key) > 0 ? next : best)).item;
  },
});

/** Items that differ, in the order of their first appearance. */
function distinct(items: readonly unknown[], key: (item: unknown) => unknown = item => item): unknown[] {
  const simple = new Set<unknown>();
  const kept: unknown[] = [];
  const others: unknown[] = [];
  for (const item of items) {
    const value = key(item);
    if (typeof value === 'string') {
      if (simple.has(value)) continue;
      simple.add(value);
    } else {
      if (others.some(known => equal(known, value))) continue;
      others.push(value);
    }
    kept.push(item);
  }
  return kept;
}

const has = (items: readonly unknown[], wanted: unknown): boolean => items.some(item => equal(item, wanted));

const setOperation = (
  combine: (a: readonly unknown[], b: readonly unknown[]) => readonly unknown[],
): Operation => ({
  params: ['b'],
  required: 1,
  run: (input, args) => distinct(combine(iterate(input), iterate(args.get('b')))),
});

/** select, reject, selectattr, rejectattr: by truth, or by a test that is given by name. */
const choose = (keep: boolean, byAttribute: boolean): Operation => ({
  params: [],
  variadic: true,
  run: (input, args, context) => {
    const [attribute, ...rest] = byAttribute ? args.rest : [undefined, ...args.rest];
    if (byAttribute && attribute === undefined)
      throw new ValueError('selectattr and rejectattr need the name of an attribute');
    const [test, ...testArgs] = rest;
    return iterate(input).filter(item => {
      const value = byAttribute ? attributeOf(item, attribute) : item;
      return (
        (test === undefined
          ? truthyOrAbsent(value, byAttribute)
          : context.test(str(test), value, testArgs, args.named)) === keep
      );
    });
  },
});

/** An attribute that an item lacks is false to selectattr without a test. */
function truthyOrAbsent(value: unknown, lenient: boolean): boolean {
  return lenient && value instanceof Undefined ? false : truthy(value);
}

/** `map('filter', args…)` or `map(attribute='a.b', default=x)`. */
function mapItems(input: unknown, args: Arguments, context: CallContext): unknown[] {
  const { attribute, default: otherwise, ...named } = args.named;
  const [filter, ...rest] = args.rest;
  if (attribute !== undefined) {
    return iterate(input).map(item => {
      const value = attributeOf(item, attribute);
      return value instanceof Undefined && otherwise !== undefined ? otherwise : defined(value);
    });
  }
  if (filter === undefined) throw new ValueError("map needs the name of a filter, or attribute='name'");
  return iterate(input).map(item =>
    context.filter(str(filter), item, rest, args.named['default'] === undefined ? named : args.named),
  );
}

const zip = (longest: boolean): Operation => ({
  params: [],
  variadic: true,
  run: (input, args) => {
    const lists = [iterate(input), ...args.rest.map(iterate)];
    const lengths = lists.map(list => list.length);
    const length = longest ? Math.max(...lengths) : Math.min(...lengths);
    const fill = args.named['fillvalue'] ?? null;
    return Array.from({ length }, (_, i) => tuple(lists.map(list => (i < list.length ? list[i] : fill))));
  },
});

const PRODUCT_MAX = 100_000;

/** Python's itertools.product: the last list turns fastest. */
const product: Operation = {
  params: [],
  variadic: true,
  run: (input, args) => {
    const times = numeric(args.named['repeat'] ?? 1) ?? 1;
    const given = [iterate(input), ...args.rest.map(iterate)];
    const lists = Array.from({ length: Math.min(times, 64) }, () => given).flat();
    const size = lists.reduce((sum, list) => sum * list.length, 1);
    if (times < 0 || times > 64 || size > PRODUCT_MAX)
      throw new ValueError(`product would make ${size} items`, `at most ${PRODUCT_MAX} are made`);
    const rows = lists.reduce<unknown[][]>(
      (heads, list) => heads.flatMap(head => list.map(item => [...head, item])),
      [[]],
    );
    return rows.map(tuple);
  },
};

function flatten(input: unknown, levels: number): unknown[] {
  return iterate(input).flatMap(item => {
    if (item === null) return [];
    return Array.isArray(item) && levels > 0 ? flatten(item, levels - 1) : [item];
  });
}

const GROUP_BY: Operation = {
  params: ['attribute', 'default'],
  required: 1,
  run: (input, args) => {
    const keyed = iterate(input).map(item => {
      const found = attributeOf(item, args.get('attribute'));
      return {
        item,
        key:
          found instanceof Undefined && args.get('default') !== undefined
            ? args.get('default')
            : defined(found),
      };
    });
    const keys = distinct(keyed.map(({ key }) => key)).sort(order);
    return keys.map(key => tuple([key, keyed.filter(one => equal(one.key, key)).map(({ item }) => item)]));
  },
};

const at = (index: (length: number) => number, name: string): Operation => ({
  params: [],
  run: input => {
    const items = iterate(input);
    const item = items[index(items.length)];
    return item === undefined ? new Undefined(`the ${name} of an empty list`, 'use | default(…)') : item;
  },
});

export const LIST_FILTERS: Operations = {
  first: at(() => 0, 'first'),
  last: at(length => length - 1, 'last'),
  list: { params: [], run: input => [...iterate(input)] },
  reverse: {
    params: [],
    run: input =>
      typeof input === 'string' ? Array.from(input).reverse().join('') : [...iterate(input)].reverse(),
  },
  sort: SORT,
  min: extreme(-1),
  max: extreme(1),
  unique: {
    params: ['case_sensitive', 'attribute'],
    run: (input, args) => distinct(iterate(input), item => comparisonKey(item, args)),
  },
  sum: {
    params: ['attribute', 'start'],
    run: (input, args) => {
      const attribute = args.get('attribute');
      const items = iterate(input).map(item =>
        attribute === undefined ? item : attributeOf(item, attribute),
      );
      return items.reduce((total: unknown, item) => arithmetic('+', total, item), args.get('start') ?? 0);
    },
  },
  map: { params: [], variadic: true, run: mapItems },
  select: choose(true, false),
  reject: choose(false, false),
  selectattr: choose(true, true),
  rejectattr: choose(false, true),
  groupby: GROUP_BY,
  batch: {
    params: ['linecount', 'fill_with'],
    required: 1,
    run: (input, args) => {
      const items = iterate(input);
      const size = numeric(args.get('linecount')) ?? 0;
      if (!(size > 0)) throw new ValueError('batch needs a size of at least 1');
      const fill = args.get('fill_with');
      return Array.from({ length: Math.ceil(items.length / size) }, (_, i) => {
        const part = items.slice(i * size, (i + 1) * size);
        return fill === undefined
          ? part
          : [...part, ...Array.from({ length: size - part.length }, () => fill)];
      });
    },
  },
  flatten: {
    params: ['levels'],
    run: (input, args) => flatten(input, numeric(args.get('levels') ?? Number.POSITIVE_INFINITY) ?? 0),
  },
  product,
  zip: zip(false),
  zip_longest: zip(true),
  difference: setOperation((a, b) => a.filter(item => !has(b, item))),
  intersect: setOperation((a, b) => a.filter(item => has(b, item))),
  union: setOperation((a, b) => [...a, ...b]),
  symmetric_difference: setOperation((a, b) => [
    ...a.filter(item => !has(b, item)),
    ...b.filter(item => !has(a, item)),
  ]),
  extract: {
    params: ['container', 'morekeys'],
    required: 1,
    run: (input, args) => {
      const container = args.get('container');
      if (!isMapping(container) && !Array.isArray(container) && !isLazyMap(container))
        throw new ValueError('extract needs a map or a list');
      const more = args.get('morekeys');
      const keys = more === undefined ? [] : Array.isArray(more) ? (more as readonly unknown[]) : [more];
      return keys.reduce(
        (value, key) => lookup(value, key, str(key), false),
        lookup(container, input, str(input), false),
      );
    },
  },
};
