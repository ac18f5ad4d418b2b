import { configIdOf, type ConfigEnvironment } from './source.ts';
import { Text } from './text.ts';

/** A reference to a definition inside a line. */
export interface Reference {
  readonly start: number;
  readonly end: number;
  /** What takes its place; more than one line only if it ends the line. */
  readonly lines: readonly Text[];
}

/** `$NAME=` at the start of a line. */
const DEFINITION = /^\$([A-Za-z_][A-Za-z0-9_]*)[ \t]*=[ \t]*/;
/** `${NAME}`, `${NAME ARGUMENT …}`, or `$NAME` before a blank or the end of the line. */
const REFERENCE = /\$(?:\{([A-Za-z_][A-Za-z0-9_]*)((?: +\w+)*) *\}|([A-Za-z_][A-Za-z0-9_]*)(?=[ \t]|$))/g;

/** The definitions in force while a configuration is read: values are substituted late and recursively. */
export class Definitions {
  readonly #values = new Map<string, readonly Text[]>();
  readonly #configId: string;
  readonly #variables: Readonly<Record<string, string>>;
  #random: number;

  constructor(environment: ConfigEnvironment) {
    this.#configId = configIdOf(environment);
    this.#variables = environment.variables ?? {};
    this.#random = environment.randomSeed ?? 0;
  }

  set(name: string, lines: readonly Text[]): void {
    this.#values.set(name, lines);
  }

  /** Names that are defined so far. */
  names(): Iterable<string> {
    return this.#values.keys();
  }

  /** `random_seed`. */
  seed(seed: number): void {
    this.#random = seed;
  }

  /** Name and value if the line is a definition. */
  static parse(line: Text): { readonly name: string; readonly value: Text } | undefined {
    const match = DEFINITION.exec(line.text);
    return match ? { name: match[1] ?? '', value: line.slice(match[0].length) } : undefined;
  }

  /** The first reference in `line` that can be resolved; `directory` is the value of `${_PWD}`. */
  find(line: Text, directory: string): Reference | undefined {
    for (const match of line.text.matchAll(REFERENCE)) {
      const end = match.index + match[0].length;
      const name = match[1] ?? match[3] ?? '';
      const lines = this.#lookUp(name, match[2] ?? '', directory, line, match.index);
      if (lines && (lines.length === 1 || end === line.length)) return { start: match.index, end, lines };
    }
    return undefined;
  }

  #lookUp(
    name: string,
    parameters: string,
    directory: string,
    line: Text,
    at: number,
  ): readonly Text[] | undefined {
    const value = parameters === '' ? this.#values.get(name) : undefined;
    if (value) return value;
    const standard = this.#standard(name, parameters, directory);
    return standard === undefined ? undefined : [Text.at(standard, line.positionAt(at))];
  }

  #standard(name: string, parameters: string, directory: string): string | undefined {
    if (name === '_RANDOM') return this.#nextRandom(parameters);
    if (name === '_ENV') return this.#variable(parameters.trim());
    if (parameters !== '') return undefined;
    if (name === '_PWD') return directory;
    if (name === '_INSTANCE') return this.#configId;
    if (name === '_HASH') return '#';
    return name === '_BANG' ? '!' : undefined;
  }

  #variable(name: string): string | undefined {
    return Object.hasOwn(this.#variables, name) ? this.#variables[name] : undefined;
  }

  /** A number in [MIN, MAX] from mulberry32: repeatable for a given seed. */
  #nextRandom(parameters: string): string | undefined {
    if (!/^[ \d]*$/.test(parameters)) return undefined;
    const [low = 0, high = 32767] = parameters.trim().split(/ +/).filter(Boolean).map(Number);
    this.#random = (this.#random + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#random ^ (this.#random >>> 15), 1 | this.#random);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    const fraction = ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
    return String(Math.floor(low + fraction * (Math.max(low, high) - low + 1)));
  }
}
