import { parseIp } from '#base/address.ts';
import { assert } from '#base/assert.ts';
import type { Position } from '#base/position.ts';
import { describeArgument, type Argument, type BlockName, type Keyword } from './keyword.ts';
import { readScript } from './command.ts';
import { splitWords, type Word } from './lexer.ts';
import { goesOnWithoutArgument } from './lone-keywords.ts';
import type { ScriptCommand } from './model.ts';
import { parseBoolean, parseInteger, parseSeconds } from './number.ts';
import type { Statement } from './parser.ts';
import type { Report } from './report.ts';
import { didYouMean } from './suggest.ts';
import { keywordsOf } from './tables.ts';

/** A number with its direction. */
export interface Weight {
  readonly weight: number;
  readonly reverse: boolean;
}

/** What an argument of each type becomes. */
export type Value =
  boolean | number | string | Uint8Array | ScriptCommand | Weight | readonly Word[] | readonly Statement[];

/** One statement of a block whose keyword is known; without a value if its arguments were refused. */
export interface Setting {
  readonly keyword: Keyword;
  readonly value: Value | undefined;
  readonly statement: Statement;
}

/**
 * Reads a block against its table: unknown, unsupported and malformed statements become diagnostics, the others
 * come back in the file's order. `insideUnsupported`: the block itself was already told to be unsupported.
 */
export function readBlock(
  name: BlockName,
  statements: readonly Statement[],
  report: Report,
  insideUnsupported = false,
): Setting[] {
  const table = keywordsOf(name);
  const settings: Setting[] = [];
  for (const statement of statements) {
    const keyword = table.get(statement.keyword);
    if (!keyword) {
      if (report.full) continue;
      const where = name === '' ? 'at the top level' : `in ${name}`;
      const hint = () => otherPlace(statement.keyword) ?? didYouMean(statement.keyword, table.keys());
      report.error(
        'keyword-unknown',
        statement.position,
        `unknown keyword \`${statement.keyword}\` ${where}`,
        hint,
      );
      continue;
    }
    if (!insideUnsupported) tellSupport(keyword, statement, report);
    const value = readArgument(keyword, statement, report);
    if (keyword.once && settings.some(other => other.keyword === keyword && other.value !== undefined)) {
      const message = `\`${keyword.name}\` was already given; this one is ignored`;
      report.error('keyword-duplicate', statement.position, message);
    } else settings.push({ keyword, value, statement });
  }
  return settings;
}

const PARENTS: readonly BlockName[] = [
  '',
  'global_defs',
  'vrrp_instance',
  'vrrp_sync_group',
  'virtual_server',
  'real_server',
];

/** Where a keyword that is misplaced belongs; most often a closing brace is missing or one too many. */
function otherPlace(name: string): string | undefined {
  const place = PARENTS.find(block => keywordsOf(block).has(name));
  if (place === undefined) return undefined;
  return place === ''
    ? 'it belongs at the top level: is a `}` missing?'
    : `it belongs in ${place}: are the braces right?`;
}

function tellSupport(keyword: Keyword, statement: Statement, report: Report): void {
  const { name, reason = '' } = keyword;
  if (keyword.support === 'noEffect') {
    report.warning('keyword-no-effect', statement.position, `\`${name}\` has no effect: ${reason}`);
  } else if (keyword.support === 'notSupported') {
    report.error('keyword-not-supported', statement.position, `\`${name}\` is not supported: ${reason}`);
  }
}

/** The value of a statement's arguments, or undefined after a diagnostic. */
function readArgument(keyword: Keyword, statement: Statement, report: Report): Value | undefined {
  const { argument, name } = keyword;
  const takesBlock = argument.type === 'block' || argument.type === 'lines';
  if (takesBlock && !statement.block) {
    const hint = `write \`${name} ${describeArgument(argument)}\``;
    report.error('block-missing', statement.position, `\`${name}\` needs a block in braces`, hint);
    return undefined;
  }
  if (!takesBlock && statement.block) {
    report.error('brace-unexpected', statement.position, `\`${name}\` takes no block; its block is ignored`);
  }
  const [least, most] = argumentCount(argument);
  const count = statement.words.length - 1;
  if (count < least) {
    const hint = `expected \`${name} ${describeArgument(argument)}\``;
    report.error(missingArgumentId(keyword), statement.position, `\`${name}\` lacks an argument`, hint);
    return undefined;
  }
  if (count > most) {
    tellExtraWords(keyword, statement, most + 1, report);
    if (argument.type === 'block') return undefined;
  }
  return readValue(argument, statement, report);
}

