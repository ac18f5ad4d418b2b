import { describe, expect, test } from 'vitest';
import { vrrpChange } from './vrrp-change.ts';

const PLAIN =
  'state BACKUP\ninterface eth0\nvirtual_router_id 5\npriority 100\nvirtual_ipaddress {\n192.0.2.5\n}\n';
const instance = (more = '', name = 'V', body = PLAIN): string =>
  `vrrp_instance ${name} {\n${body}${more}\n}\n`;
const PASS = 'authentication {\nauth_type PASS\nauth_pass one\n}';

const change = (before: string, after: string) => vrrpChange('/etc/k.conf', { before, after }, 'r1');
const keywords = (before: string, after: string): string[] =>
  change(before, after).breaks.flatMap(each => [each.instance, ...each.keywords]);

describe('breaks the wire', () => {
  test.each([
    ['a password', instance(PASS), instance(PASS.replace('one', 'two')), 'authentication'],
    ['authentication at all', instance(), instance(PASS), 'authentication'],
    ['the kind of authentication', instance(PASS), instance(PASS.replace('PASS', 'AH')), 'authentication'],
    ['the version', instance(), instance('version 3'), 'version'],
    ['the version of all', instance(), `global_defs {\nvrrp_version 3\n}\n${instance()}`, 'version'],
    ['the interval of version 2', instance(), instance('advert_int 2'), 'advert_int'],
    ['the VRID', instance(), instance().replace('router_id 5', 'router_id 6'), 'virtual_router_id'],
    ['the group', instance(), instance('mcast_dst_ip 224.0.0.111'), 'mcast_dst_ip'],
    [
      'the group of all',
      instance(),
      `global_defs {\nvrrp_mcast_group4 224.0.0.111\n}\n${instance()}`,
      'mcast_dst_ip',
    ],
    ['unicast instead of multicast', instance(), instance('unicast_peer {\n192.0.2.3\n}'), 'unicast_peer'],
    ['multicast instead of unicast', instance('unicast_peer {\n192.0.2.3\n}'), instance(), 'unicast_peer'],
    [
      'the checksum of version 3',
      instance('version 3'),
      instance('version 3\nv3_checksum_as_v2 true'),
      'v3_checksum_as_v2',
    ],
    ['the interface', instance(), instance().replace('eth0', 'eth1'), 'interface'],
    [
      'where a virtual MAC address is heard',
      instance('use_vmac'),
      instance('use_vmac\nvmac_xmit_base'),
      'vmac_xmit_base',
    ],
  ])('%s', (_what, before, after, keyword) => {
    expect(keywords(before, after)).toEqual(['V', keyword]);
  });

  test('another name and VRID with the same address is the same router', () => {
    expect(keywords(instance(), instance('', 'W').replace('router_id 5', 'router_id 6'))).toEqual([
      'V',
      'virtual_router_id',
    ]);
  });

  test('the group or the version of all, in a file that only includes instances', () => {
    const main = (group: string): string =>
      `global_defs {\nvrrp_mcast_group4 ${group}\n}\ninclude conf.d/*.conf\n`;
    expect(change(main('224.0.0.111'), main('224.0.0.112'))).toEqual({
      breaks: [],
      elections: [],
      ofAll: ['mcast_dst_ip'],
    });
    expect(
      change(main('224.0.0.111'), main('224.0.0.111').replace('defs {', 'defs {\nrouter_id x')).ofAll,
    ).toEqual([]);
    expect(change('', main('224.0.0.111')).ofAll).toEqual([]);
  });

  test('only the instances that it is about', () => {
    const other = instance('', 'W', PLAIN.replaceAll('5', '7'));
    expect(keywords(instance() + other, instance(PASS) + other)).toEqual(['V', 'authentication']);
  });
});

describe('does not', () => {
  test.each([
    ['nothing', instance(), `# a comment\n${instance()}`],
    ['a priority', instance(), instance().replace('priority 100', 'priority 90')],
    ['what is announced', instance(), instance('garp_master_repeat 2')],
    ['another name', instance(), instance('', 'W')],
    ['the interval of version 3', instance('version 3'), instance('version 3\nadvert_int 2')],
    ['a new instance', instance(), instance() + instance('', 'W', PLAIN.replaceAll('5', '7'))],
    ['an instance that goes', instance() + instance('', 'W', PLAIN.replaceAll('5', '7')), instance()],
    [
      'one more peer',
      instance('unicast_peer {\n192.0.2.3\n}'),
      instance('unicast_peer {\n192.0.2.3\n192.0.2.4\n}'),
    ],
    ['a virtual MAC address that comes', instance(), instance('use_vmac')],
    ['one that goes', instance('use_vmac\nvmac_xmit_base'), instance()],
    ['a first configuration', '', instance()],
    ['a file that is no configuration', '\u0001{{{ }', instance()],
  ])('%s', (_what, before, after) => {
    expect(keywords(before, after)).toEqual([]);
  });
});

test('elections: priorities before and after', () => {
  const after = instance('nopreempt').replace('priority 100', 'priority 90');
  expect(change(instance(), after).elections).toEqual([
    { instance: 'V', before: 100, after: 90, preempts: false },
  ]);
});

test('virtual servers are nothing to the routers: whatever changes in them, a reload does', () => {
  const server = (weight: number, more = ''): string =>
    `virtual_server 192.0.2.5 80 {\nlb_kind DR\nprotocol TCP\nreal_server 192.0.2.8 80 {\nweight ${weight}\n}\n${more}}\n`;
  const calm = {
    ofAll: [],
    breaks: [],
    elections: [{ instance: 'V', before: 100, after: 100, preempts: true }],
  };
  expect(change(instance(), instance() + server(1))).toEqual(calm);
  expect(change(instance() + server(1), instance() + server(0))).toEqual(calm);
  expect(change(instance() + server(0, 'real_server 192.0.2.9 80 {\n}\n'), instance())).toEqual(calm);
});

test('who comes into a sync group with whom', () => {
  const two = instance() + instance('', 'W', PLAIN.replaceAll('5', '7'));
  const group = 'vrrp_sync_group G {\ngroup {\nV\nW\n}\n}\n';
  expect(change(two, two + group).elections.map(({ joins }) => joins)).toEqual([
    ['V', 'W'],
    ['V', 'W'],
  ]);
  expect(change(two + group, two + group).elections.map(({ joins }) => joins)).toEqual([
    undefined,
    undefined,
  ]);
});
