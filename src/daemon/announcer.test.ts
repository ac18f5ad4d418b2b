import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { parseIp } from '#base/address.ts';
import { must } from '#base/assert.ts';
import type { Link } from '#linux/ports.ts';
import { vip } from '#testing/scenario-config.ts';
import { checkConfig } from '#conf/load.ts';
import { memorySource } from '#conf/memory-source.ts';
import { addressSpec } from './address-spec.ts';
import { pausesOn } from './announce-pauses.ts';
import { Announcer } from './announcer.ts';
import { Interfaces } from './interfaces.ts';

const NONE = (lane: string) => ({ lane, garpMs: 0, gnaMs: 0 });
const ETHERNET = 1;

function bench(outcome = 42) {
  const sent: string[] = [];
  const interfaces = new Interfaces();
  const link = (fields: Partial<Link>) =>
    interfaces.put({ hardwareType: ETHERNET, noArp: false, loopback: false, ...fields } as Link);
  link({ ifindex: 2, name: 'eth0', mac: Uint8Array.of(2, 0, 0, 0, 0, 2) });
  link({ ifindex: 3, name: 'eth1', mac: Uint8Array.of(2, 0, 0, 0, 0, 3) });
  link({ ifindex: 4, name: 'tun0', hardwareType: 65534, mac: new Uint8Array(0) });
  const socket = {
    send: (ifindex: number, frame: Uint8Array, length: number) => {
      sent.push(`${ifindex} ${frame[12] === 0x08 ? 'arp' : 'na'} ${length}`);
      return outcome;
    },
    close: () => {},
  };
  return { sent, announcer: new Announcer(socket, interfaces, () => false) };
}

describe('announcements', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  test('go round by round to the interface that holds each address', () => {
    const { sent, announcer } = bench();
    const addresses = [vip('10.0.0.1'), vip('2001:db8::1', 'eth1'), vip('10.0.0.2', 'tun0')];
    expect(announcer.announce(addresses, 'eth0', 2, NONE)).toEqual({ frames: 4, outcome: 0 });
    expect(sent).toEqual(['2 arp 42', '3 na 86', '2 arp 42', '3 na 86']);
  });

  test('a refusal is returned', () => {
    expect(bench(-100).announcer.announce([vip('10.0.0.1')], 'eth0', 1, NONE).outcome).toBe(-100);
  });

  test('are paced per interface when that is configured', () => {
    const { sent, announcer } = bench();
    const pauses = (lane: string) => ({ lane, garpMs: 50, gnaMs: 0 });
    announcer.announce([vip('10.0.0.1'), vip('10.0.0.2'), vip('10.1.0.1', 'eth1')], 'eth0', 1, pauses);
    expect(sent).toEqual(['2 arp 42', '3 arp 42']);
    vi.advanceTimersByTime(49);
    expect(sent).toHaveLength(2);
    vi.advanceTimersByTime(1);
    expect(sent).toHaveLength(3);
    vi.advanceTimersByTime(50);
    announcer.announce([vip('10.0.0.3')], 'eth0', 1, pauses);
    expect(sent).toHaveLength(4);
  });

  test('interfaces of a garp_group wait for each other, ARP and neighbour advertisements apart', () => {
    const { sent, announcer } = bench();
    const { config } = checkConfig(
      'a.conf',
      memorySource({
        'a.conf': 'garp_group {\n garp_interval 0.05\n gna_interval 0.2\n interfaces { eth0 eth1 }\n}',
      }),
      { hostname: 'ka67' },
    );
    const addresses = [
      vip('10.0.0.1'),
      vip('10.1.0.1', 'eth1'),
      vip('2001:db8::1'),
      vip('2001:db8::2', 'eth1'),
    ];
    announcer.announce(addresses, 'eth0', 1, name => pausesOn(config, name));
    expect(sent).toEqual(['2 arp 42', '2 na 86']);
    vi.advanceTimersByTime(50);
    expect(sent.slice(2)).toEqual(['3 arp 42']);
    vi.advanceTimersByTime(150);
    expect(sent.slice(3)).toEqual(['3 na 86']);
    expect(pausesOn(config, 'eth2')).toEqual({ lane: 'eth2', garpMs: 0, gnaMs: 0 });
  });
});

describe('what the kernel is asked for', () => {
  test.each([
    [vip('10.0.0.1/22'), '+', { prefix: 22, broadcast: '10.0.3.255' }],
    [vip('10.0.0.1/32'), '+', { prefix: 32, broadcast: '10.0.0.1' }],
    [vip('10.0.0.1/22'), '-', { prefix: 22 }],
  ] as const)('broadcast of %j with %s', (address, broadcast, expected) => {
    const spec = addressSpec({ ...address, broadcast }, 2);
    expect(spec.prefix).toBe(expected.prefix);
    const wanted = 'broadcast' in expected ? must(parseIp(expected.broadcast), 'ip') : undefined;
    expect(spec.broadcast).toEqual(wanted);
  });

  test('a /128 is never chosen as a source, and is there without duplicate address detection', () => {
    expect(addressSpec(vip('2001:db8::1/128'), 2)).toMatchObject({ preferredLifetimeS: 0, noDad: true });
    expect(addressSpec(vip('2001:db8::1/64'), 2)).not.toHaveProperty('preferredLifetimeS');
    expect(addressSpec({ ...vip('2001:db8::1/128'), preferredLifetimeS: 'forever' }, 2)).not.toHaveProperty(
      'preferredLifetimeS',
    );
  });
});
