import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseFrame } from './frame.ts';

const hex = (text: string) => Uint8Array.from(Buffer.from(text.replaceAll(/\s/g, ''), 'hex'));

const ETHERNET = '01005e000012 00005e000167 0800';
const VRRP_IPV4 = '45c00020 00010000 ff70 0000 ac10080a e0000012 2167fe0100000001 deadbeef';

describe('frames', () => {
  test('a VRRP advertisement in IPv4, without the padding', () => {
    const frame = parseFrame(5, hex(`${ETHERNET} ${VRRP_IPV4} 000000000000`));
    expect(frame).toMatchObject({
      timeMs: 5,
      srcMac: '00:00:5e:00:01:67',
      dstMac: '01:00:5e:00:00:12',
      etherType: 0x0800,
      srcIp: '172.16.8.10',
      dstIp: '224.0.0.18',
      proto: 112,
      ttl: 255,
    });
    expect(Buffer.from(frame.payload).toString('hex')).toBe('2167fe0100000001deadbeef');
  });

  test('IPv4 options and a VLAN tag are stepped over', () => {
    const options = VRRP_IPV4.replace('45c00020', '46c00024').replace('e0000012', 'e0000012 94040000');
    const frame = parseFrame(0, hex(`01005e000012 00005e000167 8100 0067 0800 ${options}`));
    expect(frame).toMatchObject({ etherType: 0x0800, srcIp: '172.16.8.10', proto: 112 });
    expect(frame.payload[0]).toBe(0x21);
  });

  test('a gratuitous ARP', () => {
    const arp = '0001 0800 06 04 0001 00005e000167 ac100864 000000000000 ac100864';
    expect(parseFrame(0, hex(`ffffffffffff 00005e000167 0806 ${arp} 0000`))).toMatchObject({
      etherType: 0x0806,
      srcIp: '172.16.8.100',
      dstIp: '172.16.8.100',
    });
  });

  test('IPv6 behind a hop-by-hop header', () => {
    const addresses = `fe80${'00'.repeat(13)}01 ff02${'00'.repeat(13)}12`;
    const frame = parseFrame(
      0,
      hex(`333300000012 020000000001 86dd 60000000 000c 00 ff ${addresses} 7000050200000000 31010203`),
    );
    expect(frame).toMatchObject({ srcIp: 'fe80::1', dstIp: 'ff02::12', proto: 112, ttl: 255 });
    expect([...frame.payload]).toEqual([0x31, 1, 2, 3]);
  });

  test('no bytes make it throw', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 90 }),
        fc.constantFrom('0800', '0806', '86dd', '8100', '1234'),
        (body, type) => {
          const frame = parseFrame(
            0,
            Uint8Array.from([...hex(`ffffffffffff 020000000001 ${type}`), ...body]),
          );
          expect(frame.payload.length).toBeLessThanOrEqual(body.length);
        },
      ),
    );
  });
});
