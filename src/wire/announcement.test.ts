import { describe, expect, test } from 'vitest';
import { parseIp } from '#base/address.ts';
import { must } from '#base/assert.ts';
import { gratuitousArp } from './arp.ts';
import { checksumOf, pseudoHeaderSum, sumWords } from './checksum.ts';
import { viewOf } from './layout.ts';
import { unsolicitedAdvertisement } from './ndp.ts';

const mac = Uint8Array.of(2, 0, 0, 0, 0, 9);
const ip = (text: string) => must(parseIp(text), text);
const hex = (frame: Uint8Array) => Buffer.from(frame).toString('hex');

describe('announcements', () => {
  test('a gratuitous ARP has the bytes of RFC 826', () => {
    expect(hex(gratuitousArp(mac, ip('172.16.8.100')))).toBe(
      ['ffffffffffff 020000000009 0806', '0001 0800 0604 0001 020000000009 ac100864 000000000000 ac100864']
        .join('')
        .replaceAll(' ', ''),
    );
  });

  test('a neighbour advertisement has the bytes of RFC 4861', () => {
    const frame = unsolicitedAdvertisement(mac, ip('2001:db8::1'), false);
    expect(hex(frame.subarray(0, 54))).toBe(
      [
        '333300000001 020000000009 86dd',
        '60000000 0020 3aff 20010db8000000000000000000000001 ff020000000000000000000000000001',
      ]
        .join('')
        .replaceAll(' ', ''),
    );
    expect(hex(frame.subarray(54, 56))).toBe('8800');
    expect(hex(frame.subarray(58))).toBe('2000000020010db80000000000000000000000010201020000000009');
  });

  test('its checksum is right, for a router too', () => {
    for (const router of [false, true]) {
      const address = ip('2001:db8::1');
      const frame = unsolicitedAdvertisement(mac, address, router);
      const pseudo = pseudoHeaderSum(address, ip('ff02::1'), 58, 32);
      expect(checksumOf(sumWords(viewOf(frame), 54, frame.length, pseudo))).toBe(0);
      expect((frame[58] ?? 0) >> 7).toBe(router ? 1 : 0);
    }
  });
});
