import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ModuleHost } from '#testing/module-host.ts';
import { redactSecrets } from '#provision/model/variables-secrets.ts';
import { copy } from './copy.ts';
import { fileReverter } from './file-reverter.ts';
import { parseSeenPath, sha256Of } from './path-state.ts';
import { template } from './template.ts';

let host: ModuleHost;
beforeEach(() => {
  host = new ModuleHost();
});
afterEach(() => host.remove());

const modeOf = (path: string): string => (statSync(path).mode & 0o7777).toString(8);

describe('template and copy', () => {
  test('a new file: mode, owner, nothing beside it, and the second time nothing to do', async () => {
    const dest = host.path("it's.conf");
    const args = { src: 'x.njk', dest, mode: '0640', text: 'one\ntwo\n' };
    const changes = await host.converge(template, args);
    expect(changes).toMatchObject([
      { resource: `file:${dest}`, from: { type: 'absent' }, before: '', after: 'one\ntwo\n', effect: 'none' },
    ]);
    expect(changes[0]?.summary).toBe('created, 8 bytes, 640 root:root');
    expect(readFileSync(dest, 'utf8')).toBe('one\ntwo\n');
    expect(modeOf(dest)).toBe('640');
    expect(readdirSync(host.dir).filter(name => !name.startsWith('.'))).toEqual(["it's.conf"]);
    expect(readdirSync(host.paths.state).sort()).toEqual(['ledger', 'staging']);
    expect(await host.plan(template, args)).toEqual([]);
  });

  test('teardown gives the original back to the byte, with its mode, though it was changed twice', async () => {
    const dest = host.path('a.conf');
    const original = Buffer.from([0, 1, 2, 255, 10, 10]);
    writeFileSync(dest, original);
    chmodSync(dest, 0o604);
    const [change] = await host.converge(copy, { dest, content: 'ours\n', mode: '0600' });
    expect(change).not.toHaveProperty('before');
    expect(change?.summary).toBe('content, mode 604 → 600');
    await host.converge(copy, { dest, content: 'ours again\n', mode: '0600' });
    expect(await host.teardown(fileReverter)).toEqual({ 'file:/a.conf': 'ours' });
    expect(readFileSync(dest)).toEqual(original);
    expect(modeOf(dest)).toBe('604');
  });

  test('teardown leaves what somebody changed since, and what we only meant to change', async () => {
    const dest = host.path('a.conf');
    await host.converge(copy, { dest, content: 'ours\n' });
    writeFileSync(dest, 'theirs\n');
    expect(await host.teardown(fileReverter)).toEqual({ 'file:/a.conf': 'foreign' });
    expect(readFileSync(dest, 'utf8')).toBe('theirs\n');
  });

  test('a refused file leaves the old one, and the refusal says why', async () => {
    const dest = host.path('a.conf');
    writeFileSync(dest, 'good\n');
    const args = { dest, content: 'bad word\n', validate: 'sh -c \'grep bad "$1" >&2 && exit 4\' sh %s' };
    await expect(host.converge(copy, args)).rejects.toThrow(/bad word\n.*a\.conf: refused by/);
    expect(readFileSync(dest, 'utf8')).toBe('good\n');
    expect(readdirSync(`${host.paths.state}/staging`)).toEqual([]);
  });

  test('a file that changes between plan and apply is not overwritten', async () => {
    const dest = host.path('a.conf');
    writeFileSync(dest, 'planned for\n');
    const args = copy.schema.parse({ dest, content: 'ours\n' });
    const resolved = { ...args, text: 'ours\n' };
    const seen = copy.parse(await host.ask(copy.probe(resolved)), resolved);
    const [change] = copy.diff(resolved, seen, host.context());
    writeFileSync(dest, 'changed meanwhile\n');
    const answer = change && (await host.run(copy.apply(change, resolved, host.context())));
    expect(answer?.exit).toBe(1);
    expect(new TextDecoder().decode(answer?.stderr)).toContain('changed since it was read; run again');
    expect(readFileSync(dest, 'utf8')).toBe('changed meanwhile\n');
  });

  test('a full disk leaves the old file and no rest', async () => {
    const dest = host.path('a.conf');
    writeFileSync(dest, 'old\n');
    writeFileSync(
      `${host.bin}/cp`,
      '#!/bin/sh\nfor t; do :; done; echo half >"$t"; echo "cp: No space left on device" >&2; exit 1\n',
      { mode: 0o755 },
    );
    await expect(host.converge(copy, { dest, content: 'new\n' })).rejects.toThrow('No space left on device');
    expect(readFileSync(dest, 'utf8')).toBe('old\n');
    expect(readdirSync(host.dir).filter(name => name.includes('tandem'))).toEqual([]);
  });

  test('secrets are masked in diffs, and a difference of secrets alone is said to be one', async () => {
    const dest = host.path('a.conf');
    writeFileSync(dest, 'auth_pass old-one\n');
    const args = copy.schema.parse({ dest, content: 'auth_pass new-one\n' });
    const resolved = { ...args, text: 'auth_pass new-one\n' };
    const seen = copy.parse(await host.ask(copy.probe(resolved)), resolved);
    const [change] = copy.diff(resolved, seen, { ...host.context(), redact: text => redactSecrets(text) });
    expect(JSON.stringify(change)).not.toMatch(/old-one|new-one/);
    expect(change?.summary).toBe('content (only what is secret differs)');
  });

  test('a link, a directory and a missing directory are refused with the way out', async () => {
    symlinkSync('/etc/hosts', host.path('link'));
    mkdirSync(host.path('dir'));
    await expect(host.plan(copy, { dest: host.path('link'), content: '' })).rejects.toThrow(
      /is a symbolic link to \/etc\/hosts/,
    );
    await expect(host.plan(copy, { dest: host.path('dir'), content: '' })).rejects.toThrow(/is a directory/);
    await expect(host.plan(copy, { dest: host.path('no/where/x'), content: '' })).rejects.toThrow(
      /there is no directory .*no\/where: make it/,
    );
    expect(lstatSync(host.path('link')).isSymbolicLink()).toBe(true);
  });

  test('content travels back only where it differs, and only if it is small', async () => {
    const dest = host.path('a.conf');
    const text = 'x'.repeat(70_000);
    writeFileSync(dest, 'same\n');
    const probe = async (wanted: string): Promise<number> =>
      (await host.ask(copy.probe({ ...copy.schema.parse({ dest, content: wanted }), text: wanted }))).length;
    const state = await probe('same\n');
    expect(state).toBeLessThan(120);
    expect(await probe('other\n')).toBe(state + 'same\n'.length);
    writeFileSync(dest, text);
    expect(await probe('other\n')).toBeLessThan(120);
  });

  test.each([
    [{ dest: 'relative', content: '' }, /absolute path/],
    [{ dest: '/a/../b', content: '' }, /without \. and \.\./],
    [{ dest: '/a', content: '', mode: 640 }, /quoted octal mode/],
    [{ dest: '/a', content: '', mode: 'u=rw' }, /octal mode/],
    [{ dest: '/a' }, /either src or content/],
    [{ dest: '/a', content: '', validate: 'true' }, /with %s/],
    [{ dest: '/a', content: '', owner: 'x y' }, /user or group/],
  ])('%j is no way to call it', (args, message) => {
    expect(() => copy.schema.parse(args)).toThrow(message);
  });
});

