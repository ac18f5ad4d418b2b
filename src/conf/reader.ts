import type { Position } from '#base/position.ts';
import { Definitions } from './definitions.ts';
import {
  absolutePath,
  applyIncludeCheck,
  directoryOf,
  INCLUDE_KEYWORDS,
  resolveInclude,
  type IncludeCheck,
} from './include.ts';
import { removeComment, splitWords } from './lexer.ts';
import { parseRepetition, type Repetition } from './repeat.ts';
import type { Report } from './report.ts';
import { configIdOf, type ConfigEnvironment, type ConfigSource, type Limits } from './source.ts';
import { didYouMean } from './suggest.ts';
import { Text } from './text.ts';

/** A file that an include line named, not opened yet. */
interface Included {
  readonly path: string;
  readonly from: Position;
  /** Checks of the include line itself. */
  readonly checks: ReadonlySet<IncludeCheck>;
  /** Checks in force when it is read. */
  readonly inherited: ReadonlySet<IncludeCheck>;
}

/** A file being read. `pending` is a stack of what must be read before its next line. */
interface Frame {
  readonly path: string;
  readonly content: string;
  offset: number;
  line: number;
  readonly pending: (Text | Repetition | Included)[];
  checks: ReadonlySet<IncludeCheck>;
}

/** A `$NAME= \` definition whose lines are still being read. */
interface OpenDefinition {
  readonly name: string;
  readonly lines: Text[];
}

/**
 * Turns files into lines as the parser wants them: comments removed, inclusions followed, conditions decided,
 * definitions substituted, repetitions unrolled. Each line is `{`, `}`, or words without braces.
 */
export class Reader {
  /** Every file that was read, in order. */
  readonly files: string[] = [];
  readonly #source: ConfigSource;
  readonly #report: Report;
  readonly #limits: Limits;
  readonly #configId: string;
  readonly #definitions: Definitions;
  readonly #frames: Frame[] = [];
  #length = 0;

  constructor(source: ConfigSource, environment: ConfigEnvironment, limits: Limits, report: Report) {
    this.#source = source;
    this.#report = report;
    this.#limits = limits;
    this.#configId = configIdOf(environment);
    this.#definitions = new Definitions(environment);
  }

  /** Starts with the main file; false if it cannot be read. */
  open(path: string): boolean {
    return this.#push(path, undefined);
  }

  /** The next line, or undefined at the end of everything. */
  next(): Text | undefined {
    for (;;) {
      const frame = this.#frames.at(-1);
      if (!frame) return undefined;
      const line = this.#nextPending(frame) ?? this.#nextFromFile(frame);
      if (line === undefined) {
        this.#frames.pop();
      } else if (line !== 'again') {
        const ready = this.#process(line, frame);
        if (ready) return ready;
      }
    }
  }

