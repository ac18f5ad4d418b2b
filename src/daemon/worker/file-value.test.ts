import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execFileSync } from 'node:child_process';
import { afterAll, describe, expect, test } from 'vitest';
import type { TrackFile } from '#conf/model.ts';
import { initialiseTrackFile, readTrackFile, valueOf } from './file-value.ts';

const folder = mkdtempSync(join(tmpdir(), 'tandem-value-'));
afterAll(() => rmSync(folder, { recursive: true }));

describe('the number of a track_file', () => {
  test.each([
    ['5\n', 5],
    ['  -30 because', -30],
    ['+7', 7],
    ['0x1f', 31],
    ['010', 8],
    ['09', 0],
    ['0', 0],
    ['-0', 0],
    ['five', 0],
    ['', 0],
    ['2147483647', 2147483647],
    ['-2147483648', -2147483648],
    ['2147483648', undefined],
  ])('%j is %j', (text, expected) => {
    expect(valueOf({ text })).toBe(expected);
  });

  test('a file that is absent, empty or a FIFO that nobody writes to is 0', () => {
    const empty = join(folder, 'empty');
    writeFileSync(empty, '');
    const fifo = join(folder, 'fifo');
    execFileSync('mkfifo', [fifo]);
    expect([join(folder, 'none'), empty, fifo].map(readTrackFile)).toEqual(['absent', 'empty', 'empty']);
    expect(valueOf('absent')).toBe(0);
  });

  test('only the beginning of a long file is read', () => {
    const long = join(folder, 'long');
    writeFileSync(long, `12 ${'x'.repeat(10_000)}`);
    expect(readTrackFile(long)).toEqual({ text: `12 ${'x'.repeat(124)}` });
  });
});

describe('init_file', () => {
  const initialised = (before: string | undefined, initFile: TrackFile['initFile']): string => {
    const file = join(folder, 'initial');
    rmSync(file, { force: true });
    if (before !== undefined) writeFileSync(file, before);
    const position = { file: 'a.conf', line: 1, column: 1 };
    initialiseTrackFile({ name: 'f', position, file, weight: 1, reverse: false, initFile });
    return readFileSync(file, 'utf8');
  };

  test.each([
    ['makes a file', undefined, false, '3\n'],
    ['leaves one that is there', '9', false, '9'],
    ['overwrites it when told to', '9', true, '3\n'],
  ])('%s', (_, before, overwrite, expected) => {
    expect(initialised(before, { value: 3, overwrite })).toBe(expected);
  });

  test('nothing is written without it, and a folder that is absent is an error', () => {
    expect(initialised('9', undefined)).toBe('9');
    const position = { file: 'a.conf', line: 1, column: 1 };
    const file = join(folder, 'none', 'f');
    const initFile = { value: 1, overwrite: false };
    const missing: TrackFile = { name: 'f', position, file, weight: 1, reverse: false, initFile };
    expect(() => initialiseTrackFile(missing)).toThrow('ENOENT');
  });
});