describe('what is at a path', () => {
  const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
  test('text that lost a NUL on its way is no text', () => {
    const answer = encode(`file 644 root root 0 0 3 ${sha256Of('a\0b')}\nab`);
    expect(parseSeenPath(answer)).toMatchObject({ state: { type: 'file' }, text: undefined, bytes: 3 });
  });

  test('an owner without a name is its number', () => {
    expect(parseSeenPath(encode('directory 755 UNKNOWN UNKNOWN 4711 42\n')).state).toEqual({
      type: 'directory',
      mode: '755',
      owner: '4711',
      group: '42',
    });
  });

  test('anything else is refused', () => {
    expect(() => parseSeenPath(encode('bash: stat: command not found'))).toThrow(SyntaxError);
  });
});

describe('the configuration of the daemon that is replaced', () => {
  const instance = (name: string, id: number): string =>
    `vrrp_instance ${name} {\n  interface eth0\n  virtual_router_id ${id}\n  priority 90\n  virtual_ipaddress {\n    192.0.2.${id}\n  }\n}\n`;
  const args = (): Record<string, unknown> => ({
    src: 'k.njk',
    dest: host.path('ours.conf'),
    text: instance('V', 5).replace('priority 90', 'priority 254') + instance('W', 8),
    vrrp_configuration: true,
    vrrp_replaces: { service: 'keepalived', path: host.path('keepalived.conf') },
  });
  const systemctl = (exit: number): void =>
    writeFileSync(`${host.bin}/systemctl`, `#!/bin/sh\nexit ${exit}\n`, { mode: 0o755 });

  beforeEach(() => {
    mkdirSync(host.path('conf.d'));
    writeFileSync(host.path('keepalived.conf'), '# main\nglobal_defs {\n}\n  include conf.d/*.conf\n');
    writeFileSync(host.path('conf.d/v.conf'), instance('V', 5));
    writeFileSync(host.path('conf.d/w.conf'), `${instance('W', 7)}# no newline at its end`);
  });

  test('is read with what it includes while that daemon runs', async () => {
    systemctl(0);
    const [change] = await host.plan(template, args());
    expect(change?.vrrp).toMatchObject({
      replaced: 'keepalived',
      breaks: [{ instance: 'W', keywords: ['virtual_router_id'] }],
      elections: [
        { instance: 'V', before: 90, after: 254 },
        { instance: 'W', before: 90, after: 90 },
      ],
    });
  });

  test('counts for nothing while it does not', async () => {
    systemctl(3);
    const [change] = await host.plan(template, args());
    expect(change).not.toHaveProperty('vrrp');
  });
});
