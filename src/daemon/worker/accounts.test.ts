import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { resolveAccount } from './accounts.ts';

const etc = mkdtempSync(join(tmpdir(), 'tandem-etc-'));
const bare = join(etc, 'passwd');
afterAll(() => rmSync(etc, { recursive: true }));

const ROOT = 'root:x:0:0:root:/root:/bin/sh\n';
const OURS = 'keepalived_script:x:998:997::/:/bin/false\n';
const WEB = 'www:x:33:34::/:/bin/false\n';
writeFileSync(join(etc, 'group'), 'adm:x:4:\n');

test.each([
  ['nobody is named and keepalived_script exists', ROOT + OURS, '', '', { uid: 998, gid: 997 }],
  ['nobody is named and it does not exist', ROOT + WEB, '', '', { uid: 0, gid: 0 }],
  ['a user is named', ROOT + OURS + WEB, 'www', '', { uid: 33, gid: 34 }],
  ['a user and a group are named', ROOT + WEB, 'www', 'adm', { uid: 33, gid: 4 }],
  ['numbers are given', ROOT, '7', '8', { uid: 7, gid: 8 }],
])('whom a script runs as when %s', (_, passwd, user, group, expected) => {
  writeFileSync(bare, passwd);
  expect(resolveAccount(user, group, etc)).toEqual(expected);
});

test('a user or group that does not exist is named', () => {
  writeFileSync(bare, ROOT);
  expect(() => resolveAccount('ghost', '', etc)).toThrow('there is no user "ghost"');
  expect(() => resolveAccount('root', 'ghosts', etc)).toThrow('there is no group "ghosts"');
});
