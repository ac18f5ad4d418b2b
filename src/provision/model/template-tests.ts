/** All tests that can stand after `is`. */
import { parseCidr } from '#base/address.ts';
import {
  contains,
  equal,
  isLazyMap,
  isMapping,
  iterate,
  numeric,
  order,
  str,
  truthy,
  typeName,
} from './template-python.ts';
import { pythonPattern } from './template-regex.ts';
import type { Operation, Operations } from './template-registry.ts';
import { Callable, Undefined, ValueError } from './template-values.ts';
import { compareVersions } from './template-version.ts';

const simple = (test: (input: unknown) => boolean): Operation => ({ params: [], run: test });
const compared = (test: (input: unknown, other: unknown) => boolean): Operation => ({
  params: ['other'],
  required: 1,
  run: (input, args) => test(input, args.get('other')),
});
const isNumber = (value: unknown): boolean => typeof value !== 'boolean' && numeric(value) !== undefined;
const integer = (value: unknown): number => {
  const number = numeric(value);
  if (number === undefined)
    throw new ValueError(`expected a number, not ${typeName(value)}`, 'convert it: | int');
  return number;
};

const pattern = (anchor: 'start' | undefined): Operation => ({
  params: ['pattern', 'ignorecase', 'multiline'],
  required: 1,
  run: (input, args) =>
    pythonPattern(str(args.get('pattern')), {
      ignorecase: args.get('ignorecase'),
      multiline: args.get('multiline'),
      ...(anchor === undefined ? {} : { anchor }),
    }).test(str(input)),
});

const VERSION: Operation = {
  params: ['version', 'operator', 'strict', 'version_type'],
  required: 1,
  run: (input, args) => {
    const difference = compareVersions(str(input), str(args.get('version')));
    switch (args.text('operator', '==')) {
      case '==':
      case '=':
      case 'eq':
        return difference === 0;
      case '!=':
      case '<>':
      case 'ne':
        return difference !== 0;
      case '<':
      case 'lt':
        return difference < 0;
      case '<=':
      case 'le':
        return difference <= 0;
      case '>':
      case 'gt':
        return difference > 0;
      case '>=':
      case 'ge':
        return difference >= 0;
      default:
        throw new ValueError(
          `version has no operator '${args.text('operator', '')}'`,
          'known are == != < <= > >=',
        );
    }
  },
};

/** State of a registered result. */
const registered = (key: string, otherwise: boolean): Operation =>
  simple(input => {
    if (!isMapping(input))
      throw new ValueError(`expected what a task has registered, not ${typeName(input)}`);
    return Object.hasOwn(input, key) ? truthy(input[key]) : otherwise;
  });

const FAILED = registered('failed', false);
const equals = compared(equal);

export const TESTS: Operations = {
  defined: { params: [], takesUndefined: true, run: input => !(input instanceof Undefined) },
  undefined: { params: [], takesUndefined: true, run: input => input instanceof Undefined },
  none: simple(input => input === null),
  true: simple(input => input === true),
  false: simple(input => input === false),
  boolean: simple(input => typeof input === 'boolean'),
  string: simple(input => typeof input === 'string'),
  number: simple(input => numeric(input) !== undefined),
  integer: simple(input => isNumber(input) && typeName(input) === 'int'),
  float: simple(input => typeName(input) === 'float'),
  mapping: simple(input => isMapping(input) || isLazyMap(input)),
  sequence: simple(input => Array.isArray(input) || typeof input === 'string' || isMapping(input)),
  iterable: simple(input => Array.isArray(input) || typeof input === 'string' || isMapping(input)),
  callable: simple(input => input instanceof Callable),
  truthy: simple(truthy),
  falsy: simple(input => !truthy(input)),
  lower: simple(input => str(input) === str(input).toLowerCase()),
  upper: simple(input => str(input) === str(input).toUpperCase()),
  odd: simple(input => Math.abs(integer(input) % 2) === 1),
  even: simple(input => integer(input) % 2 === 0),
  divisibleby: compared((input, other) => integer(input) % integer(other) === 0),
  in: compared((input, other) => contains(other, input)),
  contains: compared((input, other) => contains(input, other)),
  eq: equals,
  equalto: equals,
  sameas: equals,
  '==': equals,
  ne: compared((a, b) => !equal(a, b)),
  '!=': compared((a, b) => !equal(a, b)),
  lt: compared((a, b) => order(a, b) < 0),
  lessthan: compared((a, b) => order(a, b) < 0),
  le: compared((a, b) => order(a, b) <= 0),
  gt: compared((a, b) => order(a, b) > 0),
  greaterthan: compared((a, b) => order(a, b) > 0),
  ge: compared((a, b) => order(a, b) >= 0),
  '<': compared((a, b) => order(a, b) < 0),
  '<=': compared((a, b) => order(a, b) <= 0),
  '>': compared((a, b) => order(a, b) > 0),
  '>=': compared((a, b) => order(a, b) >= 0),
  subset: compared((a, b) => iterate(a).every(item => contains(b, item))),
  superset: compared((a, b) => iterate(b).every(item => contains(a, item))),
  all: simple(input => iterate(input).every(truthy)),
  any: simple(input => iterate(input).some(truthy)),
  match: pattern('start'),
  search: pattern(undefined),
  regex: pattern(undefined),
  version: VERSION,
  version_compare: VERSION,
  ip: simple(input => parseCidr(str(input)) !== undefined),
  ip_address: simple(input => !str(input).includes('/') && parseCidr(str(input)) !== undefined),
  failed: FAILED,
  failure: FAILED,
  succeeded: simple(
    input => isMapping(input) && !(Object.hasOwn(input, 'failed') && truthy(input['failed'])),
  ),
  success: simple(input => isMapping(input) && !(Object.hasOwn(input, 'failed') && truthy(input['failed']))),
  changed: registered('changed', false),
  change: registered('changed', false),
  skipped: registered('skipped', false),
  skip: registered('skipped', false),
};
