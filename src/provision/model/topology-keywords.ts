/** YAML values → lines of keepalived.conf. */
import type { Argument, BlockName } from '#conf/keyword.ts';
import { didYouMean } from '#conf/suggest.ts';
import { keywordsOf } from '#conf/tables.ts';
import { str } from './template-python.ts';
import { ValueError } from './template-values.ts';
import type { Keyword } from './topology-schema-words.ts';

/** A keyword that the tables of keepalived.conf have something to say about. */
export interface Doubt {
  readonly keyword: string;
  readonly reason: string;
  readonly hint: string | undefined;
}

/** Words of a block that keepalived does not have, or tandemd does not do. */
export function doubtsAbout(words: Readonly<Record<string, unknown>>, within: BlockName): readonly Doubt[] {
  const known = keywordsOf(within);
  return Object.keys(words).flatMap((keyword): Doubt[] => {
    const row = known.get(keyword);
    if (!row)
      return [
        { keyword, reason: `${within} has no keyword ${keyword}`, hint: didYouMean(keyword, known.keys()) },
      ];
    if (row.support !== 'notSupported') return [];
    return [{ keyword, reason: `tandemd does not support ${keyword}`, hint: row.reason }];
  });
}

/** Lines for the keywords of a block, nested blocks indented by four spaces. Throws {@link ValueError}. */
export function keywordLines(words: Readonly<Record<string, Keyword>>, within: BlockName): string[] {
  return Object.entries(words).flatMap(([name, value]) => keyword(name, value, within));
}

function keyword(name: string, value: Keyword, within: BlockName): string[] {
  if (!/^[A-Za-z_][\w-]*$/.test(name)) throw new ValueError(`'${name}' is not a keyword of keepalived's`);
  const argument = keywordsOf(within).get(name)?.argument;
  if (value === null || value === true) return argument?.type === 'block' ? block(name, []) : [name];
  if (value === false) return negated(name, argument);
  if (Array.isArray(value)) {
    const items = value as readonly Keyword[];
    // Several blocks of one name, such as the urls of HTTP_GET.
    if (argument?.type === 'block') return items.flatMap(item => keyword(name, item, within));
    return block(
      name,
      items.map(item => line(listed(name, item))),
    );
  }
  if (typeof value === 'object') {
    const words = value as Readonly<Record<string, Keyword>>;
    if (!name.startsWith('track_'))
      return block(name, keywordLines(words, argument?.type === 'block' ? argument.block : ''));
    return block(
      name,
      Object.entries(words).map(([item, options]) => `${word(item)}${tracked(options)}`),
    );
  }
  return [`${name} ${argument?.type === 'script' ? command(String(value)) : line(String(value))}`];
}

/** A line of a block of lines. */
function listed(name: string, item: Keyword): string {
  if (typeof item === 'object') throw new ValueError(`${name} is a list of lines`, 'write each as a text');
  return String(item);
}

/** `keyword: false`: nothing for a flag, `off` for a boolean. */
function negated(name: string, argument: Argument | undefined): string[] {
  if (argument?.type === 'flag' || (argument?.type === 'words' && argument.words[0] === 0)) return [];
  if (argument?.type === 'boolean') return [`${name} off`];
  throw new ValueError(
    `${name}: false has no meaning in keepalived.conf`,
    `leave ${name} out, or write the word that keepalived has for it in quotes`,
  );
}

/** `{ weight: -10, reverse: true }` after a tracked name. */
function tracked(options: Keyword): string {
  if (options === null || options === true) return '';
  if (typeof options === 'number') return ` weight ${options}`;
  if (typeof options === 'object' && !Array.isArray(options)) {
    return Object.entries(options)
      .filter(([, value]) => value !== false)
      .map(([name, value]) =>
        value === true || value === null ? ` ${name}` : ` ${name} ${line(str(value))}`,
      )
      .join('');
  }
  throw new ValueError('what stands after a tracked name is a map', 'such as { weight: -10 }');
}

function block(head: string, lines: readonly string[]): string[] {
  return [`${head} {`, ...lines.map(text => `    ${text}`), '}'];
}

/** A value that is already in keepalived's words: several words may stand on the line. */
export function line(text: string): string {
  if (/[\n\r\0]/.test(text))
    throw new ValueError('a value in keepalived.conf is one line', 'write several values as a list');
  if (/[{}]/.test(text.replaceAll(/"[^"]*"/g, '')))
    throw new ValueError(
      `'${text}' holds a brace, which begins or ends a block in keepalived.conf`,
      'write a block as a map',
    );
  return text;
}

/** One word; quoted where keepalived would split it or take a part for a comment. */
export function word(text: string): string {
  if (/[\n\r\0"]/.test(text))
    throw new ValueError('a word in keepalived.conf stands on one line and holds no double quote');
  return /^[^\s'#!{}]+$/.test(text) ? text : `"${text}"`;
}

function command(text: string): string {
  return /\s/.test(text) && !/^["']/.test(text)
    ? `"${line(text)
        .replaceAll('\\', '\\\\')
        .replaceAll('"', String.raw`\"`)}"`
    : line(text);
}
