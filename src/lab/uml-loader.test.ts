import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { withLoader } from './uml-loader.ts';

test.runIf(process.arch === 'x64')(
  'a program runs with the loader of the directory that it is started in',
  () => {
    const folder = mkdtempSync(join(tmpdir(), 'tandem-loader-'));
    try {
      const program = join(folder, 'echo');
      writeFileSync(program, withLoader(readFileSync('/bin/echo'), 'ld.so'));
      chmodSync(program, 0o755);
      const said = () => spawnSync(program, ['hello'], { cwd: folder, encoding: 'utf8' }).stdout;
      expect(said()).not.toBe('hello\n');
      symlinkSync('/lib64/ld-linux-x86-64.so.2', join(folder, 'ld.so'));
      expect(said()).toBe('hello\n');
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
);

test('what is no such program, or has no room, is refused', () => {
  expect(() => withLoader(Buffer.from('#!/bin/sh'), 'ld.so')).toThrow('does not name');
  const program = Buffer.from('…/lib64/ld-linux-x86-64.so.2\0…');
  expect(() => withLoader(program, '/a/path/that/is/longer/ld.so')).toThrow('no room');
});
