import { spawn, type SpawnOptions } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { FILE_1_1, FILE_1_2, PASSWORD, PLAIN, PROD_PASSWORD } from '#testing/vault-texts.ts';

const MAIN = resolve(import.meta.dirname, 'main.ts');
let folder: string;
const at = (name: string) => join(folder, name);
const read = (name: string) => readFileSync(at(name), 'utf8');

function write(name: string, text: string, mode = 0o644): string {
  writeFileSync(at(name), text);
  chmodSync(at(name), mode);
  return at(name);
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tandem-vault-test-'));
  mkdirSync(at('run'));
  write('pw', `${PASSWORD}\n`, 0o600);
  write('prod', PROD_PASSWORD, 0o600);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

interface Result {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

function start(argv: readonly string[], env: Record<string, string> = {}) {
  const options: SpawnOptions = {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'] ?? '', NO_COLOR: '1', XDG_RUNTIME_DIR: at('run'), ...env },
  };
  return spawn(process.execPath, [MAIN, ...argv], options);
}

function tandem(
  argv: readonly string[],
  more: { input?: string; env?: Record<string, string> } = {},
): Promise<Result> {
  const child = start(argv, more.env);
  let [out, err] = ['', ''];
  child.stdout?.on('data', (chunk: Buffer) => (out += chunk.toString()));
  child.stderr?.on('data', (chunk: Buffer) => (err += chunk.toString()));
  child.stdin?.end(more.input ?? '');
  return new Promise(done => child.once('close', code => done({ code, out, err })));
}

const withPassword = ['--vault-password-file'];

describe('tandem vault', () => {
  test('encrypt and decrypt in place, a link’s target too; the mode stays, and clear text is one’s own', async () => {
    const file = write('secrets.yml', PLAIN, 0o640);
    symlinkSync('secrets.yml', at('link.yml'));
    expect(await tandem(['vault', 'encrypt', at('link.yml'), ...withPassword, at('pw')])).toMatchObject({
      code: 0,
    });
    expect(read('secrets.yml')).toMatch(/^\$ANSIBLE_VAULT;1\.1;AES256\n(?:[0-9a-f]{1,80}\n)+$/);
    expect(statSync(file).mode & 0o777).toBe(0o640);
    const again = await tandem(['vault', 'encrypt', file, ...withPassword, at('pw')]);
    expect([again.code, again.err]).toEqual([64, expect.stringContaining('encrypted already')]);
    expect(await tandem(['vault', 'decrypt', file, ...withPassword, at('pw')])).toMatchObject({ code: 0 });
    expect([read('secrets.yml'), statSync(file).mode & 0o777]).toEqual([PLAIN, 0o600]);
    expect(readdirSync(folder).filter(name => name.startsWith('.'))).toEqual([]);
  });

  test('view reads ansible-vault’s files: several ids, a script, the environment', async () => {
    const old = write('v11.yml', FILE_1_1);
    const labelled = write('v12.yml', FILE_1_2);
    const script = write(
      'get-client',
      '#!/bin/sh\n[ "$1 $2" = "--vault-id prod" ] && cat "${0%/*}/prod"\n',
      0o700,
    );
    const both = await tandem([
      'vault',
      'view',
      old,
      labelled,
      '--vault-id',
      `prod@${script}`,
      '--vault-id',
      at('pw'),
    ]);
    expect(both).toEqual({ code: 0, out: PLAIN + PLAIN, err: '' });
    const env = { TANDEM_VAULT_PASSWORD_FILE: at('pw') };
    expect(await tandem(['vault', 'view', old], { env })).toMatchObject({ out: PLAIN });
  });

  test('standard input to standard output, with a vault id', async () => {
    const id = ['--vault-id', `prod@${at('prod')}`];
    const sealed = await tandem(['vault', 'encrypt', ...id], { input: PLAIN });
    expect(sealed.out).toMatch(/^\$ANSIBLE_VAULT;1\.2;AES256;prod\n/);
    expect(await tandem(['vault', 'decrypt', ...id], { input: sealed.out })).toMatchObject({ out: PLAIN });
  });

  test('encrypt_string takes the value from standard input and refuses it as an argument', async () => {
    const made = await tandem(['vault', 'encrypt_string', '-n', 'foo', ...withPassword, at('pw')], {
      input: 'x y',
    });
    expect(made.out).toMatch(/^foo: !vault \|\n {10}\$ANSIBLE_VAULT;1\.1;AES256\n(?: {10}[0-9a-f]+\n)+$/);
    const argument = await tandem(['vault', 'encrypt_string', 'x', ...withPassword, at('pw')]);
    expect([argument.code, argument.err]).toEqual([64, expect.stringContaining('process list')]);
  });

  test('rekey opens all files first, and then none is as before', async () => {
    const one = write('1', FILE_1_1, 0o600);
    const other = write('2', FILE_1_2, 0o600);
    const to = ['--new-vault-id', `next@${write('new', 'n3w')}`];
    const failed = await tandem(['vault', 'rekey', one, other, ...withPassword, at('pw'), ...to]);
    expect(failed.err).toMatch(/2:1:1: error: .*vault id prod.*\[vault-wrong-password\]/);
    expect([failed.code, read('1'), read('2')]).toEqual([64, FILE_1_1, FILE_1_2]);
    const keys = ['--vault-id', `prod@${at('prod')}`, '--vault-id', at('pw')];
    expect(await tandem(['vault', 'rekey', one, other, ...keys, ...to])).toMatchObject({ code: 0 });
    const view = await tandem(['vault', 'view', one, other, '--vault-id', `next@${at('new')}`]);
    expect([view.out, read('2').split('\n')[0]]).toEqual([PLAIN + PLAIN, '$ANSIBLE_VAULT;1.2;AES256;next']);
  });

  test.each([
    [['view', '/nowhere/x'], 'there is no file /nowhere/x'],
    [['view', MAIN], 'is not encrypted: tandem vault encrypt'],
    [
      ['view', 'FILE', '--vault-password-file', '/nowhere/pw'],
      'vault password file /nowhere/pw: there is no such file',
    ],
    [
      ['view', 'FILE', '--vault-password-file', '/bin/false'],
      'it is executable, so it was run, and it ended with exit code 1',
    ],
    [['view', 'FILE', '--vault-password-file', '/dev/null'], 'the password is empty'],
    [['view', 'FILE'], 'there is no terminal to ask'],
    [
      ['encrypt', MAIN, '--vault-id', 'a@/etc/hostname', '--vault-id', 'b@/etc/hostname'],
      '--encrypt-vault-id LABEL',
    ],
  ])('%j is refused with the way out', async (argv, says) => {
    const file = write('v', FILE_1_1);
    const result = await tandem(['vault', ...argv.map(word => (word === 'FILE' ? file : word))]);
    expect([result.code, result.out]).toEqual([64, '']);
    expect(result.err).toContain(says);
  });
});

describe('tandem vault edit', () => {
  const edit = (...argv: string[]) => ['vault', 'edit', ...argv, ...withPassword, at('pw')];

  test('the editor sees the clear text at mode 0600 in a folder at 0700; both are gone afterwards', async () => {
    const file = write('s.yml', FILE_1_1, 0o640);
    const editor = write(
      'editor',
      `#!/bin/sh\nstat -c %a "$2" "\${2%/*}" >${at('modes')}; echo "more: 1" >>"$2"; echo "$1" >>${at('modes')}\n`,
      0o700,
    );
    expect(await tandem(edit(file), { env: { EDITOR: `${editor} --flag` } })).toEqual({
      code: 0,
      out: '',
      err: '',
    });
    expect(read('modes')).toBe('600\n700\n--flag\n');
    expect(readdirSync(at('run'))).toEqual([]);
    expect(await tandem(['vault', 'view', file, ...withPassword, at('pw')])).toMatchObject({
      out: `${PLAIN}more: 1\n`,
    });
    expect(statSync(file).mode & 0o777).toBe(0o640);
  });

  test('nothing is written if nothing was changed, or if the editor fails', async () => {
    const file = write('s.yml', FILE_1_1);
    expect(await tandem(edit(file), { env: { EDITOR: 'true' } })).toMatchObject({ code: 0 });
    const failed = await tandem(edit(file), { env: { EDITOR: `sh -c 'echo x >>$0; exit 3'` } });
    expect([failed.code, failed.err]).toEqual([
      1,
      expect.stringContaining('exit code 3: the file is as it was'),
    ]);
    expect([read('s.yml'), readdirSync(at('run'))]).toEqual([FILE_1_1, []]);
  });

  test.each(['SIGTERM', 'SIGHUP'] as const)('%s removes the clear text and leaves the file', async signal => {
    const file = write('s.yml', FILE_1_1);
    const child = start(edit(file), { EDITOR: `sh -c 'echo >${at('open')}; exec sleep 60'` });
    const ended = new Promise<number | null>(done => child.once('close', done));
    await expect.poll(() => existsSync(at('open')), { timeout: 15_000 }).toBe(true);
    expect(readdirSync(at('run'))).toHaveLength(1);
    child.kill(signal);
    expect(await ended).toBe(1);
    expect([read('s.yml'), readdirSync(at('run'))]).toEqual([FILE_1_1, []]);
  });

  test('create makes a file of mode 0600, and never over another one', async () => {
    const env = { EDITOR: "sh -c 'echo a: 1 >$0'" };
    expect(
      await tandem(['vault', 'create', at('new.yml'), ...withPassword, at('pw')], { env }),
    ).toMatchObject({ code: 0 });
    expect(statSync(at('new.yml')).mode & 0o777).toBe(0o600);
    expect(await tandem(['vault', 'view', at('new.yml'), ...withPassword, at('pw')])).toMatchObject({
      out: 'a: 1\n',
    });
    expect(
      await tandem(['vault', 'create', at('new.yml'), ...withPassword, at('pw')], { env }),
    ).toMatchObject({ code: 64 });
  });
});

describe('commands that load an inventory', () => {
  const SITE = `all:
  hosts: { a: { ansible_host: 10.0.0.1 }, b: { ansible_host: 10.0.0.2 } }
topology:
  vrrp_instances:
    V: { interface: eth0, virtual_router_id: VRID, nodes: [a, b], authentication: { auth_type: PASS, auth_pass: "{{ vrrp_pass }}" }, virtual_ipaddress: [10.0.0.9] }
`;

  test('validate and render decrypt it; without the password they say where', async () => {
    mkdirSync(at('group_vars'));
    write('group_vars/all', FILE_1_1);
    const inventory = write('i.yml', SITE.replace('VRID', '7'));
    const render = ['render', '-i', inventory, '--host', 'a'];
    expect((await tandem([...render, ...withPassword, at('pw')])).out).toContain('auth_pass Tandem-1');
    const closed = await tandem(['validate', '-i', inventory]);
    expect([closed.code, closed.out]).toEqual([64, '']);
    expect(closed.err).toContain(`${at('group_vars/all')}:1:1: error: this file is encrypted`);
  });

  test('a complaint about an encrypted value does not show it', async () => {
    const sealed = await tandem(['vault', 'encrypt_string', '-n', 'vrid', ...withPassword, at('pw')], {
      input: '4711',
    });
    mkdirSync(at('group_vars'));
    write('group_vars/all', `vrrp_pass: x\n${sealed.out}`);
    const inventory = write('i.yml', SITE.replace('VRID', '"{{ vrid | int }}"'));
    const result = await tandem(['validate', '-i', inventory, ...withPassword, at('pw')]);
    expect([result.code, result.err]).toEqual([64, expect.stringMatching(/virtual_router_id.*\*{8}/)]);
    expect(result.err).not.toContain('4711');
  });
});
