import fc from 'fast-check';
import { expect, test } from 'vitest';
import { checksumOf, pseudoHeaderSum, sumWords } from './checksum.ts';
import { viewOf } from './layout.ts';
import { decodeProbe, encodeProbe } from './probe.ts';
import { authenticationHeader, IPPROTO_VRRP, vrrpV2Header } from './vrrp.ts';

const words = { name: 'kä67', round: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8), vrid: 103 };
const V4 = { source: Uint8Array.of(172, 16, 8, 10), destination: Uint8Array.of(224, 0, 0, 18) };
const V6 = { source: new Uint8Array(16).fill(1), destination: new Uint8Array(16).fill(2) };

test.each([
  ['IPv4', { ...V4, ah: false }, 0],
  ['IPv4 with AH', { ...V4, ah: true }, authenticationHeader.length],
  ['IPv6', { ...V6, ah: false }, 0],
])('over %s the words arrive, and nothing in the header is an advert’s', (_what, way, base) => {
  const bytes = encodeProbe(words, way);
  const message = bytes.subarray(base);
  expect(decodeProbe(message)).toEqual(words);
  const header = vrrpV2Header.read(viewOf(bytes), base);
  expect(header).toMatchObject({ vrid: 0, priority: 1, addressCount: 0 });
  expect(header.versionType & 0x0f).not.toBe(1);
  const pseudo =
    way.source.length === 16 ? pseudoHeaderSum(way.source, way.destination, IPPROTO_VRRP, message.length) : 0;
  expect(checksumOf(sumWords(viewOf(bytes), base, bytes.length, pseudo))).toBe(0);
});

test('other bytes are no probe frame, and do no harm', () => {
  expect(decodeProbe(Uint8Array.of(0x21, 103, 254, 1, 0, 1, 0, 0, 172, 16, 8, 100))).toBeUndefined();
  const frame = encodeProbe(words, { ...V4, ah: false });
  for (let length = 0; length < frame.length; length++)
    expect(decodeProbe(frame.subarray(0, length))).toBeUndefined();
  fc.assert(fc.property(fc.uint8Array({ maxLength: 64 }), bytes => decodeProbe(bytes) === undefined));
});