/** keepalived gives up at a missing argument (`argument-missing`), or ignores the keyword where it looks itself. */
function missingArgumentId({ block, name, argument }: Keyword): string {
  if (argument.type === 'block') return 'name-missing';
  return goesOnWithoutArgument(block, name) ? 'argument-none' : 'argument-missing';
}

function argumentCount(argument: Argument): readonly [number, number] {
  switch (argument.type) {
    case 'flag':
      return [0, 0];
    case 'lines':
      return argument.words;
    case 'boolean':
      return [0, 1];
    case 'block':
    case 'words':
      return argument.words;
    case 'script':
      return [argument.optional ? 0 : 1, Number.POSITIVE_INFINITY];
    case 'weight':
      return [1, 2];
    default:
      return [1, 1];
  }
}

function tellExtraWords(keyword: Keyword, statement: Statement, from: number, report: Report): void {
  const extra = statement.words[from];
  if (!extra) return;
  if (keywordsOf(keyword.block).has(extra.text)) {
    const message = `\`${extra.text}\` is ignored: each keyword needs a line of its own`;
    report.error('keyword-on-same-line', extra.position, message, `write \`${extra.text}\` on the next line`);
    return;
  }
  if (keyword.argument.type === 'lines') {
    const message = `\`${keyword.name}\` takes no words before its block; they are ignored`;
    report.error('name-extra', extra.position, message);
    return;
  }
  if (keyword.argument.type === 'block') {
    const expected = `${keyword.name} ${describeArgument(keyword.argument)}`;
    report.error('name-extra', extra.position, `expected \`${expected}\`; the block is ignored`);
    return;
  }
  report.warning('argument-extra', extra.position, `\`${keyword.name}\` ignores what follows from here`);
}

function readValue(argument: Argument, statement: Statement, report: Report): Value | undefined {
  const first = statement.words[1];
  switch (argument.type) {
    case 'flag':
      return true;
    case 'block':
    case 'lines':
      return statement.block ?? [];
    case 'words':
      return statement.words.slice(1);
    case 'boolean':
      if (!first) return true;
      return parseBoolean(first.text) ?? invalid(first, 'on, off, true, false, yes or no', report);
    case 'script':
      return readScript(argument.lone, argument.optional, statement, report);
    default:
      break;
  }
  assert(first, 'the number of arguments was checked');
  switch (argument.type) {
    case 'integer':
      return readInteger(first, argument.min, argument.max, report);
    case 'seconds':
      return readSeconds(first, argument, report);
    case 'choice':
      if (argument.values.includes(first.text)) return first.text;
      return invalid(first, argument.values.join(' or '), report, didYouMean(first.text, argument.values));
    case 'word':
      return first.text;
    case 'address':
      return parseIp(first.text) ?? invalid(first, 'an IPv4 or IPv6 address', report);
    case 'weight':
      return readWeight(first, statement.words[2], argument, report);
  }
}

function invalid(word: Word, expected: string, report: Report, hint?: string): undefined {
  report.error('value-invalid', word.position, `\`${word.text}\` is not ${expected}`, hint);
}

/** An integer in range, or undefined after a diagnostic. */
export function readInteger(word: Word, min: number, max: number, report: Report): number | undefined {
  const value = parseInteger(word.text);
  if (value === undefined) return invalid(word, 'a whole number', report);
  if (value >= min && value <= max) return value;
  report.error('value-out-of-range', word.position, `${word.text} is not in ${min}–${max}`);
  return undefined;
}

