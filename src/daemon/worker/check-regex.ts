import type { HttpUrl } from '#conf/model.ts';
import { createContext, Script } from 'node:vm';

/** So much of a body is looked at, in bytes. */
const SUBJECT_LENGTH_MAX = 1024 * 1024;

/**
 * Longest search, in ms: an expression such as `(a+)+$` may try more ways than anyone can wait for, and no other check
 * is made meanwhile. PCRE2 has its match limit for that.
 */
const SEARCH_MAX_MS = 250;

/** Only code in a script can be stopped. Nothing of the answer is run: the expression and the text are values in it. */
const search = new Script('regex.exec(text)?.index');
const searched = createContext({ regex: /(?:)/, text: '' });

/** Collects the beginning of a body and looks for a match in it. */
export class RegexSubject {
  readonly #regex: RegExp;
  readonly #url: HttpUrl;
  readonly #parts: Uint8Array[] = [];
  #length = 0;

  constructor(regex: RegExp, url: HttpUrl) {
    this.#regex = regex;
    this.#url = url;
  }

  push(part: Uint8Array): void {
    const room = SUBJECT_LENGTH_MAX - this.#length;
    if (room <= 0) return;
    const kept = part.subarray(0, room);
    this.#parts.push(kept);
    this.#length += kept.length;
  }

  /** Whether a match begins at `regex_min_offset`…`regex_max_offset`. */
  matches(): boolean | 'too hard' {
    const { regexMinOffset = 0, regexMaxOffset = Infinity } = this.#url;
    const text = Buffer.concat(this.#parts).toString(this.#regex.unicode ? 'utf8' : 'latin1');
    this.#regex.lastIndex = regexMinOffset;
    Object.assign(searched, { regex: this.#regex, text });
    try {
      const index: unknown = search.runInContext(searched, { timeout: SEARCH_MAX_MS });
      return typeof index === 'number' && index <= regexMaxOffset;
    } catch {
      // The time limit, or the limit of the stack on which V8 keeps the ways that are left to try.
      return 'too hard';
    } finally {
      Object.assign(searched, { text: '' });
    }
  }
}
