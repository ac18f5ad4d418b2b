import type { Definitions } from './definitions.ts';
import { Text } from './text.ts';

/** `~SEQ` or `~LST`: a line that is read once for each round of values. */
export interface Repetition {
  /** Sets the definitions of the next round; false when there is none. */
  next(definitions: Definitions): boolean;
  readonly rest: Text;
}

const SEQUENCE = /^~SEQ(x?)[ \t]*\([ \t]*([^ \t,()]+)[ \t]*,([^)]*)\)[ \t]*/;
const LIST = /^~LST[ \t]*\(/;

/** Parses the head of a line that starts with `~`; a string is the complaint. */
export function parseRepetition(line: Text): Repetition | string {
  const sequence = SEQUENCE.exec(line.text);
  if (sequence) {
    return parseSequence(sequence[2] ?? '', sequence[1] === 'x', sequence[3] ?? '', line, sequence[0].length);
  }
  const list = LIST.exec(line.text);
  if (list) return parseList(line, list[0].length);
  return 'expected `~SEQ(name, start, step, end)` or `~LST(name, value, …)`';
}

function parseSequence(
  name: string,
  hex: boolean,
  text: string,
  line: Text,
  length: number,
): Repetition | string {
  const numbers = text.split(',').map(parseNumber);
  if (numbers.length > 3 || numbers.includes(undefined)) return '~SEQ takes a name and one to three numbers';
  const [first = 0, second, third] = numbers;
  const end = third ?? second ?? first;
  const start = second === undefined ? (end < 0 ? -1 : 1) : first;
  const step = third === undefined ? (start <= end ? 1 : -1) : (second ?? 1);
  if (step === 0 || (start < end && step < 0) || (start > end && step > 0)) {
    return `~SEQ never gets from ${start} to ${end} in steps of ${step}`;
  }
  let value = start;
  const where = line.positionAt(0);
  return {
    rest: line.slice(length),
    next(definitions) {
      if (step > 0 ? value > end : value < end) return false;
      definitions.set(name, [Text.at(value.toString(hex ? 16 : 10), where)]);
      value += step;
      return true;
    },
  };
}

/** C's strtol with base 0: decimal, 0x… or octal 0…. */
function parseNumber(text: string): number | undefined {
  const match = /^([+-]?)(0[xX][0-9a-fA-F]+|\d+)$/.exec(text.trim());
  if (!match) return undefined;
  const digits = match[2] ?? '';
  const octal = /^0[0-7]+$/.test(digits);
  const value = octal ? Number.parseInt(digits, 8) : Number(digits);
  return Math.abs(value) > 0x7fffffff ? undefined : match[1] === '-' ? -value : value;
}

function parseList(line: Text, open: number): Repetition | string {
  const groups: string[][] = [];
  let i = open;
  for (;;) {
    const element = /[ \t]*(?:\{([^{}]*)\}|([^,(){}]*))[ \t]*([,)])/y;
    element.lastIndex = i;
    const match = element.exec(line.text);
    if (!match) return '~LST is not closed, or its braces do not match';
    groups.push(
      (match[1] ?? match[2] ?? '').split(match[1] === undefined ? '\n' : ',').map(part => part.trim()),
    );
    i = element.lastIndex;
    if (match[3] === ')') break;
  }
  const [names = [], ...rounds] = groups;
  if (rounds.length === 0) return '~LST needs at least one value';
  if (rounds.some(round => round.length !== names.length))
    return `each value of ~LST must have ${names.length} parts`;
  let index = 0;
  const where = line.positionAt(0);
  return {
    rest: line.slice(i).trim(),
    next(definitions) {
      const round = rounds[index++];
      if (!round) return false;
      for (const [part, name] of names.entries()) definitions.set(name, [Text.at(round[part] ?? '', where)]);
      return true;
    },
  };
}
