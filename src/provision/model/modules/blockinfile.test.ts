import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ModuleHost } from '#testing/module-host.ts';
import { blockinfile, blockReverter } from './blockinfile.ts';

let host: ModuleHost;
let path: string;
beforeEach(() => {
  host = new ModuleHost();
  path = host.path('hosts');
});
afterEach(() => host.remove());

const read = (): string => readFileSync(path, 'utf8');
const put = (block: string) => host.converge(blockinfile, { path, block });

describe('blockinfile', () => {
  test.each([
    ['', ''],
    ['127.0.0.1 localhost\n', '127.0.0.1 localhost\n'],
    ['a\nno newline at the end', 'a\nno newline at the end\n'],
    ['back\\slash $HOME `x` %s\n\n', 'back\\slash $HOME `x` %s\n\n'],
  ])('%j: put at the end, replaced in place, and to the byte as before at teardown', async (first, above) => {
    writeFileSync(path, first, { mode: 0o640 });
    await put('10.0.0.1 one');
    expect(read()).toBe(`${above}# BEGIN TANDEM\n10.0.0.1 one\n# END TANDEM\n`);
    expect(statSync(path).mode & 0o777).toBe(0o640);
    expect(await host.plan(blockinfile, { path, block: '10.0.0.1 one\n' })).toEqual([]);
    await put('10.0.0.2 two\n10.0.0.3 three\n');
    expect(read()).toBe(`${above}# BEGIN TANDEM\n10.0.0.2 two\n10.0.0.3 three\n# END TANDEM\n`);
    expect(Object.values(await host.teardown(blockReverter))).toEqual(['ours']);
    expect(read()).toBe(first);
    expect(Object.values(await host.teardown(blockReverter))).toEqual(['gone']);
  });

  test('what others wrote around it stays, at teardown too', async () => {
    writeFileSync(path, 'before\n');
    await put('ours');
    writeFileSync(path, `${read()}after\n`);
    await put('ours, changed');
    expect(read()).toBe('before\n# BEGIN TANDEM\nours, changed\n# END TANDEM\nafter\n');
    await host.teardown(blockReverter);
    expect(read()).toBe('before\nafter\n');
  });

  test('a block that somebody changed is foreign', async () => {
    writeFileSync(path, '');
    await put('ours');
    writeFileSync(path, read().replace('ours', 'theirs'));
    expect(Object.values(await host.teardown(blockReverter))).toEqual(['foreign']);
    expect(read()).toContain('theirs');
  });

  test('a file that is not there and a begin without an end are refused', async () => {
    await expect(put('x')).rejects.toThrow(/there is no .*hosts: make it/);
    writeFileSync(path, 'a\n# BEGIN TANDEM\nb\n');
    await expect(put('x')).rejects.toThrow(/hosts:2: "# BEGIN TANDEM" without "# END TANDEM"/);
  });
});
