/** Ansible's host patterns: `all`, names, groups, `a:b`, `a,b`, `!x`, `&x`, globs, `~regex`, `group[0:2]`. */
import { parseIp } from '#base/address.ts';
import type { Inventory } from './inventory-types.ts';
import { pythonPattern } from './template-regex.ts';

export interface PatternMatch {
  /** In the order in which the pattern names them; each once. */
  readonly hosts: readonly string[];
  /** Terms that match nothing, as written. */
  readonly unmatched: readonly string[];
  /** What is wrong with the pattern itself. */
  readonly errors: readonly string[];
}

/** Hosts of a pattern. First all plain terms are added, then each `&term` narrows, then each `!term` takes away. */
export function matchPattern(inventory: Inventory, pattern: string): PatternMatch {
  const terms = splitPattern(pattern);
  const unmatched: string[] = [];
  const errors: string[] = [];
  const hostsOf = (term: string): readonly string[] => {
    try {
      const found = matchTerm(inventory, term);
      if (found.length === 0 && term !== 'all' && term !== '*') unmatched.push(term);
      return found;
    } catch (thrown) {
      errors.push(thrown instanceof Error ? thrown.message : String(thrown));
      return [];
    }
  };
  const plain = terms.filter(term => !/^[!&]/.test(term));
  let hosts = [...new Set((plain.length === 0 && terms.length > 0 ? ['all'] : plain).flatMap(hostsOf))];
  for (const mark of ['&', '!']) {
    for (const term of terms.filter(one => one.startsWith(mark))) {
      const named = new Set(hostsOf(term.slice(1)));
      hosts = hosts.filter(host => named.has(host) === (mark === '&'));
    }
  }
  return { hosts, unmatched, errors };
}

/** Commas separate; if there are none, colons do, except within brackets and in an IPv6 address. */
function splitPattern(pattern: string): string[] {
  const bySeparator = (separator: RegExp): string[] =>
    (pattern.match(separator) ?? []).map(term => term.trim()).filter(term => term !== '');
  if (pattern.includes(',')) return bySeparator(/(?:\[[^\]]*\]|[^,[])+/g);
  if (parseIp(pattern) || pattern.startsWith('~')) return [pattern];
  return bySeparator(/(?:\[[^\]]*\]|[^:[])+/g);
}

function matchTerm(inventory: Inventory, term: string): readonly string[] {
  if (term === 'all' || term === '*') return [...inventory.hosts.keys()];
  if (inventory.hosts.has(term)) return [term];
  const subscript = term.startsWith('~')
    ? undefined
    : /^(.+)\[(?:(-?\d+)|(\d+)([:-])(\d*)|([:-])(\d+))\]$/.exec(term);
  const name = subscript?.[1] ?? term;
  const found = enumerate(inventory, name);
  if (!subscript) return found;
  const [, , single, from, , to, , until] = subscript;
  if (single !== undefined) {
    const host = found.at(Number(single));
    return host === undefined ? [] : [host];
  }
  // Both ends are included.
  const last = until ?? (to === '' || to === undefined ? String(found.length - 1) : to);
  return found.slice(Number(from ?? 0), Number(last) + 1);
}

function enumerate(inventory: Inventory, name: string): readonly string[] {
  const group = inventory.groups.get(name);
  const wild = name.startsWith('~') || /[.?*[]/.test(name);
  if (!wild) return group?.hosts ?? [];
  const test = name.startsWith('~') ? regexTest(name.slice(1)) : globTest(name);
  const fromGroups = [...inventory.groups.values()].filter(one => test(one.name)).flatMap(one => one.hosts);
  const byName = [...inventory.hosts.keys()].filter(test);
  return [...new Set([...fromGroups, ...byName])];
}

/** Python's re.match: from the beginning, not to the end. */
function regexTest(source: string): (name: string) => boolean {
  const pattern = pythonPattern(source, { anchor: 'start' });
  return name => {
    pattern.lastIndex = 0;
    return pattern.test(name);
  };
}

/** Python's fnmatch. */
function globTest(glob: string): (name: string) => boolean {
  const source = glob.replaceAll(
    /\[!([^\]]+)\]|\[([^\]]+)\]|([\s\S])/g,
    (_all, not: string | undefined, set: string | undefined, char: string) => {
      if (not !== undefined) return `[^${not.replaceAll('\\', '\\\\')}]`;
      if (set !== undefined) return `[${set.replaceAll('\\', '\\\\').replace(/^\^/, '\\^')}]`;
      if (char === '*') return '.*';
      if (char === '?') return '.';
      return char.replaceAll(/[\\^$.|+()[\]{}]/g, String.raw`\$&`);
    },
  );
  const pattern = new RegExp(`^${source}$`, 's');
  return name => pattern.test(name);
}
