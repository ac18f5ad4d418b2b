import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { completionScript, SHELLS } from './completion.ts';
import { program } from './program.ts';

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tandem-completion-'));
  writeFileSync(join(folder, 'bash'), completionScript(program(), 'bash'));
  mkdirSync(join(folder, 'site'));
  writeFileSync(join(folder, 'site', 'my pair.yml'), '');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What bash offers where a line ends; `=` is a word of its own there, as in bash. */
function complete(line: string): string[] {
  const words = line.split(' ').flatMap(word => word.split(/(?==)|(?<==)/));
  const script = `source ./bash
compopt() { :; }  # works only while readline completes
shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
$(complete -p tandem | sed 's/.*-F \\([^ ]*\\).*/\\1/')
printf '%s\\n' "\${COMPREPLY[@]}"`;
  const said = execFileSync('bash', ['--norc', '-c', script, 'bash', '-', ...words], {
    cwd: folder,
    encoding: 'utf8',
  });
  return said.split('\n').filter(word => word !== '');
}

describe('in bash', () => {
  test.each([
    ['tandem app', ['apply']],
    ['tandem lab c', ['crash', 'cut']],
    ['tandem vault ed', ['edit']],
    ['tandem apply --fork', ['--forks']],
    ['tandem apply -i site --limit apply --tag', ['--tags']],
    ['tandem graph --format m', ['mermaid']],
    ['tandem graph --format=s', ['svg']],
    ['tandem graph --format=', ['svg', 'mermaid']],
    ['tandem completion z', ['zsh']],
  ])('%s⇥', (line, words) => {
    expect(complete(line)).toEqual(words);
  });

  test('-i completes files, and so do arguments that are files', () => {
    expect(complete('tandem apply -i si')).toEqual(['site']);
    expect(complete('tandem apply --inventory=si')).toEqual(['site']);
    expect(complete('tandem status -i site/')).toEqual(['site/my pair.yml']);
    expect(complete('tandem vault edit site/m')).toEqual(['site/my pair.yml']);
  });

  test('a value that nobody can know, and hosts, complete to nothing', () => {
    expect(complete('tandem apply --limit a')).toEqual([]);
    expect(complete('tandem drain a')).toEqual([]);
  });

  test('every visible command and option is offered', () => {
    for (const command of program().commands) {
      const flags = command.options.flatMap(({ long }) => long ?? []);
      expect(complete('tandem ')).toContain(command.name());
      expect(complete(`tandem ${command.name()} --`)).toEqual(expect.arrayContaining(flags));
    }
  });
});

test.each(SHELLS)('the script for %s is the one for our name and has all commands', shell => {
  const script = completionScript(program(), shell);
  for (const { name } of program().commands.map(command => ({ name: command.name() })))
    expect(script).toContain(name);
});
