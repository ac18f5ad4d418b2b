import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FILE_1_1, FILE_1_2, PASSWORD, PLAIN, PROD_PASSWORD } from '#testing/vault-texts.ts';
import { Secret } from './shell.ts';
import { isVaulted, open, readEnvelope, seal } from './vault-format.ts';

const text = (bytes: Uint8Array | undefined) => bytes && Buffer.from(bytes).toString();

describe('ansible-vault’s files', () => {
  test.each([
    ['1.1', FILE_1_1, PASSWORD, undefined],
    ['1.2', FILE_1_2, PROD_PASSWORD, 'prod'],
  ])('%s opens, and is written byte for byte the same', (_version, file, password, label) => {
    const envelope = readEnvelope(file);
    expect(isVaulted(file)).toBe(true);
    expect(envelope.label).toBe(label);
    expect(text(open(envelope, new Secret(password)))).toBe(PLAIN);
    expect(seal(Buffer.from(PLAIN), new Secret(password), envelope.salt, label)).toBe(file);
  });

  test('no other password opens one, nor does the right one after a change', () => {
    expect(open(readEnvelope(FILE_1_1), new Secret('hunter3'))).toBeUndefined();
    const altered = readEnvelope(FILE_1_1);
    altered.ciphertext[0] = (altered.ciphertext[0] ?? 0) ^ 1;
    expect(open(altered, new Secret(PASSWORD))).toBeUndefined();
  });
});

test('what is sealed opens, whatever it is', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), fc.string({ minLength: 1 }), (plain, password) => {
      const sealed = seal(plain, new Secret(password), new Uint8Array(32).fill(7), 'x');
      expect(sealed.split('\n').every(line => line.length <= 80)).toBe(true);
      expect(Buffer.from(open(readEnvelope(sealed), new Secret(password)) ?? [])).toEqual(Buffer.from(plain));
    }),
    { numRuns: 30 },
  );
});

describe('a damaged text', () => {
  const lines = FILE_1_1.split('\n');
  test.each([
    ['an unknown version', FILE_1_1.replace('1.1', '2.0'), 1],
    ['an old cipher', FILE_1_1.replace('AES256', 'AES'), 1],
    ['a letter that is no digit', FILE_1_1.replace(lines[2] ?? '', `x${lines[2]?.slice(1)}`), 3],
    ['a conflict of a merge', FILE_1_1.replace(lines[3] ?? '', `<<<<<<< HEAD\n${lines[3]}`), 4],
    ['an end that is missing', lines.slice(0, 3).join('\n'), 3],
    ['a digit too few', FILE_1_1.trimEnd().slice(0, -1), 7],
    ['a header only', lines[0] ?? '', 1],
  ])('%s is told by its line', (_what, damaged, line) => {
    expect(() => readEnvelope(damaged)).toThrow(expect.objectContaining({ name: 'VaultFault', line }));
  });
});
