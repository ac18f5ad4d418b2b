import { inspect } from 'node:util';
import { expect, test } from 'vitest';
import { SecretBytes } from './secret.ts';

test('a secret is not shown by accident', () => {
  const secret = new SecretBytes(Uint8Array.of(112, 119));
  expect([String(secret), JSON.stringify({ secret }), inspect({ secret })].join(' ')).not.toMatch(/112|pw/);
  expect(secret.reveal()).toEqual(Uint8Array.of(112, 119));
  expect(secret.equals(new SecretBytes(Uint8Array.of(112, 119)))).toBe(true);
  expect(secret.equals(new SecretBytes(Uint8Array.of(112)))).toBe(false);
});
