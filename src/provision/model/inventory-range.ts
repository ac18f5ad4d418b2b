/** Host ranges of inventories: `www[01:50:2].example.org`, `db-[a:f]`. */

export type Expansion = { readonly names: readonly string[] } | { readonly error: string };

/** One inventory line must not make a fleet by a typing error. */
const MAX_HOSTS = 100_000;

/** Expands every `[from:to]` or `[from:to:step]` in a host pattern; both ends are included. */
export function expandRange(pattern: string): Expansion {
  const match = /^(.*?)\[([^\]]*:[^\]]*)\](.*)$/s.exec(pattern);
  if (!match) {
    if (pattern.includes('[') && !/^\[[0-9a-fA-F:.]+\]$/.test(pattern))
      return { error: `'${pattern}' has a range without from:to` };
    return { names: [pattern] };
  }
  const [, head = '', range = '', tail = ''] = match;
  const steps = sequence(range);
  if ('error' in steps) return steps;
  const rest = expandRange(tail);
  if ('error' in rest) return rest;
  if (steps.names.length * rest.names.length > MAX_HOSTS)
    return { error: `'${pattern}' stands for more than ${MAX_HOSTS} hosts` };
  return { names: steps.names.flatMap(step => rest.names.map(name => head + step + name)) };
}

function sequence(range: string): Expansion {
  const [from = '', to = '', stepText = '1', ...more] = range.split(':');
  const step = Number(stepText);
  if (more.length > 0 || to === '' || !/^\d+$/.test(stepText) || step < 1) {
    return { error: `'[${range}]' is not a range: it is written [from:to] or [from:to:step]` };
  }
  if (/^[a-zA-Z]$/.test(from) && /^[a-zA-Z]$/.test(to)) return letters(from, to, step);
  // Ansible lets the beginning be empty: [:5] begins at 0.
  if (!/^\d*$/.test(from) || !/^\d+$/.test(to))
    return { error: `'[${range}]' must go from number to number or from letter to letter` };
  const [first, last] = [Number(from === '' ? '0' : from), Number(to)];
  if (from.length > 1 && from.startsWith('0') && from.length !== to.length) {
    return { error: `'[${range}]': with leading zeros both ends need the same number of digits` };
  }
  if (first > last) return { error: `'[${range}]' goes backwards` };
  if ((last - first) / step > MAX_HOSTS)
    return { error: `'[${range}]' stands for more than ${MAX_HOSTS} hosts` };
  const width = from.startsWith('0') ? from.length : 0;
  const count = Math.floor((last - first) / step) + 1;
  return { names: Array.from({ length: count }, (_, i) => String(first + i * step).padStart(width, '0')) };
}

function letters(from: string, to: string, step: number): Expansion {
  const alphabet = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ';
  const [first, last] = [alphabet.indexOf(from), alphabet.indexOf(to)];
  if (first > last) return { error: `'[${from}:${to}]' goes backwards` };
  return { names: Array.from(alphabet.slice(first, last + 1)).filter((_, index) => index % step === 0) };
}
