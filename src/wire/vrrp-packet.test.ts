import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseIp } from '#base/address.ts';
import { must } from '#base/assert.ts';
import { checksumOf, pseudoHeaderSum, sumWords } from './checksum.ts';
import { viewOf } from './layout.ts';
import { AdvertisementPacket, type AdvertisementSpec } from './vrrp-packet.ts';
import { adverIntervalMs, authenticationHeader, vrrpV2Header, vrrpV3Header } from './vrrp.ts';

const ip = (text: string) => must(parseIp(text), text);
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const secret = new TextEncoder().encode('sesame\0\0');
const BASE = {
  version: 2,
  adverIntervalMs: 1000,
  source: ip('10.9.9.1'),
  destination: ip('224.0.0.18'),
  cast: 'multicast',
  pseudoHeader: true,
} as const;

/** Payloads as keepalived 2.2.7 sent them, at priority 100. */
const KEEPALIVED: readonly [title: string, spec: AdvertisementSpec, payload: string][] = [
  [
    'version 2',
    { ...BASE, vrid: 55, addresses: [ip('10.9.9.105')] },
    '21376401000167540a0909690000000000000000',
  ],
  [
    'version 2 with a password',
    {
      ...BASE,
      vrid: 51,
      addresses: [ip('10.9.9.100'), ip('10.9.9.101')],
      authentication: { type: 'PASS', data: secret },
    },
    '213364020101fec10a0909640a090965736573616d650000',
  ],
  [
    'version 3',
    { ...BASE, version: 3, vrid: 53, adverIntervalMs: 500, addresses: [ip('10.9.9.103')] },
    '313564010032638e0a090967',
  ],
  [
    'version 3, unicast',
    {
      ...BASE,
      version: 3,
      vrid: 57,
      destination: ip('10.9.9.2'),
      cast: 'unicast',
      addresses: [ip('10.9.9.107')],
    },
    '313964010064305c0a09096b',
  ],
  [
    'version 3, IPv6',
    {
      ...BASE,
      version: 3,
      vrid: 54,
      adverIntervalMs: 500,
      source: ip('fe80::dc5e:b9ff:feca:c776'),
      destination: ip('ff02::12'),
      addresses: [ip('fe80::beef'), ip('2001:db8::1')],
    },
    '313664020032249cfe80000000000000000000000000beef20010db8000000000000000000000001',
  ],
];

describe('an advertisement', () => {
  test.each(KEEPALIVED)('is what keepalived sends: %s', (_, spec, payload) => {
    const packet = new AdvertisementPacket(spec);
    packet.setPriority(100);
    expect(hex(packet.bytes)).toBe(payload);
    packet.setPriority(0);
    packet.setPriority(255);
    packet.setPriority(100);
    expect(hex(packet.bytes)).toBe(payload);
  });

  const address = fc.uint8Array({ minLength: 4, maxLength: 4 });
  const spec = fc.record({
    vrid: fc.integer({ min: 1, max: 255 }),
    addresses: fc.array(address, { maxLength: 20 }),
    source: address,
    destination: address,
    cast: fc.constantFrom('multicast' as const, 'unicast' as const),
    pseudoHeader: fc.boolean(),
  });

  test('of version 3 decodes to what was encoded, with a good checksum after every patch', () => {
    const centiseconds = fc.integer({ min: 1, max: 4095 });
    const priorities = fc.array(fc.nat({ max: 255 }), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(spec, centiseconds, priorities, (fields, interval, patches) => {
        const packet = new AdvertisementPacket({ ...fields, version: 3, adverIntervalMs: interval * 10 });
        const view = viewOf(packet.bytes);
        for (const priority of patches) {
          packet.setPriority(priority);
          const decoded = vrrpV3Header.decode(view);
          expect(decoded).toMatchObject({ versionType: 0x31, vrid: fields.vrid, priority });
          expect(decoded?.addressCount).toBe(fields.addresses.length);
          expect(adverIntervalMs(view, 0, 3)).toBe(interval * 10);
          const { length } = packet.bytes;
          const pseudo = fields.pseudoHeader
            ? pseudoHeaderSum(fields.source, fields.destination, 112, length)
            : 0;
          expect(checksumOf(sumWords(view, 0, length, pseudo))).toBe(0);
        }
      }),
    );
  });

  test('of version 2 decodes to what was encoded', () => {
    fc.assert(
      fc.property(
        spec,
        fc.integer({ min: 1, max: 255 }),
        fc.nat({ max: 255 }),
        (fields, seconds, priority) => {
          const packet = new AdvertisementPacket({ ...fields, version: 2, adverIntervalMs: seconds * 1000 });
          packet.setPriority(priority);
          const view = viewOf(packet.bytes);
          expect(vrrpV2Header.decode(view)).toMatchObject({
            versionType: 0x21,
            priority,
            adverIntS: seconds,
          });
          expect(adverIntervalMs(view, 0, 2)).toBe(seconds * 1000);
          expect(checksumOf(sumWords(view, 0, packet.bytes.length))).toBe(0);
        },
      ),
    );
  });

  test('with AH is signed anew for every sequence number', () => {
    const authentication = { type: 'AH', data: secret } as const;
    const packet = new AdvertisementPacket({
      ...BASE,
      vrid: 52,
      addresses: [ip('10.9.9.102')],
      authentication,
    });
    expect(packet.isAh).toBe(true);
    const headers = [1, 2].map(sequence => {
      packet.setPriority(100, sequence);
      return authenticationHeader.decode(viewOf(packet.bytes));
    });
    expect(headers[0]).toMatchObject({ nextHeader: 112, payloadLength: 4, spi: 0x0a090901, sequence: 1 });
    expect(headers[1]?.sequence).toBe(2);
    expect(headers[1]?.icv).not.toEqual(headers[0]?.icv);
  });

  test('with an interval that the wire cannot say is our bug', () => {
    const make = (version: 2 | 3, interval: number) => () =>
      new AdvertisementPacket({ ...BASE, version, vrid: 1, addresses: [], adverIntervalMs: interval });
    expect(make(2, 1500)).toThrow('whole seconds');
    expect(make(3, 40_960)).toThrow('12 bits');
  });
});
