import { splitShellWords } from './lexer.ts';
import type { HttpUrl } from './model.ts';
import { parseInteger } from './number.ts';
import { translateRegex } from './regular-expression.ts';
import type { Report } from './report.ts';
import { readBlock, Settings, type Setting } from './values.ts';

/** PCRE2's names for what a regular expression may be told. */
const REGEX_OPTIONS: ReadonlySet<string> = new Set(
  (
    'allow_empty_class alt_bsux auto_callout caseless dollar_endonly dotall dupnames extended firstline ' +
    'match_unset_backref multiline never_ucp never_utf no_auto_capture no_auto_possess no_dotstar_anchor ' +
    'no_start_optimize ucp ungreedy utf never_backslash_c alt_circumflex alt_verbnames use_offset_limit'
  ).split(' '),
);

/** The `url` blocks of HTTP_GET and SSL_GET; `virtualhost` is that of the checker or of what is around it. */
export function buildUrls(
  settings: readonly Setting[],
  virtualhost: string | undefined,
  report: Report,
): HttpUrl[] {
  return settings.flatMap(({ statement }) => {
    const url = new Settings(statement.position, readBlock('url', statement.block ?? [], report));
    const path = url.text('path');
    if (path !== undefined) return [buildUrl(path, url, virtualhost, report)];
    report.error('path-missing', statement.position, 'this url has no path; it is left out');
    return [];
  });
}

function buildUrl(path: string, url: Settings, virtualhost: string | undefined, report: Report): HttpUrl {
  const options = (url.words('regex_options') ?? []).filter(word => {
    if (REGEX_OPTIONS.has(word.text)) return true;
    report.warning('regex-option', word.position, `\`${word.text}\` is not an option; it is ignored`);
    return false;
  });
  const regexOptions = options.map(word => word.text);
  return {
    path,
    digest: readDigest(url, report),
    statusCodes: readStatusCodes(url, report),
    virtualhost: url.text('virtualhost') ?? virtualhost,
    regex: readRegex(url, regexOptions, report),
    regexNoMatch: url.flag('regex_no_match'),
    regexOptions,
    regexMinOffset: readOffset('regex_min_offset', url, report),
    regexMaxOffset: readOffset('regex_max_offset', url, report),
  };
}

function readDigest(url: Settings, report: Report): string | undefined {
  const [first, ...others] = url.all('digest');
  for (const { statement } of others) {
    report.error('digest-twice', statement.position, 'a url has one digest; this one is ignored');
  }
  const word = first?.statement.words[1];
  if (!word) return undefined;
  if (/^[0-9a-fA-F]{32}$/.test(word.text)) return word.text.toLowerCase();
  const hint = 'md5sum of the body gives it';
  report.error('digest-invalid', word.position, 'a digest has 32 hexadecimal digits; it is ignored', hint);
  return undefined;
}

const LEAST_CODE = 100;
const MOST_CODE = 599;

function readStatusCodes(url: Settings, report: Report): HttpUrl['statusCodes'] {
  const words = url.all('status_code').flatMap(({ statement }) => statement.words.slice(1));
  const codes = words.flatMap(word => {
    const match = /^(\d{1,4})(?:-(\d{1,4}))?$/.exec(word.text);
    const first = Number(match?.[1] ?? 0);
    const last = Number(match?.[2] ?? first);
    if (first >= LEAST_CODE && last >= first && last <= MOST_CODE) return [{ first, last }];
    const message = `\`${word.text}\` is not a status code or a range of them (100–599); it is ignored`;
    report.error('status-code', word.position, message);
    return [];
  });
  return codes.length > 0 ? codes : [{ first: 200, last: 299 }];
}

/** The expression is quoted like a word of a shell, so that it can hold quotes. */
function readRegex(url: Settings, options: readonly string[], report: Report): string | undefined {
  const statement = url.all('regex').at(-1)?.statement;
  if (!statement) return undefined;
  const split = splitShellWords(statement.line);
  const word = split.ok ? split.words[1] : undefined;
  if (!word) {
    report.warning(
      'regex-invalid',
      statement.position,
      'the quotes of this regex do not match; it is ignored',
    );
    return undefined;
  }
  const translation = translateRegex(word.text, options);
  if (!translation.ok) {
    const message = `this regex cannot be used: ${translation.reason}; the check would never be made`;
    const hint = 'write it without that: regexes are matched as JavaScript does, not by PCRE2';
    report.warning('regex-unsupported', word.position, message, hint);
  }
  return word.text;
}

function readOffset(name: string, url: Settings, report: Report): number | undefined {
  const word = url.words(name)?.[0];
  const offset = word && parseInteger(word.text);
  if (!word || (offset !== undefined && offset >= 0)) return offset;
  report.warning('regex-offset', word.position, `\`${word.text}\` is not an offset; it is ignored`);
  return undefined;
}
