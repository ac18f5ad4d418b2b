import type { Position } from '#base/position.ts';
import { splitShellWords, type Word } from './lexer.ts';
import type { ScriptCommand } from './model.ts';
import type { Statement } from './parser.ts';
import type { Report } from './report.ts';
import { Text } from './text.ts';

/** A command by argv; quoted as one word it is split again, as keepalived does. */
export function readScript(
  lone: boolean,
  optional: boolean,
  statement: Statement,
  report: Report,
): ScriptCommand | true | undefined {
  const split = splitShellWords(statement.line);
  if (!split.ok) {
    report.error('quote-unclosed', split.position, `the quote ${split.quote} is never closed`);
    return undefined;
  }
  const [, command, user, group, ...rest] = split.words;
  if (!command) return optional ? true : undefined;
  const extra = lone ? user : rest[0];
  if (extra) {
    const hint = 'write the command and its parameters in double quotes';
    report.warning(
      'argument-extra',
      extra.position,
      `\`${statement.keyword}\` ignores what follows from here`,
      hint,
    );
  }
  const argv = splitCommand(command, report);
  if (!argv) return undefined;
  return {
    argv,
    user: lone ? undefined : user?.text,
    group: lone ? undefined : group && groupName(group),
    position: command.position,
  };
}

/** The group of `USER GROUP`, which keepalived 2.3 also writes `USER :GROUP`. */
export function groupName(word: Word): string {
  return word.text.replace(/^:/, '');
}

function splitCommand(command: Word, report: Report): string[] | undefined {
  const split = splitShellWords(Text.at(command.text, command.position));
  if (!split.ok) {
    report.error(
      'quote-unclosed',
      command.position,
      `the quote ${split.quote} in this command is never closed`,
    );
    return undefined;
  }
  const argv = split.words.map(word => word.text);
  if (argv.length === 0) {
    report.error('value-invalid', command.position, 'the command is empty');
    return undefined;
  }
  if (argv.some(part => part.includes('\0'))) {
    report.error('value-invalid', command.position, 'a command cannot contain a NUL byte');
    return undefined;
  }
  tellShellSyntax(argv, command.position, report);
  return argv;
}

/** Words that only a shell understands: pipes, lists, redirections. */
const SHELL_SYNTAX = /^(?:\|\|?|&&?|;|<|\d?>>?\S*)$/;

/** Commands are run without a shell: what needs one is told. */
function tellShellSyntax(argv: readonly string[], position: Position, report: Report): void {
  const suspicious = argv.find(part => SHELL_SYNTAX.test(part) || part.endsWith(';'));
  if (suspicious === undefined || /(?:^|\/)(?:ba|da|k|z)?sh$/.test(argv[0] ?? '')) return;
  const message = `\`${suspicious}\` needs a shell, and commands are run without one`;
  report.warning('script-needs-shell', position, message, 'write `"/bin/sh -c \'…\'"`');
}
