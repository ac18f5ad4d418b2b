import type { ConfigSource } from './source.ts';

/** What is an error about an inclusion; `readable` comes with each of the others. */
export type IncludeCheck = 'readable' | 'match' | 'wildcard_match' | 'brace_match';

const ALL: readonly IncludeCheck[] = ['readable', 'match', 'wildcard_match', 'brace_match'];

/** Checks that the keyword adds to those in force: `include` and its variants. */
export const INCLUDE_KEYWORDS: Readonly<Record<string, readonly IncludeCheck[]>> = {
  include: [],
  includer: ['readable'],
  includem: ['readable', 'match'],
  includew: ['readable', 'wildcard_match'],
  includeb: ['readable', 'brace_match'],
  includea: ALL,
};

/** Applies the options of an `include_check` line; undefined names the first option that is none. */
export function applyIncludeCheck(
  current: ReadonlySet<IncludeCheck>,
  options: readonly string[],
): { readonly checks: ReadonlySet<IncludeCheck> } | { readonly unknown: string } {
  if (options.length === 0) return { checks: new Set(ALL) };
  const relative = /^[+-]/.test(options[0] ?? '');
  const checks = new Set<IncludeCheck>(relative ? current : []);
  for (const option of options) {
    const name = ALL.find(check => check === option.replace(/^[+-]/, ''));
    if (!name) return { unknown: option };
    if (option.startsWith('-')) {
      checks.delete(name);
    } else {
      checks.add(name);
      checks.add('readable');
    }
  }
  return { checks };
}

const EXPANSIONS = 1000;

/** csh's brace expansion, `a{b,c{d,}}`, at most {@link EXPANSIONS} results; unbalanced braces stay as they are. */
export function expandBraces(pattern: string): string[] {
  const done: string[] = [];
  const todo = [pattern];
  while (todo.length > 0 && done.length < EXPANSIONS) {
    const text = todo.pop() ?? '';
    const group = firstBraceGroup(text);
    if (!group) {
      done.push(text);
      continue;
    }
    for (const alternative of group.alternatives.toReversed()) {
      todo.push(text.slice(0, group.start) + alternative + text.slice(group.end));
    }
    if (todo.length > EXPANSIONS) break;
  }
  return done;
}

function firstBraceGroup(text: string): { start: number; end: number; alternatives: string[] } | undefined {
  const start = text.indexOf('{');
  if (start < 0) return undefined;
  const alternatives: string[] = [];
  let depth = 0;
  let from = start + 1;
  for (let i = start; i < text.length; i++) {
    const char = text[i];
    if (char === '{') depth++;
    else if (char === ',' && depth === 1) {
      alternatives.push(text.slice(from, i));
      from = i + 1;
    } else if (char === '}' && --depth === 0) {
      alternatives.push(text.slice(from, i));
      return { start, end: i + 1, alternatives };
    }
  }
  return undefined;
}

/** The files that an include line means, and which kind of check would complain. */
export interface Inclusion {
  readonly paths: readonly string[];
  /** Patterns without a match, with the check that makes it an error. */
  readonly missing: readonly { readonly pattern: string; readonly check: IncludeCheck }[];
}

/** Resolves the argument of an include line that stands in a file of `directory`. */
export function resolveInclude(pattern: string, directory: string, source: ConfigSource): Inclusion {
  const patterns = expandBraces(pattern);
  const paths: string[] = [];
  const missing: { pattern: string; check: IncludeCheck }[] = [];
  for (const alternative of patterns) {
    const found = source.glob(absolutePath(alternative, directory)).toSorted();
    paths.push(...found);
    if (found.length > 0) continue;
    const check = /[*?[]/.test(alternative)
      ? 'wildcard_match'
      : patterns.length > 1
        ? 'brace_match'
        : 'match';
    missing.push({ pattern: alternative, check });
  }
  return { paths, missing };
}

/** `path` seen from `directory`, with `.` and `..` resolved by name. */
export function absolutePath(path: string, directory: string): string {
  const joined = path.startsWith('/') || directory === '' ? path : `${directory}/${path}`;
  // Nearly always there is nothing to resolve.
  if (!/(?:^|\/)(?:\.{0,2}\/|\.{0,2}$)/.test(joined.slice(1))) return joined;
  const parts: string[] = [];
  for (const part of joined.split('/')) {
    if (part === '' || part === '.') continue;
    if (part === '..' && parts.length > 0 && parts.at(-1) !== '..') parts.pop();
    else if (part !== '..' || !joined.startsWith('/')) parts.push(part);
  }
  return (joined.startsWith('/') ? '/' : '') + parts.join('/');
}

/** The directory part of a path; empty for a name without one. */
export function directoryOf(path: string): string {
  const slash = path.lastIndexOf('/');
  return slash < 0 ? '' : path.slice(0, Math.max(1, slash));
}
