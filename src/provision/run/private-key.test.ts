import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { kindOfKey } from './private-key.ts';

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'tandem-keys-'));
});
afterAll(() => rmSync(directory, { recursive: true }));

function made(name: string, ...options: string[]): string {
  execFileSync('ssh-keygen', ['-q', '-f', join(directory, name), ...options]);
  return readFileSync(join(directory, name), 'latin1');
}

test.each([
  ['an ed25519 key', ['-t', 'ed25519', '-N', ''], 'plain'],
  ['an encrypted ed25519 key', ['-t', 'ed25519', '-N', 'open sesame'], 'encrypted'],
  ['an ECDSA key in PEM', ['-t', 'ecdsa', '-m', 'PEM', '-N', ''], 'plain'],
  ['an encrypted ECDSA key in PEM', ['-t', 'ecdsa', '-m', 'PEM', '-N', 'open sesame'], 'encrypted'],
  ['an encrypted ECDSA key in PKCS #8', ['-t', 'ecdsa', '-m', 'PKCS8', '-N', 'open sesame'], 'encrypted'],
])('%s of ssh-keygen', (name, options, kind) => {
  expect(kindOfKey(made(name.replaceAll(/\W/g, '-'), ...options))).toBe(kind);
});

test('a key on a token', () => {
  const string = (text: string | Buffer): Buffer => {
    const bytes = Buffer.from(text);
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    return Buffer.concat([length, bytes]);
  };
  const count = Buffer.from([0, 0, 0, 1]);
  const publicKey = string(string('sk-ssh-ed25519@openssh.com'));
  const blob = Buffer.concat([
    Buffer.from('openssh-key-v1\0'),
    string('none'),
    string('none'),
    string(''),
    count,
    publicKey,
  ]);
  const armoured = `-----BEGIN OPENSSH PRIVATE KEY-----\n${blob.toString('base64')}\n-----END OPENSSH PRIVATE KEY-----\n`;
  expect(kindOfKey(armoured)).toBe('hardware');
});

test.each([
  ['nothing', ''],
  ['a public key', 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI root@ka67\n'],
  ['a frame without a key', '-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n'],
])('%s is not a key', (_name, text) => {
  expect(kindOfKey(text)).toBe('not-a-key');
});
