import { describe, expect, test } from 'vitest';
import { checkConfig, type CheckedConfig } from './load.ts';
import { memorySource } from './memory-source.ts';
import type { VrrpInstance } from './model.ts';

const check = (text: string): CheckedConfig =>
  checkConfig('/k.conf', memorySource({ '/k.conf': text }), { hostname: 'r1' });
const ids = (text: string): string[] =>
  check(text).diagnostics.map(({ id, severity }) => (severity === 'error' ? id : `(${id})`));
const vips = (...addresses: string[]): string => `virtual_ipaddress {\n${addresses.join('\n')}\n}\n`;
const bare = (body: string, name = 'V'): string => `vrrp_instance ${name} {\n${body}\n}\n`;
const instance = (body: string, addresses = ['192.0.2.9']): string =>
  bare(`interface eth0\nvirtual_router_id 5\n${vips(...addresses)}${body}`);
const only = (text: string): VrrpInstance | undefined => check(text).config.vrrpInstances[0];
const STRICT = 'global_defs {\n vrrp_strict\n}\n';
const PEER = 'unicast_peer {\n 192.0.2.3\n}\n';
const AUTH = 'authentication {\n auth_type PASS\n auth_pass 1234\n}\n';

test('defaults', () => {
  expect(ids(instance(''))).toEqual([]);
  expect(only(instance(''))).toMatchObject({
    name: 'V',
    position: { file: '/k.conf', line: 1, column: 1 },
    state: undefined,
    interface: 'eth0',
    priority: 100,
    advertIntervalMs: 1000,
    version: 2,
    family: 4,
    authentication: undefined,
    virtualAddresses: [{ address: Uint8Array.of(192, 0, 2, 9), prefix: 32, nodad: true, dev: undefined }],
    unicastPeers: [],
    unicastTtl: 255,
    preempt: 'preempt',
    preemptDelayMs: 0,
    accept: true,
    garp: {
      masterDelayMs: 5000,
      masterRepeat: 5,
      masterRefreshMs: 0,
      masterRefreshRepeat: 1,
      lowerPrioRepeat: 5,
    },
    downTimerAdverts: 3,
    lowerPrioNoAdvert: false,
    strict: false,
    trackPrimary: true,
  });
});

describe('what an instance cannot do without', () => {
  test.each([
    ['interface', bare(`virtual_router_id 5\n${vips('192.0.2.9')}`), ['interface-missing']],
    ['virtual_router_id', bare(`interface eth0\n${vips('192.0.2.9')}`), ['vrid-missing']],
    [
      'usable virtual_router_id',
      instance('').replace('_id 5', '_id 256'),
      ['vrid-missing', 'value-out-of-range'],
    ],
    ['address in version 3', bare('interface eth0\nvirtual_router_id 5\nversion 3'), ['vip-missing']],
  ])('%s', (_, text, expected) => {
    expect(check(text).config.vrrpInstances).toEqual([]);
    expect(ids(text)).toEqual(expected);
  });

  test('an address in version 2 is only sensible', () => {
    const text = bare('interface eth0\nvirtual_router_id 5');
    expect(only(text)?.virtualAddresses).toEqual([]);
    expect(ids(text)).toEqual(['vip-missing']);
    expect(ids(text.replace('5\n', '5\nno_virtual_ipaddress\n'))).toEqual([]);
  });

  test('a unicast source stands in for the interface', () => {
    const text = bare(`virtual_router_id 5\nunicast_src_ip 192.0.2.1\n${PEER}${vips('192.0.2.9')}`);
    expect(ids(text)).toEqual([]);
    expect(only(text)?.interface).toBeUndefined();
  });
});

describe('priority, state and preemption', () => {
  test.each([
    ['', { priority: 100, state: undefined, preempt: 'preempt' }, []],
    ['state MASTER', { priority: 255, state: 'MASTER' }, []],
    ['state BACKUP', { priority: 100, state: 'BACKUP' }, []],
    ['state MASTER\npriority 300', { priority: 100 }, ['value-out-of-range']],
    ['state MASTER\nstate BACKUP', { state: 'MASTER' }, ['state-twice']],
    ['nopreempt', { preempt: 'nopreempt' }, []],
    ['state BACKUP\nnopreempt', { preempt: 'nopreempt' }, []],
    ['nopreempt\npreempt', { preempt: 'preempt' }, []],
    ['state MASTER\npriority 100\nnopreempt', { preempt: 'preempt' }, ['nopreempt-master']],
    ['priority 255\nnopreempt', { preempt: 'preempt' }, ['nopreempt-master']],
    ['preempt_delay 4.12', { preemptDelayMs: 4120 }, []],
    ['preempt_delay 1001', { preemptDelayMs: 0 }, ['value-out-of-range']],
    ['preempt_delay 3\nnopreempt', { preemptDelayMs: 0, preempt: 'nopreempt' }, ['preempt-delay']],
    ['preempt_delay 3\nstate MASTER\npriority 9', { preemptDelayMs: 0 }, ['preempt-delay']],
  ])('%j', (body, expected, diagnostics) => {
    expect(only(instance(body))).toMatchObject(expected);
    expect(ids(instance(body))).toEqual(diagnostics);
  });
});

