import fc from 'fast-check';
import { isIP } from 'node:net';
import { describe, expect, test } from 'vitest';
import { cidrContains, compareIp, formatIp, parseCidr, parseIp } from './address.ts';

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });

describe('addresses', () => {
  test('text and bytes round-trip', () => {
    fc.assert(
      fc.property(fc.oneof(bytes(4), bytes(16)), address => {
        expect(parseIp(formatIp(address))).toEqual(address);
      }),
    );
  });

  test('accepts what Node accepts, apart from zones', () => {
    const piece = fc.constantFrom('1', '0', ':', '::', '.', 'ff', '255', '256', '1.2.3.4', '01', 'g');
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 9 }), parts => {
        const text = parts.join('');
        expect(parseIp(text) !== undefined, text).toBe(isIP(text) !== 0);
      }),
      { numRuns: 2000 },
    );
  });

  test.each([
    ['::', '::'],
    ['2001:DB8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['::ffff:1.2.3.4', '::ffff:102:304'],
    ['1:0:2:3:4:5:6:7', '1:0:2:3:4:5:6:7'],
  ])('%s is written %s', (text, canonical) => {
    expect(formatIp(parseIp(text) ?? new Uint8Array(4))).toBe(canonical);
  });

  test.each([
    ['10.0.0.0/8', '10.255.0.1', true],
    ['10.0.0.0/8', '11.0.0.1', false],
    ['172.16.8.0/21', '172.16.15.255', true],
    ['172.16.8.0/21', '172.16.16.0', false],
    ['0.0.0.0/0', '1.2.3.4', true],
    ['2001:db8::/33', '2001:db8:8000::', false],
    ['10.0.0.0/8', '::1', false],
  ])('%s contains %s: %s', (network, address, expected) => {
    const cidr = parseCidr(network);
    const ip = parseIp(address);
    expect(cidr && ip && cidrContains(cidr, ip)).toBe(expected);
  });

  test('a prefix beyond the width is refused', () => {
    expect(parseCidr('1.2.3.4/33')).toBeUndefined();
    expect(parseCidr('::1/129')).toBeUndefined();
    expect(parseCidr('1.2.3.4/')).toBeUndefined();
  });

  test('order is numeric', () => {
    const ip = (text: string) => parseIp(text) ?? new Uint8Array(4);
    expect(compareIp(ip('10.0.0.9'), ip('10.0.0.10'))).toBeLessThan(0);
  });
});
