/** Filters on texts and numbers. */
import { createHash } from 'node:crypto';
import { splitText, titleCase } from './template-lookup.ts';
import {
  defined,
  float,
  formatPercent,
  isMapping,
  iterate,
  numeric,
  str,
  truthy,
  tuple,
  typeName,
} from './template-python.ts';
import { pythonPattern, pythonReplacement } from './template-regex.ts';
import type { Operation, Operations } from './template-registry.ts';
import { ValueError } from './template-values.ts';

const onText = (apply: (text: string) => unknown): Operation => ({
  params: [],
  run: input => apply(str(input)),
});

/** One word for a POSIX shell, as Python's shlex.quote writes it. */
function shellQuote(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'"'"'`)}'`;
}

function toInteger(input: unknown, otherwise: unknown, base: number): unknown {
  const number = numeric(input);
  if (number !== undefined) return Math.trunc(number);
  const text = typeof input === 'string' ? input.trim() : '';
  if (base === 10 && /^[-+]?\d+(?:\.\d*)?$/.test(text)) return Math.trunc(Number(text));
  const digits = text.replace(/^0[xob]/i, '');
  const value = /^[0-9a-z]+$/i.test(digits) && base !== 10 ? Number.parseInt(digits, base) : Number.NaN;
  return Number.isNaN(value) ? otherwise : value;
}

/** Ansible's `bool`: 'yes', 'on', '1', 'true' in any case, and 1. */
export function toBoolean(input: unknown): boolean | null {
  if (input === null || typeof input === 'boolean') return input;
  return ['yes', 'on', '1', 'true'].includes(str(input).toLowerCase());
}

const ROUND: Operation = {
  params: ['precision', 'method'],
  run: (input, args) => {
    const number = numeric(input);
    if (number === undefined)
      throw new ValueError(`round needs a number, not ${typeName(input)}`, 'convert it: | float');
    const digits = Math.max(0, Math.min(20, numeric(args.get('precision') ?? 0) ?? 0));
    const method = args.text('method', 'common');
    const scaled = number * 10 ** digits;
    if (method === 'ceil') return float(Math.ceil(scaled) / 10 ** digits);
    if (method === 'floor') return float(Math.floor(scaled) / 10 ** digits);
    // Python rounds a half to the even neighbour; only a multiple of 1/2^(digits+1) can be exactly one.
    const half = Math.abs(scaled % 1) === 0.5 && Number.isInteger(number * 2 ** (digits + 1));
    return float(half ? (2 * Math.round(scaled / 2)) / 10 ** digits : Number(number.toFixed(digits)));
  },
};

const INDENT: Operation = {
  params: ['width', 'first', 'blank'],
  run: (input, args) => {
    const width = args.get('width') ?? 4;
    const space = typeof width === 'string' ? width : ' '.repeat(numeric(width) ?? 4);
    const first = truthy(args.get('first') ?? false);
    const blank = truthy(args.get('blank') ?? false);
    return str(input)
      .split('\n')
      .map((line, index) => ((index === 0 ? first : true) && (blank || line !== '') ? space + line : line))
      .join('\n');
  },
};

const COMMENT: Operation = {
  params: ['style', 'decoration'],
  run: (input, args) => {
    const style = args.text('style', 'plain');
    if (style !== 'plain')
      throw new ValueError(
        `comment('${style}') is not supported`,
        "comment writes lines that begin with #; comment(decoration='// ') changes that",
      );
    const mark = args.text('decoration', '# ');
    const edge = mark.trimEnd();
    return [
      edge,
      ...str(input)
        .split('\n')
        .map(line => (mark + line).trimEnd()),
      edge,
    ].join('\n');
  },
};

const HASH: Operation = {
  params: ['hashtype'],
  run: (input, args) => {
    const type = args.text('hashtype', 'sha1');
    if (!['md5', 'sha1', 'sha224', 'sha256', 'sha384', 'sha512'].includes(type))
      throw new ValueError(`hash('${type}') is not known`);
    return createHash(type).update(str(input)).digest('hex');
  },
};

const SEARCH: Operation = {
  params: ['regex'],
  required: 1,
  variadic: true,
  run: (input, args) => {
    const match = pythonPattern(str(args.get('regex')), args.named).exec(str(input));
    if (!match) return null;
    if (args.rest.length === 0) return match[0];
    return args.rest.map(group => {
      const key = /^\\g<(\w+)>$|^\\(\d+)$/.exec(str(group));
      return (key?.[2] === undefined ? match.groups?.[key?.[1] ?? ''] : match[Number(key[2])]) ?? null;
    });
  },
};

const FIND_ALL: Operation = {
  params: ['regex', 'multiline', 'ignorecase'],
  required: 1,
  run: (input, args) => {
    const pattern = pythonPattern(str(args.get('regex')), {
      ignorecase: args.get('ignorecase'),
      multiline: args.get('multiline'),
    });
    return [...str(input).matchAll(pattern)].map(match => {
      if (match.length === 1) return match[0];
      return match.length === 2 ? (match[1] ?? '') : match.slice(1).map(group => group ?? '');
    });
  },
};

