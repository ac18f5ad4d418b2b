import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { must } from '#base/assert.ts';
import { moduleArguments, moduleDoc, moduleRows } from './module-doc.ts';
import { MODULES } from './modules/registry.ts';

const rows = moduleRows(readFileSync(new URL('../../../docs/modules.md', import.meta.url), 'utf8'));
/** Where the release goes on a host: the daemon's unit looks for it in one place only. */
const UNSAID = new Set(['root']);

test('every module has a row, and every row a module', () => {
  expect(rows.map(({ name }) => name).toSorted()).toEqual([...MODULES.keys()].toSorted());
});

describe('docs/modules.md names every argument', () => {
  test.each([...MODULES.values()])('$name', module => {
    const row = must(
      rows.find(({ name }) => name === module.name),
      'a row',
    );
    const template = rows.find(({ name }) => name === 'template')?.arguments ?? '';
    const text = row.arguments.includes('and the same') ? `${row.arguments} ${template}` : row.arguments;
    const missing = moduleArguments(module)
      .map(({ name }) => name)
      .filter(name => !UNSAID.has(name) && !new RegExp(`\\b${name}\\b`).test(text));
    expect(missing).toEqual([]);
  });
});

test('what is printed', () => {
  const sysctl = must(MODULES.get('sysctl'), 'the module');
  const row = { name: 'sysctl', arguments: '', about: 'a kernel parameter', teardown: 'as it was' };
  expect(moduleDoc(sysctl, row)).toBe(`sysctl: a kernel parameter

Arguments:
  name            string, required
  value           string or integer, required
  sysctl_file     string, default "/etc/sysctl.d/99-tandem.conf"
  ignore_missing  boolean, default false

At teardown: as it was`);
});