  #nextPending(frame: Frame): Text | 'again' | undefined {
    const top = frame.pending.at(-1);
    if (top === undefined) return undefined;
    if (top instanceof Text) {
      frame.pending.pop();
      return top;
    }
    if ('path' in top) {
      frame.pending.pop();
      this.#push(top.path, top);
      return 'again';
    }
    if (top.next(this.#definitions))
      return this.#spend(top.rest.length + 1, top.rest.positionAt(0)) ? top.rest : 'again';
    frame.pending.pop();
    return 'again';
  }

  #nextFromFile(frame: Frame): Text | 'again' | undefined {
    let definition: OpenDefinition | undefined;
    for (;;) {
      const raw = rawLine(frame);
      if (raw === undefined) break;
      const position = { file: frame.path, line: frame.line, column: 1 };
      if (!this.#spend(raw.length + 1, position)) return 'again';
      if (raw.length > this.#limits.lineLength) {
        this.#report.error(
          'line-too-long',
          position,
          `a line has at most ${this.#limits.lineLength} characters`,
        );
        continue;
      }
      if (raw.includes('\0')) {
        this.#report.error('nul-byte', position, 'this line contains a NUL byte and is ignored');
        continue;
      }
      const { line, continued, openQuote } = removeComment(Text.at(raw, position));
      if (openQuote)
        this.#report.error('quote-unclosed', position, 'a double quote on this line is never closed');
      if (definition) {
        if (line.length > 0) definition.lines.push(line);
        if (continued) continue;
        break;
      }
      if (continued) {
        definition = this.#startDefinition(line);
        if (definition) continue;
        const hint = 'only a `$NAME=` definition may go on in the next line';
        this.#report.error(
          'line-continuation',
          position,
          'the backslash at the end of this line is ignored',
          hint,
        );
      }
      if (line.length > 0) return line;
    }
    if (!definition) return undefined;
    this.#definitions.set(definition.name, definition.lines.length > 0 ? definition.lines : [EMPTY]);
    return 'again';
  }

  /** A multi-line definition begins, if the line is one and its conditions hold; lines that are skipped count too. */
  #startDefinition(line: Text): OpenDefinition | undefined {
    const wanted = this.#decideConditions(line);
    const found = Definitions.parse(
      wanted ?? line.slice(/^(?:@\S*[ \t]+)*/.exec(line.text)?.[0].length ?? 0),
    );
    if (!found) return undefined;
    const name = wanted ? found.name : '';
    return { name, lines: found.value.length > 0 ? [found.value] : [] };
  }

  /** Conditions, definitions, repetitions, inclusions and braces of one line; undefined if nothing is left of it. */
  #process(start: Text, frame: Frame): Text | undefined {
    const { text } = start;
    if (text === '{' || text === '}' || (text !== '' && !IS_TO_BE_PROCESSED.test(text))) return start;
    let line: Text | undefined = start;
    for (let substitutions = 0; ; substitutions++) {
      if (substitutions > SUBSTITUTIONS_PER_LINE) {
        const hint = 'does a definition refer to itself?';
        this.#report.error(
          'definition-recursive',
          start.positionAt(0),
          'too many substitutions in this line',
          hint,
        );
        return undefined;
      }
      line = this.#decideConditions(line);
      if (!line || line.length === 0) return undefined;
      const definition = Definitions.parse(line);
      if (definition) {
        this.#definitions.set(definition.name, [definition.value]);
        return undefined;
      }
      if (line.text.startsWith('~')) {
        const repetition = parseRepetition(line);
        if (typeof repetition === 'string')
          this.#report.error('repetition-invalid', line.positionAt(0), repetition);
        else frame.pending.push(repetition);
        return undefined;
      }
      const replaced = this.#substitute(line, frame);
      if (replaced === line) break;
      line = replaced;
      if (!line) return undefined;
    }
    if (this.#followInclude(line, frame)) return undefined;
    const seed = /^random_seed[ \t]+(\d{1,10})$/.exec(line.text)?.[1];
    if (seed !== undefined) this.#definitions.seed(Number(seed));
    // A form feed after a condition or a repetition is a blank, too.
    const bare = line.trim();
    return bare.length === 0 ? undefined : this.#splitBraces(bare, frame);
  }

  /** Strips `@id` and `@^id`; undefined if the line is not for this configuration id. */
  #decideConditions(line: Text): Text | undefined {
    let rest = line;
    for (;;) {
      const match = /^@(\^?)(\S*)(?:[ \t]+|$)/.exec(rest.text);
      if (!match) return rest;
      if ((match[2] === this.#configId) === (match[1] === '^')) return undefined;
      rest = rest.slice(match[0].length);
      if (rest.length === 0) return undefined;
    }
  }

  /** The line with its first reference replaced; the same line if there is none. */
  #substitute(line: Text, frame: Frame): Text | undefined {
    if (!line.text.includes('$')) return line;
    const reference = this.#definitions.find(line, directoryOf(frame.path));
    if (!reference) return line;
    const [first = EMPTY, ...others] = reference.lines;
    const where = line.positionAt(reference.start);
    const length = line.length + first.length;
    if (length > this.#limits.lineLength) {
      const hint = 'does a definition refer to itself?';
      this.#report.error('line-too-long', where, 'substitution makes this line too long', hint);
      return undefined;
    }
    if (!this.#spend(length + others.length, where)) return undefined;
    frame.pending.push(...others.toReversed());
    return line.splice(reference.start, reference.end, first).trim();
  }

  #followInclude(line: Text, frame: Frame): boolean {
    const keyword = /^include\w*/.exec(line.text)?.[0];
    if (keyword === undefined) return false;
    const words = splitWords(line);
    if (keyword === 'include_check') {
      const options = words.slice(1).map(word => word.text);
      const applied = applyIncludeCheck(frame.checks, options);
      if ('checks' in applied) frame.checks = applied.checks;
      return false;
    }
    const added = Object.hasOwn(INCLUDE_KEYWORDS, keyword) ? INCLUDE_KEYWORDS[keyword] : undefined;
    const [, path, ...rest] = words;
    if (!added || words[0]?.text !== keyword || !path || rest.length > 0) return false;
    const checks = new Set([...frame.checks, ...added]);
    const { paths, missing } = resolveInclude(path.text, directoryOf(frame.path), this.#source);
    for (const { pattern, check } of missing) {
      const message = `no file matches \`${pattern}\``;
      if (checks.has(check)) this.#report.error('include-missing', path.position, message);
      else this.#report.warning('include-missing', path.position, message);
    }
    const from = path.position;
    for (const file of paths.toReversed())
      frame.pending.push({ path: file, from, checks, inherited: frame.checks });
    return true;
  }

  #push(path: string, included: Included | undefined): boolean {
    const from = included?.from;
    const name = this.#frames.length === 0 ? path : absolutePath(path, '');
    if (this.#frames.some(frame => absolutePath(frame.path, '') === absolutePath(name, ''))) {
      this.#report.error('include-loop', from, `${name} includes itself`, 'remove one of the include lines');
      return false;
    }
    if (this.#frames.length >= this.#limits.includeDepth || this.files.length >= this.#limits.files) {
      this.#report.error('include-depth', from, 'too many inclusions; the rest is ignored');
      return false;
    }
    const content = this.#source.read(name);
    if (content === undefined || content.length > this.#limits.fileLength) {
      const why =
        content === undefined ? 'cannot be read' : `is longer than ${this.#limits.fileLength} characters`;
      if (!from) this.#report.error('config-unreadable', undefined, `${name} ${why}`);
      else if (included?.checks.has('readable') || content)
        this.#report.error('include-unreadable', from, `${name} ${why}`);
      else this.#report.warning('include-unreadable', from, `${name} ${why}`);
      return false;
    }
    this.files.push(name);
    const offset = content.startsWith('\uFEFF') ? 1 : 0;
    this.#frames.push({
      path: name,
      content,
      offset,
      line: 0,
      pending: [],
      checks: included?.inherited ?? new Set(),
    });
    return true;
  }

  /** Cuts the line at its first brace outside double quotes; the rest is read next. */
  #splitBraces(line: Text, frame: Frame): Text | undefined {
    const at = firstBrace(line.text, reference => this.#unknownDefinition(line, reference));
    if (at < 0) return line;
    const cut = at === 0 ? 1 : at;
    const rest = line.slice(cut).trim();
    if (rest.length > 0) frame.pending.push(rest);
    return line.slice(0, cut).trim();
  }

  #unknownDefinition(line: Text, at: number): void {
    const name = /^\$\{([^}]*)\}?/.exec(line.text.slice(at))?.[1] ?? '';
    const hint =
      didYouMean(name, this.#definitions.names()) ?? 'definitions are written `$NAME=value` on a line above';
    this.#report.error('definition-unknown', line.positionAt(at), `\`${name}\` is not defined here`, hint);
  }

  /** Charges the budget; at its end everything stops. */
  #spend(length: number, position: Position): boolean {
    this.#length += length;
    if (this.#length <= this.#limits.totalLength) return true;
    this.#report.error('expansion-limit', position, 'the configuration grows too large; the rest is ignored');
    this.#frames.length = 0;
    return false;
  }
}

