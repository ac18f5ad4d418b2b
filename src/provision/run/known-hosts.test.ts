import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  entriesFor,
  fingerprint,
  hostKeyAlgorithms,
  judgeHostKey,
  knownHostsLine,
  lookupName,
  parseKnownHosts,
} from './known-hosts.ts';

/** A public key blob of a type, told apart by `id`: known_hosts never looks further in. */
function blob(type: string, id: string): Buffer {
  const name = Buffer.from(type);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(name.length);
  return Buffer.concat([length, name, Buffer.from(id)]);
}
const line = (names: string, key: Buffer, type = 'ssh-ed25519'): string =>
  `${names} ${type} ${key.toString('base64')}\n`;
const A = blob('ssh-ed25519', 'key a');
const B = blob('ssh-ed25519', 'key b');
const RSA = blob('ssh-rsa', 'rsa key');

describe('judging a key', () => {
  const cases: readonly [string, string, string, number, Buffer, string][] = [
    ['plain name', line('ka67', A), 'ka67', 22, A, 'known'],
    ['names do not depend on case', line('KA67', A), 'ka67', 22, A, 'known'],
    ['a list of names', line('ka67,172.16.8.10', A), '172.16.8.10', 22, A, 'known'],
    ['another key', line('ka67', A), 'ka67', 22, B, 'changed'],
    ['another key of another type', line('ka67', RSA, 'ssh-rsa'), 'ka67', 22, A, 'changed'],
    ['any of several keys', line('ka67', A) + line('ka67', B), 'ka67', 22, B, 'known'],
    ['no line', line('ka68', A), 'ka67', 22, A, 'unknown'],
    ['empty file', '', 'ka67', 22, A, 'unknown'],
    ['wildcard', line('*.example.net', A), 'ka67.example.net', 22, A, 'known'],
    ['a dot is a dot', line('ka67.example', A), 'ka67xexample', 22, A, 'unknown'],
    ['question mark', line('ka6?', A), 'ka67', 22, A, 'known'],
    ['negation overrules', line('*,!ka67', A), 'ka67', 22, A, 'unknown'],
    ['negation leaves others', line('*,!ka68', A), 'ka67', 22, A, 'known'],
    ['a port has its own name', line('[ka67]:2222', A), 'ka67', 2222, A, 'known'],
    ['another port is another host', line('[ka67]:2222', A), 'ka67', 2223, A, 'unknown'],
    ['a matching key without the port counts', line('ka67', A), 'ka67', 2222, A, 'known'],
    ['a differing key without the port does not', line('ka67', A), 'ka67', 2222, B, 'unknown'],
    ['the port name is not the plain one', line('[ka67]:2222', A), 'ka67', 22, A, 'unknown'],
    ['revoked', line('@revoked *', A) + line('ka67', A), 'ka67', 22, A, 'revoked'],
    ['another one revoked', line('@revoked *', B) + line('ka67', A), 'ka67', 22, A, 'known'],
    ['an authority vouches for certificates only', line('@cert-authority *', A), 'ka67', 22, A, 'unknown'],
    ['an unknown marker', line('@trusted ka67', A), 'ka67', 22, A, 'unknown'],
    ['a comment', `# ${line('ka67', A)}`, 'ka67', 22, A, 'unknown'],
    ['the type must be the key’s', line('ka67', A, 'ssh-rsa'), 'ka67', 22, A, 'unknown'],
    ['trailing comment', `${line('ka67', A).trim()} root@somewhere\n`, 'ka67', 22, A, 'known'],
    ['truncated line', 'ka67 ssh-ed25519\n', 'ka67', 22, A, 'unknown'],
  ];
  test.each(cases)('%s', (_name, text, host, port, key, status) => {
    const entries = parseKnownHosts('known_hosts', text);
    const names = [...new Set([lookupName(host, port), host])];
    expect(judgeHostKey(entries, names, key).status).toBe(status);
  });

  test('a changed key names the line that says otherwise', () => {
    const entries = parseKnownHosts('/home/x/.ssh/known_hosts', `# one\n\n${line('ka67', A)}`);
    const verdict = judgeHostKey(entries, ['ka67'], B);
    expect(verdict).toMatchObject({
      status: 'changed',
      entry: { file: '/home/x/.ssh/known_hosts', line: 3 },
    });
  });
});

describe('algorithms', () => {
  test('the types that are known come first', () => {
    const entries = parseKnownHosts('f', line('ka67', RSA, 'ssh-rsa'));
    expect(hostKeyAlgorithms(entries, ['ka67']).slice(0, 4)).toEqual([
      'rsa-sha2-512',
      'rsa-sha2-256',
      'ssh-rsa',
      'ssh-ed25519',
    ]);
  });

  test('a host that only an authority vouches for needs the system’s ssh', () => {
    const entries = parseKnownHosts('f', line('@cert-authority *.example.net', A));
    expect(hostKeyAlgorithms(entries, ['ka67.example.net'])).toBe('needs-openssh');
    expect(hostKeyAlgorithms(entries, ['ka67'])).toContain('ssh-ed25519');
  });

  test('a hardware-backed host key needs the system’s ssh', () => {
    const key = blob('sk-ssh-ed25519@openssh.com', 'x');
    const entries = parseKnownHosts('f', line('ka67', key, 'sk-ssh-ed25519@openssh.com'));
    expect(hostKeyAlgorithms(entries, ['ka67'])).toBe('needs-openssh');
  });
});

describe('beside ssh-keygen', () => {
  let directory: string;
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'tandem-known-hosts-'));
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(directory, 'key')]);
  });
  afterAll(() => rmSync(directory, { recursive: true }));

  const publicKey = (): Buffer =>
    Buffer.from(readFileSync(join(directory, 'key.pub'), 'utf8').split(' ')[1] ?? '', 'base64');

  test('names that ssh-keygen -H has hashed are found', () => {
    const file = join(directory, 'hashed');
    writeFileSync(
      file,
      knownHostsLine('ka67', publicKey(), false) + knownHostsLine('[ka68]:2222', publicKey(), false),
    );
    execFileSync('ssh-keygen', ['-q', '-H', '-f', file], { stdio: 'ignore' });
    const entries = parseKnownHosts(file, readFileSync(file, 'utf8'));
    expect(entries.map(entry => entry.names.slice(0, 3))).toEqual(['|1|', '|1|']);
    expect(judgeHostKey(entries, ['ka67'], publicKey()).status).toBe('known');
    expect(judgeHostKey(entries, ['[ka68]:2222', 'ka68'], publicKey()).status).toBe('known');
    expect(judgeHostKey(entries, ['ka68'], publicKey()).status).toBe('unknown');
  });

  test('ssh-keygen -F finds the names that we hash, and prints our fingerprint', () => {
    const file = join(directory, 'ours');
    writeFileSync(file, knownHostsLine('[ka67]:2222', publicKey(), true));
    const found = execFileSync('ssh-keygen', ['-l', '-F', '[ka67]:2222', '-f', file], { encoding: 'utf8' });
    expect(found).toContain(fingerprint(publicKey()));
    expect(entriesFor(parseKnownHosts(file, readFileSync(file, 'utf8')), '[ka67]:2222')).toHaveLength(1);
  });
});
