import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Argument, Keyword } from '#conf/keyword.ts';
import { argumentsOf, configurationWith, VRRP_KEYWORDS } from '#testing/keyword-uses.ts';

/** A configuration to be judged, and how it came about. */
export interface ConfigCase {
  readonly name: string;
  readonly text: string;
}

const WORDS = ['abc', '5x', '""'];

/** Arguments at and beyond what a keyword takes. */
function variants(argument: Argument): readonly string[] {
  switch (argument.type) {
    case 'flag':
      return ['extra'];
    case 'boolean':
      return ['', 'on', 'off', 'true', 'false', 'yes', 'no', 'perhaps', 'on off'];
    case 'integer':
      return ['', ...edges(argument.min, argument.max, 1), ...WORDS, '010', '0x10', '+7', '-3', '2.5', '4 5'];
    case 'seconds': {
      const step = argument.whole ? 1 : 0.001;
      return [
        '',
        ...edges(argument.min, argument.max, step),
        ...WORDS,
        '1.5',
        '.5',
        '2.',
        '1e1',
        '-1',
        '1.0000001',
        '4 5',
      ];
    }
    case 'choice':
      return [
        '',
        ...argument.values,
        argument.values[0]?.toLowerCase() ?? '',
        'none',
        `${argument.values[0]} x`,
      ];
    case 'word':
      return ['', 'name1', '"a b"', 'a b', 'x'.repeat(300)];
    case 'address':
      return ['', '192.168.0.1', '224.0.0.5', 'fe80::1', 'ff02::5', '300.1.1.1', '10.0.0.1/24', 'abc'];
    case 'script':
      return [
        '',
        '/bin/true',
        '"/bin/true a b"',
        '/bin/true root',
        '/bin/true root root',
        '/bin/true nosuchuser',
        '/nonexistent/x',
        '"/bin/true',
        'true',
      ];
    case 'weight':
      return [
        '',
        ...edges(argument.min, argument.max, 1),
        '0',
        ...WORDS,
        '5 reverse',
        '5 noreverse',
        '5 sideways',
        '-5 reverse',
      ];
    case 'block':
      return ['', '{', '{\n}', 'A {\n}', 'A B {\n}', '{ }', 'A { }'];
    case 'lines':
      return ['', '{\n}', 'A {\n}', '{ }'];
    case 'words':
      return ['', 'abc', '1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18'];
  }
}

function edges(min: number, max: number, step: number): string[] {
  return [min - step, min, max, max + step].map(value => String(Math.round(value * 1000) / 1000));
}

/** Each keyword of VRRP with each of its variants, and twice. */
export function keywordCases(): ConfigCase[] {
  return VRRP_KEYWORDS.flatMap(keyword => {
    const usual = argumentsOf(keyword);
    const given = [...new Set([usual, ...variants(keyword.argument)])];
    const statements = [...given.map(text => `${keyword.name} ${text}`.trimEnd()), twice(keyword, usual)];
    return statements.map(statement => ({
      name: `${keyword.block} ${statement.replaceAll('\n', ' ')}`.trim(),
      text: configurationWith(keyword, statement),
    }));
  });
}

function twice({ name }: Keyword, usual: string): string {
  const statement = `${name} ${usual}`.trimEnd();
  return `${statement}\n${statement}`;
}

/** The configurations in `test/fixtures/keepalived`: good as they are. */
export function fixtureCases(): ConfigCase[] {
  const folder = new URL('../fixtures/keepalived/', import.meta.url);
  return readdirSync(folder).map(name => ({ name, text: readFileSync(new URL(name, folder), 'utf8') }));
}

const SAMPLES = '/usr/share/doc/keepalived/samples';

/** The samples of the Debian package, with interfaces and scripts that this host has; none if documentation is not installed. */
export function sampleCases(): ConfigCase[] {
  if (!existsSync(SAMPLES)) return [];
  return readdirSync(SAMPLES)
    .filter(name => name.startsWith('keepalived.conf'))
    .map(name => ({ name, text: readFileSync(join(SAMPLES, name), 'utf8') }));
}
