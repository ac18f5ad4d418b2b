import { describe, expect, test } from 'vitest';
import { formatDiagnostic } from '#base/errors.ts';
import { memoryFiles } from './inventory-memory.ts';
import { loadInventory } from './inventory.ts';
import { SERVER_RULES } from './topology-rules.ts';
import { deriveTopology, TOPOLOGY_ERRORS, TOPOLOGY_WARNINGS } from './topology.ts';

/** Two hosts; `words` go into the one instance, `rest` beside `vrrp_instances`. Lines are those of the tests below. */
function complaints(words: string, rest = '', hostVars = '') {
  const text = `all:
  hosts:
    a: { interfaces: { eth0: 10.0.0.1/24, eth1: 10.1.0.1/24 }${hostVars} }
    b: { interfaces: { eth0: 10.0.0.2/24, eth1: 10.1.0.2/24 } }
    c:
  children:
    g:
      hosts: { a: , b: }
      vars:
        topology:
          ${rest}
          vrrp_instances:
            V: { interface: eth0, virtual_router_id: 7, nodes: [a, b], virtual_ipaddress: [10.0.0.9], ${words} }
`;
  const { inventory, diagnostics } = loadInventory(['i.yml'], memoryFiles({ 'i.yml': text }));
  expect(diagnostics.filter(one => one.severity === 'error')).toEqual([]);
  return deriveTopology(inventory).diagnostics.filter(one => one.id !== 'yaml-duplicate-key');
}

/** Without the instance above: whole topologies. */
function whole(...topologies: readonly string[]) {
  const groups = topologies.map(
    (text, index) => `g${index}: { hosts: { a: , b: }, vars: { topology: ${text} } }`,
  );
  const { inventory } = loadInventory(
    ['i.yml'],
    memoryFiles({ 'i.yml': ['all: { hosts: { a: , b: } }', ...groups].join('\n') }),
  );
  return deriveTopology(inventory).diagnostics;
}

const one = (name: string, vrid: number, vip: string, words = '') =>
  `${name}: { interface: eth0, virtual_router_id: ${vrid}, nodes: [a, b], virtual_ipaddress: [${vip}]${words && `, ${words}`} }`;
const seen = new Set<string>();
const ids = (found: readonly { readonly id: string }[]) => {
  for (const { id } of found) seen.add(id);
  return found.map(({ id }) => id);
};

test('what is right is not complained about', () => {
  expect(complaints('advert_int: 1')).toEqual([]);
});

