import {
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ModuleHost } from '#testing/module-host.ts';
import { file } from './file.ts';
import { fileReverter } from './file-reverter.ts';

let host: ModuleHost;
beforeEach(() => {
  host = new ModuleHost();
});
afterEach(() => host.remove());

describe('file', () => {
  test('a directory and those above it are each an entry, and teardown removes them if they are empty', async () => {
    const args = { path: host.path('a/b/c'), state: 'directory', mode: '0750' };
    const changes = await host.converge(file, args);
    expect(changes.map(change => change.summary)).toEqual([
      'directory created, 755 root:root',
      'directory created, 755 root:root',
      'directory created, 750 root:root',
    ]);
    expect((statSync(host.path('a/b/c')).mode & 0o777).toString(8)).toBe('750');
    expect(await host.plan(file, args)).toEqual([]);
    writeFileSync(host.path('a/theirs'), '');
    expect(await host.teardown(fileReverter)).toEqual({
      'file:/a/b/c': 'ours',
      'file:/a/b': 'ours',
      'file:/a': 'ours',
    });
    expect(existsSync(host.path('a/b'))).toBe(false);
    expect(existsSync(host.path('a/theirs'))).toBe(true);
  });

  test('mode and owner of what is there, and back', async () => {
    mkdirSync(host.path('d'), { mode: 0o711 });
    const [change] = await host.converge(file, {
      path: host.path('d'),
      state: 'directory',
      mode: '0700',
      owner: 'nobody',
    });
    expect(change?.summary).toBe('mode 711 → 700, owner root → nobody');
    expect(await host.plan(file, { path: host.path('d'), state: 'directory', owner: 65534 })).toEqual([]);
    await host.teardown(fileReverter);
    expect(statSync(host.path('d'))).toMatchObject({ uid: 0, mode: 0o40711 });
  });

  test('a link is replaced in one step, and back', async () => {
    symlinkSync('/old', host.path('l'));
    await host.converge(file, { path: host.path('l'), state: 'link', src: '/new place' });
    expect(readlinkSync(host.path('l'))).toBe('/new place');
    expect(await host.plan(file, { path: host.path('l'), state: 'link', src: '/new place' })).toEqual([]);
    await host.teardown(fileReverter);
    expect(readlinkSync(host.path('l'))).toBe('/old');
  });

  test('what is removed comes back', async () => {
    writeFileSync(host.path('f'), 'kept', { mode: 0o600 });
    symlinkSync('target', host.path('l'));
    await host.converge(file, { path: host.path('f'), state: 'absent' });
    await host.converge(file, { path: host.path('l'), state: 'absent' });
    expect(existsSync(host.path('f'))).toBe(false);
    await host.teardown(fileReverter);
    expect(readFileSync(host.path('f'), 'utf8')).toBe('kept');
    expect(lstatSync(host.path('l')).isSymbolicLink()).toBe(true);
  });

  test('what is in the way is refused', async () => {
    writeFileSync(host.path('f'), '');
    await expect(host.plan(file, { path: host.path('f'), state: 'directory' })).rejects.toThrow(
      /is file, not a directory/,
    );
    await expect(host.plan(file, { path: host.path('f'), state: 'link', src: 'x' })).rejects.toThrow(
      /move it away/,
    );
    await expect(host.plan(file, { path: host.path('none') })).rejects.toThrow(
      /use the copy or template module/,
    );
    expect(() => file.schema.parse({ path: '/a', state: 'link' })).toThrow(/goes with/);
  });
});
