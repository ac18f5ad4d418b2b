import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ModuleHost } from '#testing/module-host.ts';
import { copy } from './copy.ts';
import { file } from './file.ts';
import { leftovers } from './leftovers.ts';

let host: ModuleHost;
beforeEach(async () => {
  host = new ModuleHost();
  await host.converge(file, { path: host.path('conf.d'), state: 'directory' });
  writeFileSync(host.path('conf.d/theirs.conf'), 'theirs\n');
  for (const name of ['web', 'db'])
    await host.converge(copy, { dest: host.path(`conf.d/${name}.conf`), content: `${name}\n` });
});
afterEach(() => host.remove());

const converge = (...keep: string[]) =>
  host.converge(leftovers, { directory: host.path('conf.d'), keep: keep.map(name => `${name}.conf`) });

test('what no task writes any more goes, and nothing else; then there is nothing to do', async () => {
  const changes = await converge('web');
  expect(changes.map(change => change.resource.replace(host.dir, ''))).toEqual(['file:/conf.d/db.conf']);
  expect(existsSync(host.path('conf.d/db.conf'))).toBe(false);
  expect(readFileSync(host.path('conf.d/web.conf'), 'utf8')).toBe('web\n');
  expect(readFileSync(host.path('conf.d/theirs.conf'), 'utf8')).toBe('theirs\n');
  expect(await host.plan(leftovers, { directory: host.path('conf.d'), keep: ['web.conf'] })).toEqual([]);
});

test('one that somebody changed is refused, with the way out', async () => {
  writeFileSync(host.path('conf.d/db.conf'), 'db, edited\n');
  await expect(converge('web')).rejects.toThrow(/somebody has changed it since: remove it, or/);
  expect(readFileSync(host.path('conf.d/db.conf'), 'utf8')).toBe('db, edited\n');
});

test('one that was there before Tandem is there again', async () => {
  writeFileSync(host.path('conf.d/old.conf'), 'before\n');
  await host.converge(copy, { dest: host.path('conf.d/old.conf'), content: 'ours\n' });
  await converge('web', 'db');
  expect(readFileSync(host.path('conf.d/old.conf'), 'utf8')).toBe('before\n');
});