describe('errors within an instance', () => {
  test.each([
    ['host-unknown', 'nodes: [a, x9]', 'the inventory has no host x9'],
    ['host-outside-group', 'nodes: [a, c]', 'c is a node of V but not in the group g'],
    ['node-duplicate', 'nodes: [a, a]', 'a is named twice'],
    ['nodes-missing', 'nodes: "{{ [] }}"', 'V has no nodes'],
    ['topology-membership', 'nodes: "{{ [inventory_hostname] }}"', 'come out differently on a and b'],
    ['topology-template', 'interface: "{{ nic }}"', "'nic' is undefined"],
    [
      'topology-needs-facts',
      'interface: "{{ ansible_default_ipv4.interface }}"',
      'reads ansible_default_ipv4, a fact of a',
    ],
    ['topology-shape', 'authentication: { auth_type: MD5, auth_pass: x }', 'expected one of PASS, AH'],
    ['topology-shape', 'virtual_ipaddress: 10.0.0.9', 'expected a list'],
    ['interface-unknown', 'interface: eth2', 'a has no interface eth2'],
    ['vrid-range', 'virtual_router_id: 256', 'V on a: virtual_router_id is 256'],
    ['vrid-range', 'virtual_router_id: "x"', 'virtual_router_id is "x"'],
    ['priority-range', 'nodes: { a: 0, b: 1 }', 'V on a: priority is 0'],
    ['advert-int-range', 'advert_int: 0.5', 'a whole number from 1 to 255'],
    ['advert-int-range', 'version: 3, advert_int: 41', 'a number from 0.01 to 40.95'],
    ['version-unknown', 'version: 4', 'version is 4'],
    ['address-invalid', 'virtual_ipaddress: [10.0.0.999]', "'10.0.0.999' is not an address"],
    ['address-invalid', 'unicast: { a: x, b: 10.0.0.2 }', "unicast address 'x' of a"],
    ['vip-missing', 'virtual_ipaddress: []', 'V has no virtual_ipaddress'],
    ['vip-family', 'virtual_ipaddress: [10.0.0.9, "2001:db8::1"]', 'IPv4 and IPv6 addresses together'],
    ['vip-duplicate', 'virtual_ipaddress: [10.0.0.9, 10.0.0.9]', 'g/V has 10.0.0.9 twice'],
    ['vip-is-host-address', 'virtual_ipaddress: [10.0.0.2]', '10.0.0.2 is an address of b itself'],
    [
      'nodes-disagree',
      'nodes: { a: {}, b: { virtual_router_id: 8 } }',
      'virtual_router_id differs between a and b',
    ],
    [
      'nodes-disagree',
      'authentication: { auth_type: PASS, auth_pass: "{{ inventory_hostname }}" }',
      'authentication differs',
    ],
    [
      'nodes-disagree',
      'use_vmac: true, nodes: { a: {}, b: { vmac_xmit_base: true } }',
      'vmac_xmit_base differs between a and b',
    ],
    ['unicast-address', 'unicast: { a: 10.0.0.1 }', 'the address of b on eth0 is not known'],
    ['unicast-asymmetric', 'nodes: { a: { unicast: true }, b: {} }', 'unicast on a and multicast on b'],
    ['unicast-asymmetric', 'unicast_peer: [10.0.0.2]', 'the unicast peers of b lack a (10.0.0.1)'],
    ['nopreempt-master', 'state: MASTER, nopreempt: true', 'no effect with state MASTER'],
    ['nopreempt-master', 'state: MASTER, preempt_delay: 5', 'preempt_delay needs state BACKUP'],
    ['preempt-conflict', 'nopreempt: true, preempt_delay: 5', 'exclude each other'],
    ['preempt-delay-range', 'preempt_delay: 1001', 'a number from 0 to 1000 seconds'],
    [
      'ah-family',
      'virtual_ipaddress: ["2001:db8::1"], version: 2, authentication: { auth_type: AH, auth_pass: x }',
      'IPv4 only',
    ],
    ['keyword-value', 'garp_master_delay: false', 'garp_master_delay: false has no meaning'],
    ['keyword-value', 'notify: "a { b"', 'holds a brace'],
    ['keyword-value', "authentication: { auth_type: PASS, auth_pass: 'a\"b' }", 'no double quote'],
    ['tracker-unknown', 'track_script: [chk]', 'track_script chk is not defined'],
    ['strict-mode', 'strict_mode: true, unicast: true', 'vrrp_strict forbids unicast peers'],
    [
      'strict-mode',
      'strict_mode: true, authentication: { auth_type: PASS, auth_pass: x }',
      'forbids authentication',
    ],
    ['strict-mode', 'strict_mode: true, state: MASTER', 'forbids state MASTER below priority 255'],
    ['strict-mode', 'strict_mode: true, preempt_delay: 3', 'forbids preempt_delay'],
  ])('%s: %s', (id, words, part) => {
    const found = complaints(words);
    expect(ids(found)).toContain(id);
    const text = found
      .filter(one => one.id === id)
      .map(formatDiagnostic)
      .join('\n');
    expect(text).toContain(part);
    expect(text).toMatch(/^i\.yml:\d+:\d+: error: /);
  });

  test('the place is that of the word', () => {
    const [found] = complaints('advert_int: 300');
    expect(found?.position).toEqual({ file: 'i.yml', line: 13, column: 115 });
  });
});

