import { messageOf } from '#base/errors.ts';

/** An expression of keepalived's (PCRE2) as one of ours, or why there is none. */
export type Translation =
  { readonly ok: true; readonly regex: RegExp } | { readonly ok: false; readonly reason: string };

/** POSIX classes as members of a class; PCRE2's tables are ASCII. */
const POSIX: Readonly<Record<string, string>> = {
  alnum: 'A-Za-z0-9',
  alpha: 'A-Za-z',
  ascii: '\\0-\\x7f',
  blank: ' \\t',
  cntrl: '\\0-\\x1f\\x7f',
  digit: '0-9',
  graph: '!-~',
  lower: 'a-z',
  print: ' -~',
  punct: '!-\\/:-@\\[-`{-~',
  space: '\\t-\\r ',
  upper: 'A-Z',
  word: '\\w',
  xdigit: 'A-Fa-f0-9',
};

/** Escapes outside of a class that mean something else to JavaScript, or nothing. */
const ESCAPES: Readonly<Record<string, string>> = {
  A: '(?<![\\s\\S])',
  Z: '(?=\\n?(?![\\s\\S]))',
  z: '(?![\\s\\S])',
  h: '[ \\t]',
  H: '[^ \\t]',
  N: '[^\\n]',
  R: '(?:\\r\\n|[\\n-\\r])',
  s: '[\\t-\\r ]',
  S: '[^\\t-\\r ]',
  a: '\\x07',
  e: '\\x1b',
};
const CLASS_ESCAPES: Readonly<Record<string, string>> = {
  h: ' \\t',
  s: '\\t-\\r ',
  a: '\\x07',
  e: '\\x1b',
};
const NO_EQUIVALENT = new Set(['C', 'E', 'G', 'K', 'X', 'g']);

/** Options of PCRE2 that change which bodies match, and that we have; all others leave that as it is. */
const FLAGS: Readonly<Record<string, string>> = { caseless: 'i', multiline: 'm', dotall: 's', utf: 'u' };
const NO_OPTION = new Set(['firstline']);

const DOLLAR = '(?=\\n?(?![\\s\\S]))';

/**
 * Translates `regex` and `regex_options` of an HTTP_GET's url. What JavaScript cannot express (possessive quantifiers,
 * atomic groups, recursion, conditions, verbs) is refused with its name: a check that means something else would be worse.
 * The expression matches the body's bytes as characters 0–255; with `utf` its UTF-8 text.
 */
export function translateRegex(pattern: string, options: readonly string[]): Translation {
  const refused = options.find(option => NO_OPTION.has(option));
  if (refused !== undefined) return { ok: false, reason: `regex_options ${refused} is not supported` };
  try {
    const translator = new Translator(pattern, new Set(options));
    const source = translator.translate();
    return { ok: true, regex: new RegExp(source, `g${translator.flags}`) };
  } catch (error) {
    return { ok: false, reason: messageOf(error) };
  }
}

class Translator {
  readonly #options: ReadonlySet<string>;
  readonly #pattern: string;
  readonly #flags: Set<string>;
  #at = 0;

  constructor(pattern: string, options: ReadonlySet<string>) {
    this.#options = options;
    this.#flags = new Set([...options].flatMap(option => FLAGS[option] ?? []));
    const [, leading = '', rest = pattern] = /^\(\?([ims]+)\)([\s\S]*)$/.exec(pattern) ?? [];
    for (const flag of leading) this.#flags.add(flag);
    this.#pattern = rest;
  }

