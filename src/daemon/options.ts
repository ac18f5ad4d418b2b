/** One option of a command, as getopt_long knows it. */
export interface OptionSpec {
  readonly long: string;
  /** One letter. */
  readonly short?: string;
  /** Name of its value in the help; absent for a switch. `optional` values only stick: `-tFILE`, `--config-test=FILE`. */
  readonly value?: string;
  readonly optional?: boolean;
  readonly help: string;
}

/** The command line cannot be used. Exit code 64. */
export class UsageError extends Error {
  override name = 'UsageError';
}

/** What was given: option → its values in order (`''` for a switch), and the operands. */
export interface ParsedOptions {
  readonly given: ReadonlyMap<string, readonly string[]>;
  readonly operands: readonly string[];
}

/** Splits an argv by getopt_long's rules: grouped letters, `-fFILE`, `-f FILE`, `--use-file=FILE`, `--`. Throws {@link UsageError}. */
export function parseOptions(argv: readonly string[], specs: readonly OptionSpec[]): ParsedOptions {
  const given = new Map<string, string[]>();
  const operands: string[] = [];
  const queue = [...argv];
  const add = (spec: OptionSpec, shown: string, stuck: string | undefined): void => {
    const value = valueOf(spec, shown, stuck, queue);
    given.set(spec.long, [...(given.get(spec.long) ?? []), value]);
  };
  for (let word = queue.shift(); word !== undefined; word = queue.shift()) {
    if (word === '--') {
      operands.push(...queue.splice(0));
    } else if (word.startsWith('--')) {
      const equals = word.indexOf('=');
      const name = equals < 0 ? word.slice(2) : word.slice(2, equals);
      add(
        find(specs, spec => spec.long === name, `--${name}`),
        `--${name}`,
        equals < 0 ? undefined : word.slice(equals + 1),
      );
    } else if (word.length > 1 && word.startsWith('-')) {
      addLetters(word.slice(1), specs, add);
    } else {
      operands.push(word);
    }
  }
  return { given, operands };
}

function addLetters(
  letters: string,
  specs: readonly OptionSpec[],
  add: (spec: OptionSpec, shown: string, stuck: string | undefined) => void,
): void {
  for (let i = 0; i < letters.length; i++) {
    const letter = letters.charAt(i);
    const spec = find(specs, candidate => candidate.short === letter, `-${letter}`);
    const rest = letters.slice(i + 1);
    add(spec, `-${letter}`, spec.value !== undefined && rest !== '' ? rest : undefined);
    if (spec.value !== undefined) return;
  }
}

function find(
  specs: readonly OptionSpec[],
  matches: (spec: OptionSpec) => boolean,
  shown: string,
): OptionSpec {
  const spec = specs.find(matches);
  if (!spec) throw new UsageError(`unknown option ${shown}`);
  return spec;
}

function valueOf(spec: OptionSpec, shown: string, stuck: string | undefined, queue: string[]): string {
  if (spec.value === undefined) {
    if (stuck !== undefined) throw new UsageError(`${shown} takes no value`);
    return '';
  }
  if (stuck !== undefined) return stuck;
  if (spec.optional) return '';
  const next = queue.shift();
  if (next === undefined) throw new UsageError(`${shown} needs a value (${spec.value})`);
  return next;
}

/** The lines of `--help` for `specs`. */
export function describeOptions(specs: readonly OptionSpec[]): string {
  const forms = specs.map(spec => {
    const value = spec.value === undefined ? '' : spec.optional ? `[=${spec.value}]` : `=${spec.value}`;
    return `  ${spec.short ? `-${spec.short},` : '   '} --${spec.long}${value}`;
  });
  const width = Math.max(...forms.map(form => form.length)) + 2;
  return specs.map((spec, i) => (forms[i] ?? '').padEnd(width) + spec.help).join('\n');
}
