/** ssh_config(5) as text: which directives there are and which of them apply to a host. Files are read elsewhere. */
import { matchesPatternList } from './known-hosts.ts';

/** One `keyword arguments` line below its `Host` lines. */
export interface Directive {
  /** In lower case. */
  readonly keyword: string;
  readonly values: readonly string[];
  /** Pattern lists that must all match the host: the one of its block, and those around an Include. */
  readonly conditions: readonly (readonly string[])[];
  /** True for the system's file, whose algorithm lists are the distribution's policy and not the user's wish. */
  readonly system: boolean;
}

export interface SshConfig {
  readonly directives: readonly Directive[];
  /** True if only ssh itself can tell what applies: `Match` with criteria, canonical names. */
  readonly needsSsh: boolean;
}

/** Options for a host: keyword → the values of the directives that count, one list a directive. */
export type SshOptions = ReadonlyMap<string, readonly (readonly string[])[]>;

/** These add up; of all others the first one found counts. */
const ACCUMULATING = new Set(['identityfile', 'certificatefile']);

/** The texts that an Include's pattern stands for. */
export type ReadIncluded = (pattern: string) => readonly string[];

interface Parsing {
  readonly directives: Directive[];
  readonly system: boolean;
  readonly include: ReadIncluded;
  needsSsh: boolean;
}

const INCLUDE_DEPTH_MAX = 16;

/** Reads one file and what it includes. */
export function parseSshConfig(text: string, system: boolean, include: ReadIncluded): SshConfig {
  const parsing: Parsing = { directives: [], system, include, needsSsh: false };
  parseText(parsing, text, [], 0);
  return { directives: parsing.directives, needsSsh: parsing.needsSsh };
}

function parseText(
  parsing: Parsing,
  text: string,
  around: readonly (readonly string[])[],
  depth: number,
): void {
  let conditions = around;
  for (const line of text.split('\n')) {
    const [keyword, ...values] = words(line);
    if (keyword === undefined) continue;
    const name = keyword.toLowerCase();
    if (name === 'host') {
      conditions = [...around, values];
    } else if (name === 'match') {
      conditions = around;
      if (!/^((final|canonical) )?all$/i.test(values.join(' '))) parsing.needsSsh = true;
    } else if (name === 'include') {
      if (depth >= INCLUDE_DEPTH_MAX) continue;
      for (const pattern of values)
        for (const included of parsing.include(pattern)) parseText(parsing, included, conditions, depth + 1);
    } else {
      if (name === 'canonicalizehostname' && values[0] !== 'no') parsing.needsSsh = true;
      parsing.directives.push({ keyword: name, values, conditions, system: parsing.system });
    }
  }
}

/** Splits `keyword value…`, `keyword=value`, with double quotes and comments. */
function words(line: string): string[] {
  const found = [...line.trim().matchAll(/"([^"]*)"|([^\s"]+)/g)].map(match => ({
    text: match[1] ?? match[2] ?? '',
    quoted: match[1] !== undefined,
  }));
  const comment = found.findIndex(word => !word.quoted && word.text.startsWith('#'));
  const [first, ...rest] = (comment < 0 ? found : found.slice(0, comment)).map(word => word.text);
  if (first === undefined) return [];
  const equals = first.indexOf('=');
  const head = equals < 0 ? [first] : [first.slice(0, equals), first.slice(equals + 1)].filter(Boolean);
  if (rest[0]?.startsWith('=') && equals < 0) rest[0] = rest[0].slice(1);
  return [...head, ...rest.filter((word, index) => index > 0 || word !== '')];
}

/** What applies to `host`, the name as it was given. */
export function optionsFor(config: readonly Directive[], host: string): SshOptions {
  const options = new Map<string, (readonly string[])[]>();
  for (const directive of config) {
    if (!directive.conditions.every(patterns => matchesPatternList(patterns, host))) continue;
    const found = options.get(directive.keyword);
    if (!found) options.set(directive.keyword, [directive.values]);
    else if (ACCUMULATING.has(directive.keyword)) found.push(directive.values);
  }
  return options;
}

/** Reads what `ssh -G` prints. */
export function parseResolved(output: string): SshOptions {
  return optionsFor(
    output.split('\n').flatMap(line => {
      const [keyword, ...values] = words(line);
      return keyword === undefined
        ? []
        : [{ keyword: keyword.toLowerCase(), values, conditions: [], system: false }];
    }),
    '',
  );
}

/** Options that change how a connection is made in ways that only the system's ssh follows. */
const BEYOND_NODE_SSH = new Set([
  'addressfamily',
  'bindaddress',
  'bindinterface',
  'casignaturealgorithms',
  'certificatefile',
  'ciphers',
  'hostkeyalgorithms',
  'kexalgorithms',
  'knownhostscommand',
  'macs',
  'pkcs11provider',
  'proxycommand',
  'proxyjump',
  'pubkeyacceptedalgorithms',
  'revokedhostkeys',
  'securitykeyprovider',
  'verifyhostkeydns',
]);

/** The first option of the user's own configuration for `host` that node-ssh cannot follow. */
export function beyondNodeSsh(
  config: readonly Directive[],
  options: SshOptions,
  host: string,
): string | undefined {
  const proxied = ['proxyjump', 'proxycommand'].find(
    keyword => (options.get(keyword)?.[0]?.[0] ?? 'none') !== 'none',
  );
  if (proxied !== undefined) return proxied;
  return config.find(
    ({ keyword, conditions, system, values }) =>
      !system &&
      BEYOND_NODE_SSH.has(keyword) &&
      !['none', 'no', 'any'].includes(values[0]?.toLowerCase() ?? '') &&
      !keyword.startsWith('proxy') &&
      conditions.every(patterns => matchesPatternList(patterns, host)),
  )?.keyword;
}
