/** Statements of keepalived.conf → values of an inventory that are rendered as the same statements again. */
import { keywordsOfChecker } from '#conf/checker-keywords.ts';
import type { BlockName } from '#conf/keyword.ts';
import { parseBoolean } from '#conf/number.ts';
import type { Statement } from '#conf/parser.ts';
import type { Report } from '#conf/report.ts';
import { readBlock, type Setting } from '#conf/values.ts';
import { holdsTemplate } from './template.ts';
import type { Keyword } from './topology-schema-words.ts';
import type { Words } from './import-types.ts';

/** A block's keywords with their values. Of repeated ones that which counts stays; lists are joined. */
export function wordsOf(settings: readonly Setting[], report: Report): Words {
  const words: Record<string, Keyword> = {};
  for (const setting of settings) {
    // What keepalived refuses has been said when the file was read.
    if (setting.value === undefined) continue;
    const { name } = setting.keyword;
    const value = valueOf(setting, report);
    const known = words[name];
    words[name] =
      known !== undefined && repeats(setting)
        ? ([known, value].flat() as Keyword)
        : Array.isArray(known) && Array.isArray(value)
          ? [...known, ...value]
          : value;
  }
  return words;
}

/** Blocks that each count, such as the urls of a check and a real server's checks. */
function repeats({ keyword: { argument } }: Setting): boolean {
  return argument.type === 'block' && (argument.block === 'url' || argument.block === 'checker');
}

function valueOf({ keyword, statement }: Setting, report: Report): Keyword {
  const { argument } = keyword;
  const [, first] = statement.words;
  switch (argument.type) {
    case 'flag':
      return true;
    case 'boolean':
      return first ? (parseBoolean(first.text) ?? true) : true;
    case 'block':
      return wordsOf(innerSettings(keyword.name, argument.block, statement, report), report);
    case 'lines':
      return keyword.name.startsWith('track_')
        ? trackersOf(statement.block ?? [])
        : linesOf(statement.block ?? []);
    case 'script':
      return commandOf(statement);
    default:
      return first ? scalarOf(argumentsOf(statement)) : true;
  }
}

/** One table has the keywords of all checks; each kind takes some of them. */
function innerSettings(
  name: string,
  block: BlockName,
  statement: Statement,
  report: Report,
): readonly Setting[] {
  const settings = readBlock(block, statement.block ?? [], report);
  if (block !== 'checker') return settings;
  const taken = keywordsOfChecker(name);
  return settings.filter(({ keyword }) => taken.has(keyword.name));
}

/** The lines of a block, as written. */
function linesOf(block: readonly Statement[]): string[] {
  return block.map(line => literal(lineText(line)));
}

/** `[chk, eth1]`, or `{ chk: { weight: -10 }, eth1: }` where one has a weight. */
function trackersOf(block: readonly Statement[]): Keyword {
  if (block.every(line => line.words.length === 1)) return block.map(line => literal(line.keyword));
  return Object.fromEntries(block.map(line => [literal(line.keyword), trackerOptions(line)]));
}

function trackerOptions(line: Statement): Keyword {
  const options: Record<string, Keyword> = {};
  const words = line.words.slice(1).map(word => word.text);
  for (let word = words.shift(); word !== undefined; word = words.shift()) {
    const value = word === 'weight' ? words.shift() : undefined;
    options[word] = value === undefined ? true : scalarOf(value);
  }
  return Object.keys(options).length === 0 ? null : options;
}

/** A command without its quotes where the renderer puts them back, else exactly as written. */
function commandOf(statement: Statement): Keyword {
  const text = argumentsOf(statement);
  if (text === '') return true;
  const quoted = /^"([^"]*)"$/.exec(text)?.[1];
  return literal(quoted !== undefined && /^[^\s\\'#!{}$][^\\'#!{}$]*$/.test(quoted) ? quoted : text);
}

function scalarOf(text: string): string | number {
  if (/^-?(?:0|[1-9]\d{0,14})(?:\.\d+)?$/.test(text)) return Number(text);
  const quoted = /^"([^"]*)"$/.exec(text)?.[1];
  return literal(quoted !== undefined && /^[^\s#!{}$\\'@~]+$/.test(quoted) ? quoted : text);
}

function argumentsOf(statement: Statement): string {
  return lineText(statement)
    .replace(/^(?:"[^"]*"|[^\s"]+)/, '')
    .trim();
}

/** A line with `#` and `!` escaped again where reading has removed the escape. */
export function lineText(statement: Statement): string {
  return statement.line.text
    .split('"')
    .map((part, index) => (index % 2 === 0 ? part.replaceAll(/[#!]/g, String.raw`\$&`) : part))
    .join('"');
}

/** A text that stays as it is when the inventory is templated. */
export function literal(text: string): string {
  return holdsTemplate(text) ? `{% raw %}${text}{% endraw %}` : text;
}

/** A block as keepalived.conf has it, indented by four spaces for each level. */
export function blockText(
  statement: Statement,
  secret: (statement: Statement) => string | undefined,
): string {
  const lines = (one: Statement, indent: string): string[] => {
    const value = secret(one);
    const text = value === undefined ? literal(lineText(one)) : `${one.keyword} {{ ${value} }}`;
    if (!one.block) return [`${indent}${text}`];
    const inner = one.block.flatMap(child => lines(child, `${indent}    `));
    return [`${indent}${text} {`, ...inner, `${indent}}`];
  };
  return lines(statement, '').join('\n');
}
