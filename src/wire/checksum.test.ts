import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checksumOf, pseudoHeaderSum, sumBytes, sumWords, updateChecksum } from './checksum.ts';
import { viewOf } from './layout.ts';

const evenBytes = fc
  .uint8Array({ minLength: 2, maxLength: 64 })
  .map(bytes => bytes.subarray(0, bytes.length & ~1));

describe('the Internet checksum', () => {
  test('is that of RFC 1071 §3', () => {
    const bytes = Uint8Array.of(0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7);
    expect(checksumOf(sumWords(viewOf(bytes), 0, bytes.length))).toBe(0x220d);
  });

  test('is 0 over data that contains it', () => {
    fc.assert(
      fc.property(evenBytes, bytes => {
        const view = viewOf(bytes);
        view.setUint16(0, 0);
        view.setUint16(0, checksumOf(sumWords(view, 0, bytes.length)));
        expect(checksumOf(sumWords(view, 0, bytes.length))).toBe(0);
      }),
    );
  });

  test('pads an odd byte with a zero', () => {
    const odd = Uint8Array.of(1, 2, 3);
    expect(sumWords(viewOf(odd), 0, 3)).toBe(0x0102 + 0x0300);
    expect(sumBytes(odd)).toBe(0x0102 + 0x0300);
  });

  test('updated for one word equals computed anew (RFC 1624 §3)', () => {
    const word = fc.nat({ max: 0xffff });
    fc.assert(
      fc.property(evenBytes, word, (bytes, after) => {
        const view = viewOf(bytes);
        const before = view.getUint16(0);
        const old = checksumOf(sumWords(view, 0, bytes.length));
        view.setUint16(0, after);
        const fresh = checksumOf(sumWords(view, 0, bytes.length));
        // All zero words have two representations of zero; on the wire a message is never all zero.
        fc.pre(bytes.some(byte => byte !== 0));
        expect(updateChecksum(old, before, after)).toBe(fresh);
      }),
    );
  });

  test('a pseudo-header adds addresses, protocol and length', () => {
    const sum = pseudoHeaderSum(Uint8Array.of(10, 0, 0, 1), Uint8Array.of(224, 0, 0, 18), 112, 12);
    expect(sum).toBe(0x0a00 + 0x0001 + 0xe000 + 0x0012 + 112 + 12);
  });
});
