import { expect, test } from 'vitest';
import { dnsResponseCode, encodeDnsQuery } from './dns.ts';

test('a query for the root (RFC 1035 §4.1)', () => {
  const expected = Uint8Array.of(0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 6, 0, 1);
  expect(encodeDnsQuery(0x1234, 'SOA', '.')).toEqual(expected);
});

test('a final dot changes nothing', () => {
  expect(encodeDnsQuery(1, 'a', 'www.example.')).toEqual(encodeDnsQuery(1, 'A', 'www.example'));
});

test.each([
  ['SPF', 'example'],
  ['A', 'a..b'],
  ['A', `${'a'.repeat(64)}.b`],
  ['A', 'abc.'.repeat(64)],
])('%s %s is no query', (type, name) => {
  expect(encodeDnsQuery(1, type, name)).toBeUndefined();
});

test.each<[string, number[], string | undefined]>([
  ['a response', [0, 1, 0x80, 0], 'NOERROR'],
  ['a refusal', [0, 1, 0x81, 5], 'REFUSED'],
  ['a query', [0, 1, 1, 0], undefined],
  ['the response to another query', [0, 2, 0x80, 0], undefined],
])('%s', (_, head, code) => {
  expect(dnsResponseCode(Uint8Array.from([...head, 0, 1, 0, 0, 0, 0, 0, 0]), 1)).toBe(code);
});

test('a short message is no response', () => {
  expect(dnsResponseCode(Uint8Array.of(0, 1, 0x80, 0), 1)).toBeUndefined();
});