describe('errors beside the instances', () => {
  test.each([
    ['script-shape', 'scripts: { "a b": { content: x } }', 'a name or path that a command cannot have'],
    ['script-shape', 'scripts: { a.sh: { mode: "0700" } }', 'neither src nor content'],
    [
      'proxy-shape',
      'proxies: { p: { software: nginx, on: V, port: 80 } }',
      'p has neither real_servers nor respond',
    ],
    ['server-port', 'proxies: { p: { software: nginx, on: V, port: 0, respond: x } }', 'p: port is 0'],
    [
      'server-address',
      'proxies: { p: { software: nginx, on: V, addresses: 10.0.0.7, port: 80, respond: x } }',
      '',
    ],
    [
      'topology-shape',
      'vrrp_instance: { V: {} }',
      'topology has no key vrrp_instance (did you mean vrrp_instances?)',
    ],
    ['multicast-invalid', 'global_defs: { vrrp_mcast_group4: 10.0.0.1 }', 'not a multicast address'],
    [
      'strict-mode',
      'global_defs: { vrrp_strict: true, vrrp_version: 2 }\n          accept: [single-node]',
      '',
    ],
    [
      'sync-group-unknown',
      'vrrp_sync_groups: { G: [V, W] }',
      'the sync group G names W, which is no instance',
    ],
    ['sync-group-twice', 'vrrp_sync_groups: { G: [V], H: [V] }', 'V is in the sync groups G and H'],
    ['keyword-value', 'global_defs: { "a b": 1 }', "'a b' is not a keyword"],
  ])('%s: %s', (id, rest, part) => {
    const found = complaints(id === 'strict-mode' ? 'unicast: true' : '', rest);
    expect(ids(found)).toContain(id);
    expect(found.map(formatDiagnostic).join('\n')).toContain(part);
  });

  test.each([
    ['daemon-unknown', ', vrrp_daemon: vrrpd', 'tandemd or keepalived'],
    ['interfaces-shape', ', interfaces: { eth0: 10.0.0.1 }', 'an address with its prefix'],
  ])('%s', (id, hostVars, part) => {
    const found = complaints('', '', hostVars);
    expect(ids(found)).toContain(id);
    expect(found.map(formatDiagnostic).join('\n')).toContain(part);
  });

  test('an instance without interface or virtual_router_id, and one whose name is no word', () => {
    expect(ids(whole('{ vrrp_instances: { V: { nodes: [a, b], virtual_ipaddress: [10.0.0.9] } } }'))).toEqual(
      ['interface-missing', 'vrid-range', 'interface-missing'],
    );
    expect(ids(whole(`{ vrrp_instances: { ${one('"V 1"', 1, '10.0.0.9')} } }`))).toEqual(['name-invalid']);
    expect(ids(whole('{ global_defs: {} }'))).toEqual(['topology-shape']);
    expect(ids(whole('5'))).toEqual(['topology-shape']);
  });
});

describe('across instances and clusters', () => {
  test('one VRID twice on a network, and not on two networks or families', () => {
    const found = whole(`{ vrrp_instances: { ${one('V', 7, '10.0.0.8')}, ${one('W', 7, '10.0.0.9')} } }`);
    expect(ids(found)).toEqual(['vrid-duplicate']);
    expect(found.map(formatDiagnostic)[0]).toBe(
      'i.yml:2:198: error: virtual_router_id 7 of W is also that of g0/V on the network of eth0 (see i.yml:2; choose another number from 1 to 255) [vrid-duplicate]',
    );
    expect(
      whole(`{ vrrp_instances: { ${one('V', 7, '10.0.0.8')}, ${one('W', 7, '"2001:db8::9"')} } }`),
    ).toEqual([]);
  });

  test('clusters collide only where the inventory says that they share a site', () => {
    const apart = [
      `{ vrrp_instances: { ${one('V', 7, '10.0.0.8')} } }`,
      `{ vrrp_instances: { ${one('W', 7, '10.0.0.8')} } }`,
    ];
    expect(whole(...apart)).toEqual([]);
    expect(ids(whole(...apart.map(text => text.replace('{', '{ site: s1,'))))).toEqual([
      'vrid-duplicate',
      'vip-duplicate',
    ]);
    const network = 'networks: { lan: { subnets: [10.0.0.0/24], site: s1 } },';
    expect(ids(whole(...apart.map(text => text.replace('{', `{ ${network}`))))).toEqual(['vrid-duplicate']);
  });

  test('two files of one name are two clusters of one name', () => {
    const text = `topology: { vrrp_instances: { ${one('V', 7, '10.0.0.8')} } }`;
    const files = { 'x/p.yml': `all: { hosts: { a: , b: } }\n${text}`, 'y/p.yml': text };
    expect(
      ids(deriveTopology(loadInventory(['x/p.yml', 'y/p.yml'], memoryFiles(files)).inventory).diagnostics),
    ).toContain('cluster-duplicate');
  });

  test('two clusters on a host must agree and not share names', () => {
    const conflict = [
      `{ global_defs: { router_id: x }, vrrp_instances: { ${one('V', 7, '10.0.0.8')} } }`,
      `{ global_defs: { router_id: y }, vrrp_instances: { ${one('W', 8, '10.0.0.9')} } }`,
    ];
    expect(new Set(ids(whole(...conflict)))).toEqual(new Set(['global-conflict']));
    expect(
      new Set(
        ids(
          whole(
            `{ vrrp_instances: { ${one('V', 7, '10.0.0.8')} } }`,
            `{ vrrp_instances: { ${one('V', 8, '10.0.0.9')} } }`,
          ),
        ),
      ),
    ).toEqual(new Set(['instance-duplicate']));
  });
});