describe('advert_int', () => {
  test.each([
    ['advert_int 2', 2000, []],
    ['advert_int 0.5', 1000, ['advert-int']],
    ['advert_int 1.5', 2000, ['advert-int']],
    ['advert_int 0.01\nversion 3', 10, []],
    ['advert_int 0.07\nversion 3', 70, []],
    ['advert_int .015\nversion 3', 20, ['advert-int']],
    ['advert_int 50\nversion 3', 40_950, ['advert-int']],
    ['advert_int 256', 1000, ['value-out-of-range']],
  ])('%j is %d ms', (body, expected, diagnostics) => {
    expect(only(instance(body))?.advertIntervalMs).toBe(expected);
    expect(ids(instance(body))).toEqual(diagnostics);
  });
});

describe('authentication', () => {
  const password = (text: string): number[] => [
    ...(only(instance(text))?.authentication?.data.reveal() ?? []),
  ];

  test('eight bytes, zero padded, and never printed', () => {
    expect(password(AUTH)).toEqual([49, 50, 51, 52, 0, 0, 0, 0]);
    expect(JSON.stringify(check(instance(AUTH)))).not.toContain('1234');
  });

  test.each([
    [AUTH.replace('1234', '123456789'), ['auth-pass-truncated'], true],
    [AUTH.replace('PASS', 'FOO'), ['authentication-ignored', 'value-invalid'], false],
    ['authentication {\n auth_type PASS\n}', ['authentication-ignored'], false],
    [`version 3\n${AUTH}`, ['authentication-ignored'], false],
    [`state MASTER\npriority 9\n${AUTH.replace('PASS', 'AH')}`, ['ah-master'], true],
  ])('%#', (body, expected, kept) => {
    expect(ids(instance(body))).toEqual(expected);
    expect(only(instance(body))?.authentication !== undefined).toBe(kept);
  });

  test('AH starts as BACKUP and needs IPv4', () => {
    expect(only(instance(`state MASTER\npriority 9\n${AUTH.replace('PASS', 'AH')}`))?.state).toBe('BACKUP');
    expect(ids(instance(`version 2\n${AUTH.replace('PASS', 'AH')}`, ['fe80::1']))).toEqual([
      'authentication-ignored',
    ]);
  });
});

describe('addresses and family', () => {
  test('the first address decides, others are told', () => {
    expect(ids(instance('', ['192.0.2.9', 'fe80::1']))).toEqual(['family-conflict']);
    expect(only(instance('', ['fe80::1', 'fd00::1/64']))).toMatchObject({ family: 6, version: 3 });
  });

  test('options', () => {
    const line =
      '10.0.0.1/24 brd + dev eth1 scope link label eth1:1 home -nodad mngtmpaddr noprefixroute autojoin no_track';
    expect(ids(instance('', [line]))).toEqual([]);
    expect(only(instance('', [line]))?.virtualAddresses[0]).toMatchObject({
      prefix: 24,
      broadcast: '+',
      dev: 'eth1',
      scope: 253,
      label: 'eth1:1',
      home: true,
      nodad: false,
      noTrack: true,
    });
  });

  test.each([
    [['1.2.3.400'], ['vip-missing', 'address-invalid']],
    [['10.0.0.1/33'], ['prefix-invalid']],
    [['10.0.0.1 foo'], ['option-unknown']],
    [['10.0.0.1 10.0.0.2'], ['option-unknown']],
    [['10.0.0.1 dev'], ['option-incomplete']],
    [['10.0.0.1 peer 10.0.0.2 brd 10.0.0.9'], ['option-conflict']],
    [['10.0.0.1 peer fe80::1'], ['option-conflict']],
    [['10.0.0.1 peer 10.0.0.2/24'], ['option-invalid']],
    [['10.0.0.1/24 peer 10.0.0.2'], ['option-conflict']],
    [['10.0.0.1 brd +'], ['option-conflict']],
    [['fe80::1 label x'], ['option-conflict']],
    [['10.0.0.1 label 1234567890123456'], ['option-conflict']],
    [['10.0.0.1 track_group g'], ['option-unknown']],
    [['10.0.0.1', '10.0.0.1'], ['(address-duplicate)']],
    [['fd00::1'], ['(ipv6-first-link-local)']],
  ])('%j', (addresses, expected) => {
    expect(ids(instance('', addresses))).toEqual(expected);
  });

  test('an advert holds 255 addresses', () => {
    const many = Array.from({ length: 257 }, (_, i) => `10.0.${i >> 8}.${i & 255}`);
    expect(ids(instance('', many))).toEqual(['vip-too-many']);
    expect(only(instance('', many))).toMatchObject({ virtualAddressesExcluded: { length: 2 } });
  });
});

