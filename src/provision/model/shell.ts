/**
 * Shell text as a type. Values reach a command only through the `sh` tag, which quotes them; there is no other way
 * from a string to a {@link Fragment}.
 */
import { assert } from '#base/assert.ts';

/** Bytes that a fragment reads from the program's standard input, in the order in which it reads them. */
export interface StdinPart {
  /** Exact number of bytes that `open` yields. */
  readonly length: number;
  /** Opened once per send, so that large payloads (a runtime) are streamed and never held. */
  readonly open: () => AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
  /** What it is, for progress and errors; never the content. */
  readonly label: string;
}

/** POSIX shell text made by {@link sh}, with what it reads from standard input. */
export class Fragment {
  readonly text: string;
  readonly inputs: readonly StdinPart[];

  /** Use {@link sh}; only this file may call it. */
  constructor(text: string, inputs: readonly StdinPart[]) {
    this.text = text;
    this.inputs = inputs;
  }
}

/** A value that must not reach a log, a diff, argv or the environment. Printing it gives `‹secret›`. */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  /** The one way out: for bytes that travel on standard input. */
  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return '‹secret›';
  }

  toJSON(): string {
    return '‹secret›';
  }
}

type Word = string | number | Fragment | readonly string[];

/**
 * Builds a fragment: strings and numbers become one quoted word each, a list of strings several words, and a
 * fragment stands as it is, its inputs appended in order.
 */
export function sh(strings: TemplateStringsArray, ...values: readonly Word[]): Fragment {
  let text = '';
  const inputs: StdinPart[] = [];
  for (const [index, literal] of strings.entries()) {
    text += literal;
    const value = values[index];
    if (value === undefined) continue;
    if (value instanceof Fragment) {
      text += value.text;
      inputs.push(...value.inputs);
    } else if (typeof value === 'object') {
      text += value.map(quote).join(' ');
    } else {
      text += quote(String(value));
    }
  }
  return new Fragment(text, inputs);
}

/** Several fragments as consecutive commands, one per line; empty ones disappear. */
export function lines(fragments: readonly Fragment[]): Fragment {
  const present = fragments.filter(fragment => fragment.text !== '');
  return new Fragment(
    present.map(fragment => fragment.text).join('\n'),
    present.flatMap(f => [...f.inputs]),
  );
}

/** No command at all. */
export const NOTHING: Fragment = new Fragment('', []);

/** A fragment that writes `part` from the program's input to its standard output, to be used in a pipe. */
export function input(part: StdinPart): Fragment {
  assert(Number.isSafeInteger(part.length) && part.length >= 0, `${part.label}: a length in bytes`);
  return new Fragment(`t_input ${part.length}`, [part]);
}

/** A part from bytes that are already in memory. */
export function bytesPart(label: string, bytes: Uint8Array): StdinPart {
  return { label, length: bytes.length, open: () => [bytes] };
}

/** One shell word that evaluates to exactly `text` (POSIX XCU 2.2.2); NUL cannot be in an argument. */
function quote(text: string): string {
  assert(!text.includes('\0'), 'a shell word cannot hold a NUL byte');
  return /^[A-Za-z0-9_\-.,:/@%+][A-Za-z0-9_\-.,:/@%+=]*$/.test(text)
    ? text
    : `'${text.replaceAll("'", `'\\''`)}'`;
}