  get flags(): string {
    return [...this.#flags].join('');
  }

  translate(): string {
    let source = '';
    while (this.#at < this.#pattern.length) source += this.#next();
    return source;
  }

  #next(): string {
    const char = this.#take(1);
    switch (char) {
      case '\\':
        return this.#escape();
      case '[':
        return this.#class();
      case '(':
        return this.#group();
      case '.':
        return this.#flags.has('s') ? '[\\s\\S]' : '[^\\n]';
      case '$':
        return this.#flags.has('m') || this.#options.has('dollar_endonly') ? '$' : DOLLAR;
      case '*':
      case '+':
      case '?':
        return this.#quantifier(char);
      case '{':
        return this.#counted();
      default:
        return this.#options.has('extended') ? this.#extended(char) : char;
    }
  }

  #escape(): string {
    const char = this.#take(1);
    if (char === 'Q') return this.#quoted();
    if (char === 'x' && this.#pattern[this.#at] === '{') return this.#codePoint();
    if (NO_EQUIVALENT.has(char)) throw new Error(`\\${char} is not supported`);
    return ESCAPES[char] ?? `\\${char}`;
  }

  /** `\Q…\E`. */
  #quoted(): string {
    const end = this.#pattern.indexOf('\\E', this.#at);
    const text = this.#pattern.slice(this.#at, end < 0 ? undefined : end);
    this.#at = end < 0 ? this.#pattern.length : end + 2;
    return text.replaceAll(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
  }

  /** `\x{…}`. */
  #codePoint(): string {
    const [all = '', digits = ''] = /^\{([0-9a-fA-F]{1,6})\}/.exec(this.#pattern.slice(this.#at)) ?? [];
    if (all === '') throw new Error('\\x{ without a hexadecimal number and }');
    this.#at += all.length;
    const code = Number.parseInt(digits, 16);
    if (code <= 0xff) return `\\x${code.toString(16).padStart(2, '0')}`;
    return this.#flags.has('u') ? `\\u{${digits}}` : `\\u${digits.padStart(4, '0')}`;
  }

  #class(): string {
    let source = '[';
    if (this.#pattern[this.#at] === '^') source += this.#take(1);
    if (this.#pattern[this.#at] === ']' && !this.#options.has('allow_empty_class')) {
      this.#at++;
      source += '\\]';
    }
    while (this.#at < this.#pattern.length) {
      const char = this.#take(1);
      if (char === ']') return `${source}]`;
      source += char === '\\' ? this.#classEscape() : char === '[' ? this.#posix() : char;
    }
    throw new Error('a [ without its ]');
  }

  #classEscape(): string {
    const char = this.#take(1);
    if (char === 'x' && this.#pattern[this.#at] === '{') return this.#codePoint();
    return CLASS_ESCAPES[char] ?? `\\${char}`;
  }

  /** What follows a `[` within a class. */
  #posix(): string {
    const [all = '', not = '', name = ''] = /^:(\^?)([a-z]+):\]/.exec(this.#pattern.slice(this.#at)) ?? [];
    if (all === '') return '\\[';
    const members = POSIX[name];
    if (members === undefined || not !== '') throw new Error(`[${all} is not supported`);
    this.#at += all.length;
    return members;
  }

  #group(): string {
    const rest = this.#pattern.slice(this.#at);
    if (rest.startsWith('*')) throw new Error('verbs such as (*…) are not supported');
    if (!rest.startsWith('?')) return this.#options.has('no_auto_capture') ? '(?:' : '(';
    const [comment] = /^\?#[^)]*\)/.exec(rest) ?? [];
    if (comment !== undefined) return this.#skip(comment, '');
    const [backReference, name = ''] = /^\?P=(\w+)\)/.exec(rest) ?? [];
    if (backReference !== undefined) return this.#skip(backReference, `\\k<${name}>`);
    const [opening] = /^\?(?:P?<(?=\w)|[ims]*:|<?[=!])/.exec(rest) ?? [];
    if (opening === undefined) throw new Error(`(${rest.slice(0, 3)} is not supported`);
    return this.#skip(opening, `(${opening.replace('P<', '<')}`);
  }

  #skip(text: string, translated: string): string {
    this.#at += text.length;
    return translated;
  }

  #counted(): string {
    const [rest] = /^\d+(?:,\d*)?\}/.exec(this.#pattern.slice(this.#at)) ?? [];
    return rest === undefined ? '\\{' : this.#quantifier(`{${this.#skip(rest, rest)}`);
  }

  #quantifier(text: string): string {
    const follower = this.#pattern[this.#at];
    if (follower === '+') throw new Error(`the possessive quantifier ${text}+ is not supported`);
    const isLazy = follower === '?';
    if (isLazy) this.#at++;
    return isLazy === this.#options.has('ungreedy') ? text : `${text}?`;
  }

  #extended(char: string): string {
    if (char === '#') {
      const end = this.#pattern.indexOf('\n', this.#at);
      this.#at = end < 0 ? this.#pattern.length : end + 1;
      return '';
    }
    return /\s/.test(char) ? '' : char;
  }

  #take(count: number): string {
    const taken = this.#pattern.slice(this.#at, this.#at + count);
    this.#at += count;
    return taken;
  }
}
