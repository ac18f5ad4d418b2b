import { must } from '#base/assert.ts';
import type { Position } from '#base/position.ts';

/** From offset `at` on, characters come one after the other from here; `line` and `column` count from 1. */
interface Origin extends Position {
  readonly at: number;
}

/** Nearly every text was written in one piece. */
const IN_ONE_PIECE: readonly Origin[] = [];

/**
 * A piece of configuration that remembers where each of its characters was written, through comment removal
 * and the substitution of definitions. Columns count UTF-16 code units.
 */
export class Text {
  readonly text: string;
  /** Where the first character was written. */
  readonly #start: Position;
  /** Where what does not follow from `#start` was written, by ascending `at` > 0. */
  readonly #others: readonly Origin[];

  private constructor(text: string, start: Position, others: readonly Origin[]) {
    this.text = text;
    this.#start = start;
    this.#others = others;
  }

  /** Text that stands at `position` in its file. */
  static at(text: string, position: Position): Text {
    return new Text(text, position, IN_ONE_PIECE);
  }

  static concat(parts: readonly Text[]): Text {
    const [first] = parts;
    if (first && parts.length === 1) return first;
    let text = '';
    const origins: Origin[] = [];
    for (const part of parts) {
      if (part.text === '') continue;
      origins.push({ ...part.#start, at: text.length });
      for (const origin of part.#others) origins.push({ ...origin, at: origin.at + text.length });
      text += part.text;
    }
    const [start, ...others] = origins;
    return new Text(text, start ?? must(first, 'concat needs a part').#start, others);
  }

  get length(): number {
    return this.text.length;
  }

  /** Where the character at `offset` was written. */
  positionAt(offset: number): Position {
    const index = this.#originIndex(offset);
    const {
      file,
      line,
      column,
      at = 0,
    }: Position & { at?: number } = index < 0 ? this.#start : must(this.#others[index], 'within bounds');
    return { file, line, column: column + offset - at };
  }

  slice(start: number, end: number = this.text.length): Text {
    const text = this.text.slice(start, end);
    const where = this.positionAt(start);
    if (this.#others.length === 0) return new Text(text, where, IN_ONE_PIECE);
    const others = this.#others
      .filter(({ at }) => at > start && at < end)
      .map(origin => ({ ...origin, at: origin.at - start }));
    return new Text(text, where, others);
  }

  /** This text with `start`…`end` replaced. */
  splice(start: number, end: number, replacement: Text): Text {
    return Text.concat([this.slice(0, start), replacement, this.slice(end)]);
  }

  /** Without blanks (space, tab, and the other white space of C's isspace) at both ends. */
  trim(): Text {
    const { text } = this;
    let start = 0;
    let end = text.length;
    while (start < end && isBlank(text.charCodeAt(start))) start++;
    while (end > start && isBlank(text.charCodeAt(end - 1))) end--;
    return start === 0 && end === text.length ? this : this.slice(start, end);
  }

  /** Index of the last of the other origins at or before `offset`; -1: the start. */
  #originIndex(offset: number): number {
    let low = -1;
    let high = this.#others.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (must(this.#others[middle], 'within bounds').at <= offset) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}

/** White space of C's isspace: tab, line feed, vertical tab, form feed, carriage return, space. */
export function isBlank(code: number): boolean {
  return code === 0x20 || (code >= 0x09 && code <= 0x0d);
}