describe('warnings can be accepted, on the topology and on the instance', () => {
  const scripts = 'vrrp_scripts: { chk: { script: /bin/true, weight: -10 } }';
  test.each([
    ['single-node', 'nodes: [a]', ''],
    ['keyword-unknown', 'garp_master_dely: 5', ''],
    ['keyword-unknown', '', 'global_defs: { vrrp_garp_master_dely: 5 }'],
    ['priority-equal', 'nodes: { a: 100, b: 100 }', ''],
    ['priority-owner', 'nodes: { a: 255, b: 100 }', ''],
    ['auth-pass-long', 'authentication: { auth_type: PASS, auth_pass: 123456789 }', ''],
    ['auth-with-v3', 'version: 3, authentication: { auth_type: PASS, auth_pass: x }', ''],
    ['vip-outside-subnet', 'virtual_ipaddress: [10.7.0.9]', ''],
    ['vip-prefix', 'virtual_ipaddress: [10.0.0.9/24]', ''],
    ['multicast-group', '', 'global_defs: { vrrp_mcast_group4: 239.1.1.1 }'],
    ['weight-useless', 'nodes: { a: 200, b: 100 }, track_script: [chk]', scripts],
    ['track-file-priority', 'track_file: [load]', 'track_files: { load: { file: /tmp/load, weight: 2 } }'],
    ['nopreempt-weight', 'nopreempt: true, track_script: [chk]', scripts],
    ['sync-group-weight', 'track_script: [chk]', `vrrp_sync_groups: { G: [V] }\n          ${scripts}`],
    ['sync-group-single', '', 'vrrp_sync_groups: { G: [V] }'],
  ])('%s', (id, words, rest) => {
    const found = complaints(words, rest);
    expect(ids(found.filter(one => one.severity === 'warning'))).toContain(id);
    expect(found.filter(one => one.severity === 'error')).toEqual([]);
    const accepted = complaints(words, `accept: [${id}]\n          ${rest}`);
    expect(accepted.map(one => one.id)).not.toContain(id);
  });

  test('all.rp_filter and a macvlan', () => {
    const settings = (value: number) => `, sysctl_settings: { net.ipv4.conf.all.rp_filter: ${value} }`;
    const found = complaints('use_vmac: true', '', settings(2));
    expect(ids(found)).toEqual(['vmac-rp-filter']);
    expect(found[0]?.message).toMatch(/^sysctl_settings of a set net.ipv4.conf.all.rp_filter/);
    expect(complaints('use_vmac: true', '', settings(0))).toEqual([]);
    expect(complaints('', '', settings(2))).toEqual([]);
  });

  test('a node without a macvlan and one with it hear each other', () => {
    expect(complaints('nodes: { a: { use_vmac: true, vmac_xmit_base: true }, b: {} }')).toEqual([]);
  });

  test('an IPv6 address with a prefix is nothing to warn of', () => {
    const found = complaints('virtual_ipaddress: ["fd00::9/64"]');
    expect(found.map(one => one.id)).not.toContain('vip-prefix');
  });

  test('on the instance', () => {
    expect(complaints('nodes: [a], accept: [single-node]')).toEqual([]);
  });

  test('sync groups whose instances prefer different nodes', () => {
    const text = `{ vrrp_sync_groups: { G: [V, W] }, vrrp_instances: { ${one('V', 7, '10.0.0.8')}, ${one('W', 8, '10.0.0.9').replace('[a, b]', '[b, a]')} } }`;
    expect(ids(whole(text))).toEqual(['sync-group-order']);
  });

  test('an id that is none, and one of an error', () => {
    const found = complaints('', 'accept: [single-nodes, vrid-range]');
    expect(ids(found)).toEqual(['accept-unknown', 'accept-unknown']);
    expect(found.map(one => one.hint)).toEqual(['did you mean single-node?', 'an error cannot be accepted']);
  });
});

test('every rule has been seen above', () => {
  const all = [...Object.keys(TOPOLOGY_ERRORS), ...Object.keys(TOPOLOGY_WARNINGS)];
  expect(all.filter(id => !seen.has(id) && !SERVER_RULES.includes(id))).toEqual([]);
});