/** Milliseconds from a word of seconds in range (in seconds), or undefined after a diagnostic. */
export function readSeconds(
  word: Word,
  range: { readonly min: number; readonly max: number; readonly whole: boolean },
  report: Report,
): number | undefined {
  if (range.whole) {
    const value = readInteger(word, range.min, range.max, report);
    return value === undefined ? undefined : value * 1000;
  }
  const value = parseSeconds(word.text);
  if (value === undefined) return invalid(word, 'a number of seconds', report);
  if (/\.\d{7}/.test(word.text))
    report.error('value-precision', word.position, `${word.text} s is more precise than a microsecond`);
  if (value >= range.min * 1000 && value <= range.max * 1000) return value;
  report.error('value-out-of-range', word.position, `${word.text} s is not in ${range.min}–${range.max} s`);
  return undefined;
}

/** `N [reverse|noreverse]`. */
export function readWeight(
  number: Word,
  direction: Word | undefined,
  range: { readonly min: number; readonly max: number },
  report: Report,
): Weight | undefined {
  const weight = readInteger(number, range.min, range.max, report);
  if (weight === undefined) return undefined;
  if (!direction || /^no_?reverse$/.test(direction.text)) return { weight, reverse: false };
  if (direction.text === 'reverse') return { weight, reverse: true };
  return invalid(direction, 'reverse or noreverse', report);
}

/** The settings of one object, by keyword; in general the last of several counts. */
export class Settings {
  readonly position: Position;
  readonly #settings = new Map<string, Setting[]>();
  readonly #order: readonly string[];
  readonly #mentioned: ReadonlySet<string>;

  constructor(position: Position, settings: readonly Setting[]) {
    this.position = position;
    this.#mentioned = new Set(settings.map(setting => setting.keyword.name));
    const usable = settings.filter(setting => setting.value !== undefined);
    this.#order = usable.map(setting => setting.keyword.name);
    for (const setting of usable) {
      const same = this.#settings.get(setting.keyword.name);
      if (same) same.push(setting);
      else this.#settings.set(setting.keyword.name, [setting]);
    }
  }

  /** Whether the keyword was given with a usable value. */
  has(name: string): boolean {
    return this.#settings.has(name);
  }

  /** Whether the keyword was given at all. */
  mentions(name: string): boolean {
    return this.#mentioned.has(name);
  }

  /** Where the keyword that counts was written; the object's position if it was not. */
  positionOf(name: string): Position {
    return this.#settings.get(name)?.at(-1)?.statement.position ?? this.position;
  }

  /** Which of several keywords that exclude each other was given last. */
  lastOf(...names: string[]): string | undefined {
    return this.#order.findLast(name => names.includes(name));
  }

  all(name: string): readonly Setting[] {
    return this.#settings.get(name) ?? [];
  }

  number(name: string): number | undefined {
    const value = this.#last(name);
    return typeof value === 'number' ? value : undefined;
  }

  boolean(name: string): boolean | undefined {
    const value = this.#last(name);
    return typeof value === 'boolean' ? value : undefined;
  }

  /** For flags: present or not. */
  flag(name: string): boolean {
    return this.has(name);
  }

  text(name: string): string | undefined {
    const value = this.#last(name);
    return typeof value === 'string' ? value : undefined;
  }

  address(name: string): Uint8Array | undefined {
    const value = this.#last(name);
    return value instanceof Uint8Array ? value : undefined;
  }

  weight(name: string): Weight | undefined {
    const value = this.#last(name);
    return typeof value === 'object' && 'weight' in value ? value : undefined;
  }

  /** The arguments of a keyword with a syntax of its own. */
  words(name: string): readonly Word[] | undefined {
    return this.#settings.get(name)?.at(-1)?.statement.words.slice(1);
  }

  /** The lines of all blocks of that name, as words; braces inside are told. */
  lines(name: string, report: Report): Statement[] {
    const lines = this.all(name).flatMap(setting => setting.statement.block ?? []);
    for (const line of lines) {
      if (line.block) report.error('brace-unexpected', line.position, `a line of \`${name}\` takes no block`);
    }
    return lines;
  }

  script(name: string): ScriptCommand | undefined {
    const value = this.#last(name);
    return typeof value === 'object' && 'argv' in value ? value : undefined;
  }

  #last(name: string): Value | undefined {
    return this.#settings.get(name)?.at(-1)?.value;
  }
}

/** All words of a block of names, which may stand several to a line. */
export function namesIn(lines: readonly Statement[]): Word[] {
  return lines.flatMap(line => splitWords(line.line));
}
