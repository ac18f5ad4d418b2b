/** Functions that every template has. */
import { isMapping, iterate, numeric, str } from './template-python.ts';
import { Callable, Namespace, ValueError } from './template-values.ts';

const MAX_RANGE = 100_000;

function range(args: readonly unknown[]): number[] {
  const numbers = args.map(arg => numeric(arg) ?? Number.NaN);
  if (numbers.length < 1 || numbers.length > 3 || !numbers.every(Number.isInteger)) {
    throw new ValueError('range takes one to three whole numbers', 'convert them: range(x | int)');
  }
  const [from, to] = numbers.length === 1 ? [0, numbers[0] ?? 0] : [numbers[0] ?? 0, numbers[1] ?? 0];
  const step = numbers[2] ?? 1;
  if (step === 0 || Math.abs((to - from) / step) > MAX_RANGE)
    throw new ValueError(`range gives at most ${MAX_RANGE} numbers`);
  const length = Math.max(0, Math.ceil((to - from) / step));
  return Array.from({ length }, (_, index) => from + index * step);
}

function dict(args: readonly unknown[], named: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const [base] = args;
  if (base === undefined) return { ...named };
  if (isMapping(base)) return { ...base, ...named };
  return {
    ...Object.fromEntries(iterate(base).map(pair => [str(iterate(pair)[0]), iterate(pair)[1]])),
    ...named,
  };
}

function namespace(args: readonly unknown[], named: Readonly<Record<string, unknown>>): Namespace {
  const made = new Namespace();
  for (const [name, value] of Object.entries(dict(args, named))) made.values.set(name, value);
  return made;
}

/** Reads the controller's files, environment or clock in Ansible: a rendering here depends on the variables alone. */
function absent(name: string, hint: string): Callable {
  return new Callable(name, () => {
    throw new ValueError(`${name}() is not supported`, hint);
  });
}

export const GLOBALS: ReadonlyMap<string, unknown> = new Map<string, unknown>(
  [
    new Callable('range', range),
    new Callable('dict', dict),
    new Callable('namespace', namespace),
    absent('lookup', 'give the value as a variable: --extra-vars, group_vars or host_vars'),
    absent('query', 'give the value as a variable: --extra-vars, group_vars or host_vars'),
    absent('now', 'give the time as a variable: a rendering must come out equal every time'),
  ].map(callable => [callable.name, callable]),
);
