import type { Position } from '#base/position.ts';
import { must } from '#base/assert.ts';
import { splitWords, type Word } from './lexer.ts';
import type { Reader } from './reader.ts';
import type { Report } from './report.ts';
import type { Text } from './text.ts';

/** A line and the block that follows it. Which words mean what is up to the keyword tables. */
export interface Statement {
  readonly keyword: string;
  readonly position: Position;
  /** The keyword and its arguments; at least one. */
  readonly words: readonly Word[];
  /** The same, unsplit, for arguments with a syntax of their own. */
  readonly line: Text;
  /** undefined: no braces follow. */
  block: Statement[] | undefined;
}

interface OpenBlock {
  readonly statements: Statement[];
  readonly opened: Position | undefined;
  /** What an opening brace would belong to. */
  last: Statement | undefined;
}

/** Lines that are read between two steps: some tens of microseconds. */
const LINES_PER_STEP = 32;

/**
 * Builds the tree of statements: yields each statement of the top level when it is complete, and undefined now and
 * then, between two steps. Braces may stand on the keyword's line or on the next one.
 */
export function* readStatements(
  reader: Reader,
  report: Report,
  blockDepth: number,
): Generator<Statement | undefined, void> {
  const top: OpenBlock = { statements: [], opened: undefined, last: undefined };
  const stack = [top];
  let lines = 0;
  for (let line = reader.next(); line; line = reader.next()) {
    if (++lines % LINES_PER_STEP === 0) yield undefined;
    const block = must(stack.at(-1), 'the top block stays open');
    if (line.text === '{') {
      stack.push(openBlock(block, line.positionAt(0), report));
      if (stack.length <= blockDepth) continue;
      const message = `blocks may be nested ${blockDepth} deep; the rest is ignored`;
      report.error('blocks-too-deep', line.positionAt(0), message);
      yield* top.statements;
      return;
    }
    if (line.text === '}') {
      if (stack.length > 1) stack.pop();
      else report.error('brace-unexpected', line.positionAt(0), 'this `}` closes nothing');
      const outer = must(stack.at(-1), 'the top block stays open');
      outer.last = undefined;
      continue;
    }
    if (block === top) yield* top.statements.splice(0);
    const words = splitWords(line);
    const first = must(words[0], 'a line has a word');
    const statement = { keyword: first.text, position: first.position, words, line, block: undefined };
    block.statements.push(statement);
    block.last = statement;
  }
  yield* top.statements;
  for (const block of stack.slice(1)) {
    report.error(
      'brace-unclosed',
      block.opened,
      'this `{` is never closed',
      'add a `}` where the block ends',
    );
  }
}

function openBlock(outer: OpenBlock, position: Position, report: Report): OpenBlock {
  const statements: Statement[] = [];
  if (outer.last && !outer.last.block) outer.last.block = statements;
  else report.error('brace-unexpected', position, 'this `{` belongs to no keyword; its block is ignored');
  return { statements, opened: position, last: undefined };
}
