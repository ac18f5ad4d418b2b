import { expect, test } from 'vitest';
import { matchesProcess, type ProcessPattern } from './process-match.ts';

const byName = (name: string): ProcessPattern => ({
  process: [name],
  paramMatch: undefined,
  fullCommand: false,
});
const byPath = (paramMatch: ProcessPattern['paramMatch'], ...process: string[]): ProcessPattern => ({
  process,
  paramMatch,
  fullCommand: true,
});

test.each<[string, ProcessPattern, string, string[], boolean]>([
  ['its name', byName('httpd'), 'httpd', ['/usr/sbin/httpd'], true],
  ['no other name', byName('ssh'), 'sshd', ['ssh'], false],
  ['the first 15 characters of a name', byName('a-very-long-name-indeed'), 'a-very-long-nam', [], true],
  ['how it was called', byPath(undefined, '/usr/sbin/httpd'), 'x', ['/usr/sbin/httpd', '-D', 'y'], true],
  ['not its name, with full_command', byPath(undefined, 'httpd'), 'httpd', ['/usr/sbin/httpd'], false],
  ['exactly these parameters', byPath('exact', 'h', '-f', 'a'), 'h', ['h', '-f', 'a'], true],
  ['no parameters', byPath('exact', 'h'), 'h', ['h', '-f'], false],
  ['not more parameters', byPath('exact', 'h', '-f'), 'h', ['h', '-f', 'a'], false],
  ['the first parameters', byPath('partial', 'h', '-f'), 'h', ['h', '-f', 'a'], true],
  ['not the beginning of one', byPath('partial', 'h', '-'), 'h', ['h', '-f'], false],
  [
    'the beginning of the last one',
    byPath('initial', 'h', '-f', '/etc/'),
    'h',
    ['h', '-f', '/etc/h.conf'],
    true,
  ],
  ['not the beginning of others', byPath('initial', 'h', '-', '/etc/'), 'h', ['h', '-f', '/etc/h'], false],
  ['not fewer parameters', byPath('initial', 'h', '-f', ''), 'h', ['h', '-f'], false],
])('a process is known by %s', (_, pattern, comm, argv, expected) => {
  expect(matchesProcess(pattern, comm, () => argv)).toBe(expected);
});
