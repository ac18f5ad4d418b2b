/** zod's issues → complaints with the place in the YAML file. */
import type { z } from 'zod';
import type { Position } from '#base/position.ts';
import { similarName } from './template-registry.ts';
import type { Report, ErrorId } from './topology-rules.ts';
import { positionAt } from './yaml.ts';

type Issue = z.core.$ZodIssue;

/** Checks a value; complaints go to the report. Returns the typed value, or undefined if it has the wrong shape. */
export function checkShape<T>(
  schema: z.ZodType<T>,
  value: unknown,
  report: Report,
  where: { readonly id: ErrorId; readonly name: string; readonly position: Position | undefined },
): T | undefined {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  for (const issue of result.error.issues) complain(value, mostSpecific(issue), report, where);
  return undefined;
}

/** Of a union's branches the one that got furthest is the one that was meant. */
function mostSpecific(issue: Issue, prefix: readonly PropertyKey[] = []): Issue {
  const path = [...prefix, ...issue.path];
  if (issue.code !== 'invalid_union') return { ...issue, path };
  const branches = issue.errors
    .map(branch => branch.map(inner => mostSpecific(inner, path)))
    .filter(branch => branch.length > 0);
  const depth = (branch: readonly Issue[]): number => Math.max(...branch.map(inner => inner.path.length));
  const deepest = branches.toSorted((a, b) => depth(b) - depth(a))[0]?.[0];
  return deepest && deepest.path.length > path.length ? deepest : { ...issue, path };
}

function complain(
  value: unknown,
  issue: Issue,
  report: Report,
  where: { readonly id: ErrorId; readonly name: string; readonly position: Position | undefined },
): void {
  const path = [where.name, ...issue.path.map(String)].join('.');
  if (issue.code === 'unrecognized_keys') {
    for (const key of issue.keys) {
      const similar = similarName(key, KNOWN_KEYS);
      const hint = similar === undefined ? `known are ${KNOWN_KEYS.join(', ')}` : `did you mean ${similar}?`;
      report.error(
        where.id,
        `${path} has no key ${key}`,
        positionAt(value, [...issue.path, key], 'key') ?? where.position,
        hint,
      );
    }
    return;
  }
  report.error(where.id, `${path}: ${describe(issue)}`, positionAt(value, issue.path) ?? where.position);
}

const KNOWN_KEYS = [
  'vrrp_instances',
  'vrrp_sync_groups',
  'vrrp_scripts',
  'vrrp_track_processes',
  'track_files',
  'global_defs',
  'virtual_servers',
  'proxies',
  'scripts',
  'networks',
  'extra',
  'site',
  'accept',
];

function describe(issue: Issue): string {
  switch (issue.code) {
    case 'invalid_type':
      return `expected ${TYPES[issue.expected] ?? issue.expected}`;
    case 'invalid_value':
      return `expected one of ${issue.values.map(String).join(', ')}`;
    case 'too_small':
      return 'must not be empty';
    case 'invalid_union':
      return `expected ${[...new Set(issue.errors.flat().map(inner => describe(inner).replace(/^expected /, '')))].join(', or ')}`;
    default:
      return issue.message;
  }
}

const TYPES: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  boolean: 'true or false',
  array: 'a list',
  record: 'a map',
  object: 'a map',
  null: 'nothing',
};
