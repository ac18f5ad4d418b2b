import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { loadConfiguration } from './configuration.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tandem-configuration-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function load(password: string, more: string, acceptHarmless: boolean) {
  const configFile = join(folder, 'keepalived.conf');
  writeFileSync(
    configFile,
    `vrrp_instance V {
interface lo0
virtual_router_id 7
authentication {
auth_type PASS
auth_pass ${password}
}
${more}
virtual_ipaddress {
10.0.0.9
}
}
`,
  );
  const { exitCode, hasErrors } = loadConfiguration({ configFile, configId: 'a', acceptHarmless }, 'vrrp');
  return { exitCode, hasErrors };
}

test('what keepalived complains of and does all the same: -t says 5 unless it is accepted, a reload takes it', () => {
  expect(load('12345678', '', false)).toEqual({ exitCode: 0, hasErrors: false });
  expect(load('123456789', '', false)).toEqual({ exitCode: 5, hasErrors: false });
  expect(load('123456789', '', true)).toEqual({ exitCode: 0, hasErrors: false });
});

test('a line that is lost is an error whatever is accepted', () => {
  expect(load('12345678', 'prioritty 7', true)).toEqual({ exitCode: 5, hasErrors: true });
  expect(load('123456789', 'prioritty 7', false)).toEqual({ exitCode: 5, hasErrors: true });
});
