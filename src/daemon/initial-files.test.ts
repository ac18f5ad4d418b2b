import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { checkConfig } from '#conf/load.ts';
import type { Config } from '#conf/model.ts';
import { readInitialFiles } from './initial-files.ts';
import { Log } from './log.ts';

let folder: string;
let lines: string[];
let log: Log;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tandem-initial-'));
  lines = [];
  log = new Log({ write: (_, line) => void lines.push(line) }, () => 0, true);
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Tracks files of the folder: name → options of the definition. */
function tracking(files: Readonly<Record<string, string>>): Config {
  const names = Object.keys(files);
  const definitions = names.map(
    name => `track_file ${name} {\n file ${join(folder, name)}\n ${files[name] ?? ''}\n}\n`,
  );
  const text = `${definitions.join('')}vrrp_instance V {
    interface eth0
    virtual_router_id 1
    virtual_ipaddress {
      192.0.2.1
    }
    track_file {
      ${names.join('\n')}
    }
  }`;
  return checkConfig('a.conf', { read: () => text, glob: () => [] }, { hostname: 'ka67' }).config;
}

const values = (config: Config, before?: Config) =>
  readInitialFiles(config, log, before).map(event =>
    event.kind === 'fileValue' ? [event.file, event.value] : [],
  );

test('every tracked file has a value before VRRP starts', () => {
  writeFileSync(join(folder, 'a'), '12\n');
  expect(values(tracking({ a: '', b: '', c: 'init_file 7' }))).toEqual([
    ['a', 12],
    ['b', 0],
    ['c', 7],
  ]);
});

test('a reload initialises and reads new files only', () => {
  const before = tracking({ a: 'init_file 1 overwrite' });
  expect(values(before)).toEqual([['a', 1]]);
  writeFileSync(join(folder, 'a'), '5');
  const after = tracking({ a: 'init_file 1 overwrite', b: 'init_file 2' });
  expect(values(after, before)).toEqual([['b', 2]]);
  expect(readFileSync(join(folder, 'a'), 'utf8')).toBe('5');
});

test('a file that cannot be written is said, and its value is 0', () => {
  rmSync(folder, { recursive: true });
  expect(values(tracking({ a: 'init_file 3' }))).toEqual([['a', 0]]);
  expect(lines.join()).toContain('track_file a: init_file could not write');
  folder = mkdtempSync(join(tmpdir(), 'tandem-initial-'));
});
