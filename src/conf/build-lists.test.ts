import { describe, expect, test } from 'vitest';
import { checkConfig, type CheckedConfig } from './load.ts';
import { memorySource } from './memory-source.ts';

const check = (text: string): CheckedConfig =>
  checkConfig('/k.conf', memorySource({ '/k.conf': text }), { hostname: 'r1' });
const ids = (text: string): string[] => check(text).diagnostics.map(({ id }) => id);

describe('static routes', () => {
  const route = (line: string) => check(`static_routes {\n${line}\n}`).config.staticRoutes[0];

  test.each([
    [
      '192.168.2.0/24 via 192.168.1.100 dev eth0',
      { destination: { prefix: 24 }, dev: 'eth0', type: 'unicast' },
    ],
    [
      'src 192.0.2.9 to 10.0.0.0/24 gw 192.0.2.1',
      { src: Uint8Array.of(192, 0, 2, 9), via: Uint8Array.of(192, 0, 2, 1) },
    ],
    ['default via 192.0.2.1 table 100 metric 5', { destination: { prefix: 0 }, table: 100, metric: 5 }],
    ['blackhole 10.0.0.0/8', { type: 'blackhole' }],
    ['::/0 via fe80::1 dev eth0 table main', { family: 6, table: 254 }],
    ['default via inet6 fe80::1 dev eth0', { family: 6 }],
    [
      '10.0.0.0/8 dev eth0 table bird tos 0x10 scope link mtu lock 1400',
      { table: 'bird', tos: 16, scope: 253, metrics: [{ name: 'mtu', value: 1400, lock: true }] },
    ],
    [
      '10.0.0.0/8 nexthop via 192.0.2.1 dev eth0 weight 2 onlink nexthop via 192.0.2.3',
      { nexthops: [{ weight: 2, onlink: true }, { weight: 1 }] },
    ],
    ['10.0.0.0/8 via 192.0.2.1 or 192.0.2.3', { nexthops: [{ weight: 1 }] }],
  ])('%s', (line, expected) => {
    expect(route(line)).toMatchObject(expected);
    expect(ids(`static_routes {\n${line}\n}`)).toEqual([]);
  });

  test.each([
    ['via 192.0.2.1', 'route-incomplete'],
    ['10.0.0.0/8 via fe80::1', 'route-incomplete'],
    ['10.0.0.0/8 bogus', 'option-unknown'],
    ['10.0.0.0/8 table -1', 'option-invalid'],
    ['10.0.0.0/8 via', 'option-incomplete'],
    ['10.0.0.0/8 dev eth0 track_group nope', 'group-unknown'],
  ])('%s: %s', (line, id) => {
    const expected = id === 'route-incomplete' && line.startsWith('10') ? 'route-family' : id;
    expect(ids(`static_routes {\n${line}\n}`)).toEqual([expected]);
  });
});

describe('static rules', () => {
  const rule = (line: string) => check(`static_rules {\n${line}\n}`).config.staticRules[0];

  test.each([
    [
      'from 10.0.0.0/24 table 1 preference 9',
      { from: { prefix: 24 }, table: 1, preference: 9, action: 'table' },
    ],
    ['to 2001:db8::/32 lookup main priority 5', { family: 6, table: 254 }],
    [
      'not from 10.0.0.1 iif eth0 oif eth1 tos 16 fwmark 24/12 goto 40 pref 30',
      { not: true, fwmark: { mark: 24, mask: 12 }, action: 'goto', goto: 40 },
    ],
    [
      'from all uidrange 10-20 ip_proto udp sport 10-20 dport 53 prohibit pref 1',
      { uidRange: { first: 10, last: 20 }, dport: { first: 53, last: 53 }, action: 'prohibit' },
    ],
    ['l3mdev protocol 12 pref 2', { l3mdev: true, protocol: 12 }],
  ])('%s', (line, expected) => {
    expect(rule(line)).toMatchObject(expected);
    expect(ids(`static_rules {\n${line}\n}`)).toEqual([]);
  });

  test.each([
    ['from 10.0.0.0/24 table 1', 'rule-preference'],
    ['from 10.0.0.0/24 pref 1', 'rule-incomplete'],
    ['from 10.0.0./24 table 1 pref 1', 'option-invalid'],
    ['from 10.0.0.0/24 to ::/0 table 1 pref 1', 'rule-family'],
    ['from all table 1 pref 1 bogus', 'option-unknown'],
    ['from all table 1 pref 1 fwmark x', 'option-invalid'],
  ])('%s: %s', (line, id) => {
    expect(ids(`static_rules {\n${line}\n}`)).toEqual([id]);
  });
});

describe('lists', () => {
  test('addresses, delays, link beats, groups', () => {
    const text = `static_ipaddress {
        192.168.1.1/24 dev eth0 track_group T
      }
      interface_up_down_delays {
        eth0 1.5
        eth1 1 0.25
      }
      linkbeat_interfaces {
        eth0
        eth1 ETHTOOL
      }
      garp_group {
        garp_interval 0.001
        interfaces { eth0 eth1 }
      }
      track_group T {
        group { V }
      }
      vrrp_instance V {
        interface eth0
        virtual_router_id 5
        virtual_ipaddress { 192.0.2.9 }
      }`;
    expect(ids(text)).toEqual(['keyword-no-effect']);
    expect(check(text).config).toMatchObject({
      staticAddresses: [{ prefix: 24, trackGroup: 'T' }],
      interfaceDelays: [
        { downDelayMs: 1500, upDelayMs: 1500 },
        { downDelayMs: 1000, upDelayMs: 250 },
      ],
      linkbeatInterfaces: [{ type: undefined }, { type: 'ETHTOOL' }],
      garpGroups: [{ interfaces: ['eth0', 'eth1'], garpIntervalMs: 1, gnaIntervalMs: 0 }],
      trackGroups: [{ name: 'T', group: ['V'] }],
    });
  });

  test.each([
    ['garp_group {\ninterface eth0\n}', ['garp-group-empty']],
    ['garp_group {\ngna_interval 1\n}', ['garp-group-empty']],
    ['garp_group {\ngna_interval 1\ninterface eth0\ninterfaces { eth0 }\n}', ['garp-group-twice']],
    ['global_defs {\nvrrp_garp_interval 0.0000001\n}', ['value-precision', 'value-out-of-range']],
    ['global_defs {\ndynamic_interfaces always\n}', ['value-invalid']],
    ['global_defs {\nvmac_prefix a\nvmac_prefix b\n}', ['keyword-duplicate']],
    ['global_defs {\nrouter_id\n}', ['argument-none']],
    ['static_routes here {\n}', ['name-extra']],
    ['track_group T {\ngroup { X }\n}', ['group-empty', 'group-unknown']],
    ['interface_up_down_delays {\neth0\n}', ['option-incomplete']],
    ['interface_up_down_delays {\neth0 256\n}', ['value-out-of-range']],
    ['interface_up_down_delays {\neth0 1 x\n}', ['value-invalid']],
    ['linkbeat_interfaces {\neth0 FOO\n}', ['keyword-no-effect', 'value-invalid']],
  ])('%j', (text, expected) => {
    expect(ids(text)).toEqual(expected);
  });
});
