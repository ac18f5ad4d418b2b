import { must } from '#base/assert.ts';
import type { Position } from '#base/position.ts';

/** From offset `at` on, characters come one after the other from here; `line` and `column` count from 1. */
interface Origin extends Position {
  readonly at: number;
}

/**
 * A piece of configuration that remembers where each of its characters was written, through comment removal
 * and the substitution of definitions. Columns count UTF-16 code units.
 */
export class Text {
  readonly text: string;
  readonly #origins: readonly Origin[];

  private constructor(text: string, origins: readonly Origin[]) {
    this.text = text;
    this.#origins = origins;
  }

  /** Text that stands at `position` in its file. */
  static at(text: string, position: Position): Text {
    const { file, line, column } = position;
    return new Text(text, [{ at: 0, file, line, column }]);
  }

  static concat(parts: readonly Text[]): Text {
    let text = '';
    const origins: Origin[] = [];
    for (const part of parts) {
      if (part.text === '' && parts.length > 1) continue;
      for (const origin of part.#origins) origins.push({ ...origin, at: origin.at + text.length });
      text += part.text;
    }
    return new Text(text, origins.length > 0 ? origins : must(parts[0], 'concat needs a part').#origins);
  }

  get length(): number {
    return this.text.length;
  }

  /** Where the character at `offset` was written. */
  positionAt(offset: number): Position {
    const origin = must(this.#origins[this.#originIndex(offset)], 'a text has an origin');
    return { file: origin.file, line: origin.line, column: origin.column + offset - origin.at };
  }

  slice(start: number, end: number = this.text.length): Text {
    const from = this.#originIndex(start);
    const to = this.#originIndex(Math.max(start, end - 1));
    const origins = this.#origins.slice(from, to + 1).map(origin => {
      const skipped = Math.max(0, start - origin.at);
      return { ...origin, at: Math.max(0, origin.at - start), column: origin.column + skipped };
    });
    return new Text(this.text.slice(start, end), origins);
  }

  /** This text with `start`…`end` replaced. */
  splice(start: number, end: number, replacement: Text): Text {
    return Text.concat([this.slice(0, start), replacement, this.slice(end)]);
  }

  /** Without blanks (space, tab, and the other white space of C's isspace) at both ends. */
  trim(): Text {
    const start = /^[ \t\f\v\r\n]*/.exec(this.text)?.[0].length ?? 0;
    let end = this.text.length;
    while (end > start && ' \t\f\v\r\n'.includes(this.text.charAt(end - 1))) end--;
    return start === 0 && end === this.text.length ? this : this.slice(start, end);
  }

  /** Index of the last origin at or before `offset`. */
  #originIndex(offset: number): number {
    let low = 0;
    let high = this.#origins.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (must(this.#origins[middle], 'within bounds').at <= offset) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}
