/** How filters and tests are declared and called. */
import { defined, str } from './template-python.ts';
import { ValueError } from './template-values.ts';

/** Calls other filters and tests by name: `map('upper')`, `select('match', …)`. */
export interface CallContext {
  filter(
    name: string,
    input: unknown,
    args: readonly unknown[],
    named: Readonly<Record<string, unknown>>,
  ): unknown;
  test(
    name: string,
    input: unknown,
    args: readonly unknown[],
    named: Readonly<Record<string, unknown>>,
  ): boolean;
}

/** Arguments of one call, bound to the declared names. */
export class Arguments {
  readonly #values: ReadonlyMap<string, unknown>;
  /** What came after the declared ones. */
  readonly rest: readonly unknown[];
  readonly named: Readonly<Record<string, unknown>>;

  constructor(
    values: ReadonlyMap<string, unknown>,
    rest: readonly unknown[],
    named: Readonly<Record<string, unknown>>,
  ) {
    this.#values = values;
    this.rest = rest;
    this.named = named;
  }

  /** The argument; JavaScript's undefined if it was not given. */
  get(name: string): unknown {
    return this.#values.get(name);
  }

  /** The argument as text, or `otherwise` if it was not given. */
  text(name: string, otherwise: string): string;
  text(name: string): string | undefined;
  text(name: string, otherwise?: string): string | undefined {
    const value = this.get(name);
    return value === undefined ? otherwise : str(value);
  }
}

export interface Operation {
  /** Names of the parameters, in order; all optional unless {@link required}. */
  readonly params: readonly string[];
  /** How many of `params` must be given. Default 0. */
  readonly required?: number;
  /** Takes more arguments than `params`. */
  readonly variadic?: boolean;
  /** Is given undefined values instead of being refused. */
  readonly takesUndefined?: boolean;
  readonly run: (input: unknown, args: Arguments, context: CallContext) => unknown;
}

export type Operations = Readonly<Record<string, Operation>>;

/** Binds the arguments and runs the operation. Throws {@link ValueError}. */
export function callOperation(
  name: string,
  operation: Operation,
  input: unknown,
  positional: readonly unknown[],
  named: Readonly<Record<string, unknown>>,
  context: CallContext,
): unknown {
  const { params } = operation;
  const values = new Map<string, unknown>();
  for (const [index, value] of positional.slice(0, params.length).entries())
    values.set(params[index] ?? '', value);
  const rest = positional.slice(params.length);
  if (rest.length > 0 && !operation.variadic) {
    throw new ValueError(`${name} takes at most ${params.length} arguments`);
  }
  for (const [key, value] of Object.entries(named)) {
    if (params.includes(key)) values.set(key, value);
    else if (!operation.variadic) {
      throw new ValueError(
        `${name} has no argument '${key}'`,
        params.length > 0 ? `it has ${params.join(', ')}` : 'it takes none',
      );
    }
  }
  const missing = params.slice(0, operation.required ?? 0).find(param => !values.has(param));
  if (missing !== undefined) throw new ValueError(`${name} needs the argument '${missing}'`);
  if (!operation.takesUndefined) {
    defined(input);
    for (const value of [...values.values(), ...rest]) defined(value);
  }
  return operation.run(input, new Arguments(values, rest, named), context);
}

/** Names without the collection that Ansible lets one write in front. */
export function shortName(name: string): string {
  return name.replace(/^ansible\.(?:builtin|utils|netcommon)\./, '');
}

/** The known name that is most like `name`, if one is close enough to be a typing error. */
export function similarName(name: string, known: Iterable<string>): string | undefined {
  let best: string | undefined;
  let bestDistance = name.length < 3 ? 0 : name.length < 6 ? 2 : 3;
  for (const candidate of known) {
    const distance = editDistance(name, candidate, bestDistance);
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

function editDistance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) >= limit) return limit;
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = (row[j - 1] ?? 0) + Number(a[i - 1] !== b[j - 1]);
      next.push(Math.min(substitution, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? limit;
}
