/** The names that a running template has set itself, over the variables. */
import type { Position } from '#base/position.ts';
import { Undefined, type Variables } from './template-values.ts';
import { similarName } from './template-registry.ts';

/** What is the same for the whole of one rendering. */
export interface Rendering {
  readonly variables: Variables;
  /** Place of a line and column (from 0) of the template's text. */
  readonly at: (lineno: number, colno: number) => Position;
  /** Text of another template beside this one; undefined if there is none. */
  readonly include: (name: string) => { readonly text: string; readonly file: string } | undefined;
  /** Includes entered so far. */
  readonly depth: number;
}

/** One scope. `for` and `macro` open a new one: what they set is gone afterwards. */
export class Frame {
  readonly rendering: Rendering;
  readonly #values = new Map<string, unknown>();
  readonly #parent: Frame | undefined;

  constructor(rendering: Rendering, parent?: Frame) {
    this.rendering = rendering;
    this.#parent = parent;
  }

  child(): Frame {
    return new Frame(this.rendering, this);
  }

  set(name: string, value: unknown): void {
    this.#values.set(name, value);
  }

  /** The value of a name: set here, a variable, or a global function; or {@link Undefined}. */
  lookup(name: string, globals: ReadonlyMap<string, unknown>): unknown {
    if (this.#values.has(name)) return this.#values.get(name);
    if (this.#parent) return this.#parent.lookup(name, globals);
    const { variables } = this.rendering;
    if (variables.has(name)) return variables.get(name);
    if (globals.has(name)) return globals.get(name);
    const similar = similarName(name, variables.names());
    return new Undefined(name, similar === undefined ? undefined : `did you mean '${similar}'?`);
  }

  /** Names that templates of this file set, outermost first; for includes. */
  flatten(): ReadonlyMap<string, unknown> {
    const all = new Map(this.#parent?.flatten());
    for (const [name, value] of this.#values) all.set(name, value);
    return all;
  }
}
