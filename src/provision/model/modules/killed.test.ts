import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ModuleHost } from '#testing/module-host.ts';
import { copy } from './copy.ts';
import { fileReverter } from './file-reverter.ts';

let host: ModuleHost;
beforeEach(() => {
  host = new ModuleHost();
});
afterEach(() => host.remove());

const COMMANDS = ['cp', 'mv', 'rm', 'sync', 'mkdir'];
/** More than one change runs; the loop ends at the first run that is not killed. */
const COMMANDS_MAX = 60;

/** Every command counts itself; the one whose turn it is kills the whole session first, as a power cut would. */
function armCommands(): void {
  for (const name of COMMANDS)
    writeFileSync(
      `${host.bin}/${name}`,
      `#!/bin/sh
read -r n <'${host.dir}/count'; echo $((n+1)) >'${host.dir}/count'
[ "$n" -lt "$KILL_AT" ] || kill -9 0
PATH=/usr/sbin:/usr/bin:/sbin:/bin; exec ${name} "$@"
`,
      { mode: 0o755 },
    );
}

describe('killed at any command', () => {
  test('the next run converges, and teardown restores', async () => {
    let killedAt = 0;
    for (; killedAt < COMMANDS_MAX; killedAt++) {
      const dir = host.path(`d${killedAt}`);
      const dest = `${dir}/a.conf`;
      mkdirSync(dir);
      if (killedAt % 2 === 0) writeFileSync(dest, `original ${killedAt}`);
      writeFileSync(host.path('count'), '0\n');
      armCommands();
      const args = { dest, content: `ours ${killedAt}`, mode: '0600' };
      const finished = await host.converge(copy, args, { KILL_AT: String(killedAt) }).then(
        () => true,
        () => false,
      );
      for (const name of COMMANDS) rmSync(`${host.bin}/${name}`);
      const halfWay = existsSync(dest) ? readFileSync(dest, 'utf8') : undefined;
      expect([undefined, `original ${killedAt}`, `ours ${killedAt}`]).toContain(halfWay);
      await host.converge(copy, args);
      expect(readFileSync(dest, 'utf8')).toBe(`ours ${killedAt}`);
      expect(readdirSync(dir)).toEqual(['a.conf']);
      if (finished) break;
    }
    expect(killedAt).toBeGreaterThan(6);
    await host.teardown(fileReverter);
    for (let run = 0; run <= killedAt; run++) {
      const dest = host.path(`d${run}/a.conf`);
      expect(existsSync(dest) ? readFileSync(dest, 'utf8') : undefined).toBe(
        run % 2 === 0 ? `original ${run}` : undefined,
      );
    }
  });
});