describe('unicast and multicast', () => {
  test('peers', () => {
    const text = instance(
      'unicast_peer {\n 192.0.2.3\n 192.0.2.4 min_ttl 250 max_ttl 255\n}\nunicast_ttl 64',
    );
    expect(ids(text)).toEqual([]);
    expect(only(text)).toMatchObject({
      unicastPeers: [{ minTtl: undefined }, { minTtl: 250, maxTtl: 255 }],
      unicastTtl: 64,
      checkUnicastSrc: true,
    });
  });

  test.each([
    ['unicast_peer {\n 1.2.3\n}', ['unicast-no-peer', 'peer-invalid']],
    ['unicast_peer {\n fe80::1\n}', ['unicast-no-peer', 'peer-invalid']],
    ['unicast_peer {\n 192.0.2.3 192.0.2.4\n}', ['option-unknown']],
    ['unicast_peer {\n 192.0.2.3 min_ttl 9 max_ttl 8\n}', ['ttl-range']],
    ['unicast_peer {\n 192.0.2.3\n 192.0.2.3\n}', ['(peer-duplicate)']],
    ['unicast_src_ip 192.0.2.1', ['unicast-no-peer']],
    ['unicast_ttl 5', ['unicast-ttl']],
    ['unicast_src_ip fe80::1\n' + PEER, ['family-conflict']],
    ['mcast_dst_ip 10.0.0.1', ['mcast-group-invalid']],
    ['mcast_dst_ip 224.0.0.5\n' + PEER, ['mcast-with-unicast']],
    ['vmac_xmit_base', ['vmac-xmit-base']],
    ['use_vmac vr5 01:00:5e:00:01:05', ['vmac-address']],
  ])('%j', (body, expected) => {
    expect(ids(instance(body))).toEqual(expected);
  });

  test('use_vmac', () => {
    expect(only(instance('use_vmac'))?.vmac).toEqual({
      interface: undefined,
      macAddress: undefined,
      xmitBase: false,
    });
    expect(only(instance('use_vmac vr 02:00:00:00:01\nvmac_xmit_base'))?.vmac).toEqual({
      interface: 'vr',
      macAddress: Uint8Array.of(2, 0, 0, 0, 1, 5),
      xmitBase: true,
    });
  });
});

describe('strict mode', () => {
  test.each([
    [AUTH, ['authentication-ignored']],
    [PEER, ['strict-unicast']],
    ['state MASTER\npriority 100', ['strict-state']],
    ['priority 255\nstate BACKUP', ['strict-state']],
    ['preempt_delay 3', ['preempt-delay']],
    ['accept', ['strict-accept']],
    ['version 3\naccept', []],
    ['garp_lower_prio_repeat 3', ['strict-keyword']],
    ['lower_prio_no_advert off', ['strict-keyword']],
    ['higher_prio_send_advert', ['strict-keyword']],
    ['down_timer_adverts 4', ['strict-keyword']],
    ['strict_mode off\naccept', []],
  ])('%j', (body, expected) => {
    expect(ids(STRICT + instance(body))).toEqual(expected);
  });

  test('changes defaults', () => {
    expect(only(STRICT + instance(''))).toMatchObject({
      accept: false,
      lowerPrioNoAdvert: true,
      garp: { lowerPrioRepeat: 0, lowerPrioDelayMs: 0, masterRepeat: 5 },
    });
    expect(only(STRICT + instance('priority 255'))?.accept).toBe(true);
  });

  test('IPv6 needs version 3 and a link-local address first', () => {
    expect(ids(STRICT + instance('version 2', ['fd00::9']))).toEqual(
      ['version-ipv6', 'ipv6-first-link-local'].toReversed(),
    );
  });
});
