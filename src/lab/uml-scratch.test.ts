import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { identityOf, writeJson } from './state.ts';
import { makeScratch } from './uml-scratch.ts';

test('what a killed run left is removed; other directories, and those of runs that go on, stay', async () => {
  const parent = mkdtempSync(join(tmpdir(), 'tandem-scratch-'));
  try {
    const [left, nascent, foreign] = ['tandem-uml-left', 'tandem-uml-nascent', 'left'].map(name => {
      mkdirSync(join(parent, name));
      return join(parent, name);
    }) as [string, string, string];
    const own = identityOf(process.pid);
    for (const directory of [left, foreign])
      await writeJson(join(directory, 'owner.json'), { ...own, startTicks: -1 });
    const first = await makeScratch(parent);
    const second = await makeScratch(parent);
    expect([left, nascent, foreign, first, second].map(path => existsSync(path))).toEqual([
      false,
      true,
      true,
      true,
      true,
    ]);
  } finally {
    rmSync(parent, { recursive: true });
  }
});
