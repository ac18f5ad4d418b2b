import { parseCidr, parseIp, type Cidr } from '#base/address.ts';
import type { Position } from '#base/position.ts';
import type { Word } from './lexer.ts';
import { parseIntegerOfAnyBase } from './number.ts';
import type { Report } from './report.ts';

/** Walks the words of one line of an address, route or rule block. */
export class LineCursor {
  readonly #words: readonly Word[];
  readonly #report: Report;
  #index = 0;

  constructor(words: readonly Word[], report: Report) {
    this.#words = words;
    this.#report = report;
  }

  get position(): Position {
    return (this.#words[this.#index] ?? this.#words.at(-1) ?? NOWHERE).position;
  }

  peek(): string | undefined {
    return this.#words[this.#index]?.text;
  }

  next(): string | undefined {
    return this.#words[this.#index++]?.text;
  }

  /** The argument of `option`; undefined after a diagnostic if the line ends. */
  argument(option: string): string | undefined {
    const text = this.next();
    if (text === undefined)
      this.#report.error('option-incomplete', this.position, `\`${option}\` lacks its argument`);
    return text;
  }

  address(option: string): Uint8Array | undefined {
    return this.#read(option, 'an IP address', parseIp);
  }

  /** `ADDRESS[/PREFIX]`, or `default` and `any` for everything of `family`. */
  prefix(option: string, family: 4 | 6): Cidr | undefined {
    const everything = { address: new Uint8Array(family === 4 ? 4 : 16), prefix: 0 };
    return this.#read(option, 'an address with an optional prefix length', text =>
      text === 'default' || text === 'any' || text === 'all' ? everything : parseCidr(text),
    );
  }

  integer(option: string, min: number, max: number): number | undefined {
    return this.#read(option, `a number in ${min}–${max}`, text => {
      const value = parseIntegerOfAnyBase(text);
      return value !== undefined && value >= min && value <= max ? value : undefined;
    });
  }

  /** A number, or a name for the host's tables to resolve. */
  numberOrName(option: string, names: Readonly<Record<string, number>> = {}): number | string | undefined {
    return this.#read(option, 'a number or a name', text => {
      if (Object.hasOwn(names, text)) return names[text];
      const value = parseIntegerOfAnyBase(text);
      if (value !== undefined) return value >= 0 && value <= 0xffffffff ? value : undefined;
      return /^[A-Za-z_][\w.-]*$/.test(text) ? text : undefined;
    });
  }

  /** `FIRST[-LAST]`. */
  range(option: string, max: number): { first: number; last: number } | undefined {
    return this.#read(option, `a number or range in 0–${max}`, text => {
      const match = /^(\d{1,10})(?:-(\d{1,10}))?$/.exec(text);
      if (!match) return undefined;
      const first = Number(match[1]);
      const last = Number(match[2] ?? match[1]);
      return first <= last && last <= max ? { first, last } : undefined;
    });
  }

  #read<T>(option: string, expected: string, parse: (text: string) => T | undefined): T | undefined {
    const { position } = this;
    const text = this.argument(option);
    if (text === undefined) return undefined;
    const value = parse(text);
    if (value === undefined) {
      this.#report.error('option-invalid', position, `\`${option} ${text}\`: expected ${expected}`);
    }
    return value;
  }
}

const NOWHERE: Word = { text: '', position: { file: '', line: 1, column: 1 } };

/** Scopes of rtnetlink(7) by name. */
export const SCOPES: Readonly<Record<string, number>> = {
  global: 0,
  universe: 0,
  site: 200,
  link: 253,
  host: 254,
  nowhere: 255,
};

/** Routing tables that exist everywhere. */
export const ROUTE_TABLES: Readonly<Record<string, number>> = {
  unspec: 0,
  default: 253,
  main: 254,
  local: 255,
};
