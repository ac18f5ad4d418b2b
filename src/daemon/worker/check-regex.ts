import type { HttpUrl } from '#conf/model.ts';

/** So much of a body is looked at, in bytes. */
const SUBJECT_LENGTH_MAX = 1024 * 1024;

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
  matches(): boolean {
    const { regexMinOffset = 0, regexMaxOffset = Infinity } = this.#url;
    const text = Buffer.concat(this.#parts).toString(this.#regex.unicode ? 'utf8' : 'latin1');
    this.#regex.lastIndex = regexMinOffset;
    const found = this.#regex.exec(text);
    return found !== null && found.index <= regexMaxOffset;
  }
}