const SUBSTITUTIONS_PER_LINE = 1000;

/** A line with a reference, a brace, a condition, a repetition, an inclusion or a seed. Most have none. */
const IS_TO_BE_PROCESSED = /[${}]|^[@~]|^include|^random_seed/;

const EMPTY = Text.at('', { file: '', line: 1, column: 1 });

function rawLine(frame: Frame): string | undefined {
  if (frame.offset >= frame.content.length) return undefined;
  const newline = frame.content.indexOf('\n', frame.offset);
  const end = newline < 0 ? frame.content.length : newline;
  const line = frame.content.slice(frame.offset, end);
  frame.offset = end + 1;
  frame.line++;
  return line.endsWith('\r') ? line.replace(/\r+$/, '') : line;
}

/** Offset of the first brace that is not in double quotes; `${…}` left over by substitution is told and skipped. */
function firstBrace(text: string, onReference: (at: number) => void): number {
  for (let i = 0; i < text.length; i++) {
    const char = text[i];
    if (char === '"') {
      const close = text.indexOf('"', i + 1);
      if (close < 0) return -1;
      i = close;
    } else if (char === '$' && text[i + 1] === '{') {
      onReference(i);
      const close = text.indexOf('}', i);
      if (close < 0) return -1;
      i = close;
    } else if (char === '{' || char === '}') {
      return i;
    }
  }
  return -1;
}
