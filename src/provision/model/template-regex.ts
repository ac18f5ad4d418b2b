/** Python's regular expressions as JavaScript's, as far as the two agree; the rest is refused. */
import { str, truthy } from './template-python.ts';
import { ValueError } from './template-values.ts';

/** Compiles a Python pattern. `anchor` is where `re.match` and `re.fullmatch` begin and end. */
export function pythonPattern(
  source: string,
  options: {
    readonly ignorecase?: unknown;
    readonly multiline?: unknown;
    readonly anchor?: 'start' | 'both';
  } = {},
): RegExp {
  let flags = 'g';
  let pattern = source;
  const inline = /^\(\?([ims]+)\)/.exec(pattern);
  if (inline) {
    flags += inline[1] ?? '';
    pattern = pattern.slice(inline[0].length);
  }
  if (options.ignorecase !== undefined && truthy(options.ignorecase) && !flags.includes('i')) flags += 'i';
  if (options.multiline !== undefined && truthy(options.multiline) && !flags.includes('m')) flags += 'm';
  if (/\(\?[aLux#(]|\(\?P[>]/.test(pattern)) {
    throw new ValueError(
      `the pattern '${source}' uses a construct of Python's that is not supported`,
      'write it without (?x), (?#…) and conditionals',
    );
  }
  pattern = pattern.replaceAll('(?P<', '(?<').replaceAll(/\(\?P=(\w+)\)/g, String.raw`\k<$1>`);
  pattern = pattern.replaceAll(
    /(\\\\)|\\A|\\Z/g,
    (whole, escaped: string | undefined) => escaped ?? (whole === '\\A' ? '(?<![\\s\\S])' : '(?![\\s\\S])'),
  );
  if (options.anchor !== undefined)
    pattern = `(?<![\\s\\S])(?:${pattern})${options.anchor === 'both' ? '(?![\\s\\S])' : ''}`;
  try {
    return new RegExp(pattern, flags);
  } catch (thrown) {
    throw new ValueError(
      `'${source}' is not a usable pattern: ${thrown instanceof Error ? thrown.message : str(thrown)}`,
    );
  }
}

/** A Python replacement (`\1`, `\g<name>`) as a function for String.replace. */
export function pythonReplacement(replacement: string): (match: string, ...rest: unknown[]) => string {
  return (match, ...rest) => {
    const named = typeof rest.at(-1) === 'object' ? (rest.at(-1) as Readonly<Record<string, string>>) : {};
    const groups = [
      match,
      ...rest.filter((_part, at) => at < rest.findIndex(one => typeof one === 'number')),
    ];
    return replacement.replaceAll(
      /\\(?:g<(\w+)>|(\d{1,2})|([\\nrt]))/g,
      (_all, name: string | undefined, digits: string | undefined, letter: string | undefined) => {
        if (letter !== undefined) return { n: '\n', r: '\r', t: '\t' }[letter] ?? letter;
        const key = name ?? digits ?? '';
        const value = /^\d+$/.test(key) ? groups[Number(key)] : named[key];
        if (
          value === undefined &&
          !(/^\d+$/.test(key) ? Number(key) < groups.length : Object.hasOwn(named, key))
        ) {
          throw new ValueError(
            `the replacement '${replacement}' names a group that the pattern does not have`,
          );
        }
        return typeof value === 'string' ? value : '';
      },
    );
  };
}