const REPLACE: Operation = {
  params: ['pattern', 'replacement', 'ignorecase', 'multiline', 'count'],
  run: (input, args) => {
    const pattern = pythonPattern(args.text('pattern', ''), {
      ignorecase: args.get('ignorecase'),
      multiline: args.get('multiline'),
    });
    const replace = pythonReplacement(args.text('replacement', ''));
    const limit = numeric(args.get('count') ?? 0) ?? 0;
    let done = 0;
    return str(input).replace(pattern, (match: string, ...rest: unknown[]) =>
      limit > 0 && done++ >= limit ? match : replace(match, ...rest),
    );
  },
};

/** `{{ 'text %s' | format(x) }}`. */
const FORMAT: Operation = {
  params: [],
  variadic: true,
  run: (input, args) => formatPercent(str(input), args.rest),
};

export const TEXT_FILTERS: Operations = {
  upper: onText(text => text.toUpperCase()),
  lower: onText(text => text.toLowerCase()),
  capitalize: onText(text => text.slice(0, 1).toUpperCase() + text.slice(1).toLowerCase()),
  title: onText(titleCase),
  trim: { params: ['chars'], run: (input, args) => trimChars(str(input), args.text('chars')) },
  string: onText(text => text),
  safe: onText(text => text),
  quote: onText(shellQuote),
  b64encode: onText(text => Buffer.from(text, 'utf8').toString('base64')),
  b64decode: onText(text => Buffer.from(text, 'base64').toString('utf8')),
  hash: HASH,
  md5: onText(text => createHash('md5').update(text).digest('hex')),
  sha1: onText(text => createHash('sha1').update(text).digest('hex')),
  checksum: onText(text => createHash('sha1').update(text).digest('hex')),
  basename: onText(text => text.slice(text.lastIndexOf('/') + 1)),
  dirname: onText(text => text.slice(0, Math.max(text.lastIndexOf('/'), text.startsWith('/') ? 1 : 0))),
  splitext: onText(text => {
    const at = text.lastIndexOf('.');
    return tuple(at > text.lastIndexOf('/') + 1 ? [text.slice(0, at), text.slice(at)] : [text, '']);
  }),
  urlencode: onText(text => encodeURIComponent(text).replaceAll('%2F', '/')),
  regex_escape: onText(text => text.replaceAll(/[\\^$.|?*+()[\]{}#&~\-\s]/g, String.raw`\$&`)),
  regex_replace: REPLACE,
  regex_search: SEARCH,
  regex_findall: FIND_ALL,
  replace: {
    params: ['old', 'new', 'count'],
    required: 2,
    run: (input, args) => {
      const parts = splitText(str(input), str(args.get('old')), args.get('count') ?? -1);
      return parts.join(str(args.get('new')));
    },
  },
  split: {
    params: ['sep', 'maxsplit'],
    run: (input, args) => splitText(str(input), args.get('sep'), args.get('maxsplit')),
  },
  join: {
    params: ['d', 'attribute'],
    run: (input, args, context) => {
      const attribute = args.get('attribute');
      const items = attribute === undefined ? input : context.filter('map', input, [], { attribute });
      return iterate(items).map(str).join(args.text('d', ''));
    },
  },
  format: FORMAT,
  indent: INDENT,
  comment: COMMENT,
  center: {
    params: ['width'],
    run: (input, args) => {
      const text = str(input);
      const space = Math.max(0, (numeric(args.get('width') ?? 80) ?? 80) - text.length);
      return ' '.repeat(Math.floor(space / 2)) + text + ' '.repeat(Math.ceil(space / 2));
    },
  },
  truncate: {
    params: ['length', 'killwords', 'end', 'leeway'],
    run: (input, args) => {
      const [text, end] = [str(input), args.text('end', '...')];
      const length = numeric(args.get('length') ?? 255) ?? 255;
      if (text.length <= length + (numeric(args.get('leeway') ?? 5) ?? 5)) return text;
      const cut = text.slice(0, length - end.length);
      return (truthy(args.get('killwords') ?? false) ? cut : (/^(.*) /s.exec(cut)?.[1] ?? cut)) + end;
    },
  },
  wordcount: onText(text => text.match(/\w+/g)?.length ?? 0),
  int: {
    params: ['default', 'base'],
    run: (input, args) => toInteger(input, args.get('default') ?? 0, numeric(args.get('base') ?? 10) ?? 10),
  },
  float: {
    params: ['default'],
    run: (input, args) => {
      const text = typeof input === 'string' && input.trim() !== '' ? Number(input) : Number.NaN;
      const value = numeric(input) ?? text;
      return Number.isNaN(value) ? (args.get('default') ?? float(0)) : float(value);
    },
  },
  bool: { params: [], run: input => toBoolean(input) },
  abs: { params: [], run: input => Math.abs(numeric(input) ?? refuseNumber(input)) },
  round: ROUND,
  length: {
    params: [],
    run: input => (isMapping(input) ? Object.keys(input).length : iterate(defined(input)).length),
  },
  count: { params: [], run: input => iterate(input).length },
};

function refuseNumber(input: unknown): never {
  throw new ValueError(`expected a number, not ${typeName(input)}`, 'convert it: | int');
}

function trimChars(text: string, chars: string | undefined): string {
  if (chars === undefined) return text.trim();
  const set = new Set(chars);
  let [from, to] = [0, text.length];
  while (from < to && set.has(text.charAt(from))) from++;
  while (to > from && set.has(text.charAt(to - 1))) to--;
  return text.slice(from, to);
}
