import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { checkConfig } from '#conf/load.ts';
import { Log } from './log.ts';
import { runOneShot } from './one-shot-script.ts';

const folder = mkdtempSync(join(tmpdir(), 'tandem-one-shot-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Runs a startup_script for at most `timeoutMs`; returns what was logged. */
function ran(script: string, timeoutMs = 5000): string[] {
  const text = `global_defs {\n script_user ${userInfo().username}\n startup_script ${script}\n}\n`;
  const { config } = checkConfig('a.conf', { read: () => text, glob: () => [] }, { hostname: 'ka67' });
  const lines: string[] = [];
  const log = new Log({ write: (_, line) => void lines.push(line) }, () => 0, true);
  runOneShot('startup_script', config.globalDefs.startupScript, timeoutMs, config, log);
  return lines;
}

test('it has ended when the call returns', () => {
  const made = join(folder, 'made');
  expect(ran(`"/usr/bin/touch ${made}"`)).toEqual([]);
  expect(existsSync(made)).toBe(true);
});

test.each([
  ['/usr/bin/false', 5000, 'exited with 1'],
  [`"/bin/sh -c 'kill -TERM $$'"`, 5000, 'was ended by SIGTERM'],
  ['"/bin/sleep 60"', 50, 'ran for more than 50 ms and was killed'],
  ['/does/not/exist', 5000, 'ENOENT'],
  ['/usr/bin/true ghost-user', 5000, 'there is no user "ghost-user"'],
])('%s: said, and the start goes on', (script, timeoutMs, said) => {
  const lines = ran(script, timeoutMs);
  expect(lines).toHaveLength(1);
  expect(lines[0]).toContain(said);
});
