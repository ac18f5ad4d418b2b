import { describe, expect, test } from 'vitest';
import { formatDiagnostic } from '#base/errors.ts';
import { memoryFiles } from './inventory-memory.ts';
import { loadInventory } from './inventory.ts';
import { checkInterfaces, deriveTopology } from './topology.ts';

function derive(text: string, more: Readonly<Record<string, string>> = {}) {
  const { inventory, diagnostics } = loadInventory(['pair.yml'], memoryFiles({ 'pair.yml': text, ...more }));
  expect(diagnostics).toEqual([]);
  return deriveTopology(inventory);
}

const HOSTS = `all:
  hosts:
    ka67: { ansible_host: 172.16.8.10, interfaces: { eth0: 172.16.8.10/24, eth1: 10.0.0.10/24 } }
    ka68: { ansible_host: 172.16.8.11, interfaces: { eth0: 172.16.8.11/24, eth1: 10.0.0.11/24 } }
`;
const instance = (words: string, name = 'VG_1') => `${HOSTS}topology:
  vrrp_instances:
    ${name}: { interface: eth0, virtual_router_id: 103, ${words} }
`;
const VIP = 'virtual_ipaddress: [172.16.8.100]';

describe('the smallest pair', () => {
  const { clusters, hosts, diagnostics } = derive(instance(`nodes: [ka67, ka68], ${VIP}`));

  test('is one cluster, named after the file, first node first', () => {
    expect(diagnostics).toEqual([]);
    expect(clusters).toMatchObject([
      {
        name: 'pair',
        hosts: ['ka67', 'ka68'],
        startOrder: ['ka67', 'ka68'],
        instances: [{ priorities: { ka67: 254, ka68: 253 }, vips: ['172.16.8.100'] }],
      },
    ]);
  });

  test('both start as BACKUP: below 255 keepalived makes no difference, and nopreempt needs it', () => {
    expect([...hosts.values()].map(host => host.instances[0]?.state)).toEqual(['BACKUP', 'BACKUP']);
  });

  test('needs VRRP and IGMP to be let in, its interface to be there, and no sysctl', () => {
    expect(hosts.get('ka67')).toMatchObject({
      daemon: 'tandemd',
      global_defs: ['router_id ka67'],
      openings: [
        { kind: 'vrrp', protocol: 112, family: 4, interface: 'eth0', group: '224.0.0.18', peers: [] },
        { kind: 'igmp', protocol: 2, interface: 'eth0' },
      ],
      sysctls: [],
      interfaces: [{ name: 'eth0', address: undefined }],
    });
  });
});

describe('forms of nodes', () => {
  const priorities = (words: string) =>
    derive(instance(`${words}, ${VIP}`)).clusters[0]?.instances[0]?.priorities;

  test.each([
    ['nodes: [ka68, ka67]', { ka68: 254, ka67: 253 }],
    ['nodes: { ka67: 100, ka68: 95 }', { ka67: 100, ka68: 95 }],
    ['nodes: { ka67: { priority: "100" }, ka68: {} }', { ka67: 100, ka68: 253 }],
    ['nodes: { ka67: , ka68: }', { ka67: 254, ka68: 253 }],
    ['nodes: "{{ groups[\'all\'] | sort(reverse=true) }}"', { ka68: 254, ka67: 253 }],
    [
      'priority: "{{ 100 if inventory_hostname == \'ka67\' else 90 }}", nodes: [ka67, ka68]',
      { ka67: 100, ka68: 90 },
    ],
  ])('%s', (words, expected) => {
    expect(priorities(words)).toEqual(expected);
  });

  test('the order of preference follows the priorities', () => {
    const { clusters } = derive(instance(`nodes: { ka67: 90, ka68: 95 }, ${VIP}`));
    expect(clusters[0]).toMatchObject({
      startOrder: ['ka68', 'ka67'],
      instances: [{ nodes: ['ka68', 'ka67'] }],
    });
  });

  test('words of a node go over those of its instance', () => {
    const { hosts } = derive(
      instance(
        `nodes: { ka67: { interface: eth1, nopreempt: true }, ka68: {} }, garp_master_delay: 2, ${VIP}, accept: [vip-outside-subnet]`,
      ),
    );
    expect(hosts.get('ka67')?.instances[0]).toMatchObject({
      interface: 'eth1',
      keywords: ['nopreempt', 'garp_master_delay 2'],
    });
    expect(hosts.get('ka68')?.instances[0]).toMatchObject({
      interface: 'eth0',
      keywords: ['garp_master_delay 2'],
    });
  });
});

test('derived priorities leave room for positive weights', () => {
  const text = `${HOSTS}topology:
  vrrp_scripts: { chk: { script: /bin/true, weight: 20 } }
  vrrp_instances:
    A: { interface: eth0, virtual_router_id: 1, nodes: [ka67, ka68], ${VIP}, track_script: [chk], track_interface: [eth1 weight 5] }
`;
  const { clusters, hosts } = derive(text);
  expect(clusters[0]?.instances[0]?.priorities).toEqual({ ka67: 229, ka68: 228 });
  expect(hosts.get('ka67')?.scripts).toEqual([
    { head: 'vrrp_script chk', cluster: 'pair', keywords: ['script /bin/true', 'weight 20'] },
  ]);
});

describe('unicast', () => {
  test('true derives the peers from the interface’s addresses', () => {
    const { hosts } = derive(instance(`nodes: [ka67, ka68], unicast: true, ${VIP}`));
    expect(hosts.get('ka67')?.instances[0]).toMatchObject({
      unicast_src_ip: '172.16.8.10',
      unicast_peer: ['172.16.8.11'],
    });
    expect(hosts.get('ka67')?.openings).toMatchObject([
      { kind: 'vrrp', group: undefined, peers: ['172.16.8.11'] },
    ]);
    expect(hosts.get('ka67')?.interfaces).toMatchObject([{ name: 'eth0', address: '172.16.8.10' }]);
  });

  test('a map names them; without interfaces the address we connect to counts', () => {
    const named = derive(
      instance(`nodes: [ka67, ka68], unicast: { ka67: 10.9.9.1, ka68: 10.9.9.2 }, ${VIP}`),
    );
    expect(named.hosts.get('ka68')?.instances[0]).toMatchObject({
      unicast_src_ip: '10.9.9.2',
      unicast_peer: ['10.9.9.1'],
    });
    const bare =
      'all: { hosts: { a: { ansible_host: 10.0.0.1 }, b: { ansible_host: 10.0.0.2 } } }\ntopology: { vrrp_instances: { V: { interface: e, virtual_router_id: 1, nodes: [a, b], unicast: true, virtual_ipaddress: [10.0.0.9] } } }';
    expect(derive(bare).hosts.get('a')?.instances[0]).toMatchObject({
      unicast_src_ip: '10.0.0.1',
      unicast_peer: ['10.0.0.2'],
    });
  });
});

test('addresses in both forms, prefixes bring promote_secondaries', () => {
  const { hosts, diagnostics } = derive(
    instance(
      'nodes: [ka67, ka68], virtual_ipaddress: [172.16.8.100/24 dev eth0.5 label eth0:1, { address: 172.16.8.101, scope: global }], accept: [vip-prefix]',
    ),
  );
  expect(diagnostics).toEqual([]);
  expect(hosts.get('ka67')?.instances[0]?.virtual_ipaddress.map(vip => vip.line)).toEqual([
    '172.16.8.100/24 dev eth0.5 label eth0:1',
    '172.16.8.101 scope global',
  ]);
  expect(hosts.get('ka67')?.sysctls).toMatchObject([
    { key: 'net.ipv4.conf.eth0/5.promote_secondaries', value: '1' },
  ]);
  expect(hosts.get('ka67')?.interfaces.map(one => one.name)).toEqual(['eth0', 'eth0.5']);
});

test('IPv6 is version 3, with MLD and its own group', () => {
  const { hosts } = derive(
    instance('nodes: [ka67, ka68], advert_int: 0.1, virtual_ipaddress: ["2001:db8::1"]'),
  );
  expect(hosts.get('ka67')).toMatchObject({
    instances: [{ family: 6, version: 3, advert_int: 0.1 }],
    openings: [
      { kind: 'vrrp', family: 6, group: 'ff02::12' },
      { kind: 'mld', protocol: 58 },
    ],
  });
});

describe('use_vmac', () => {
  const openings = (instances: string, globals = ''): string[] => {
    const { hosts } = derive(
      `${HOSTS}topology:\n  global_defs: { ${globals} }\n  vrrp_instances:\n${instances}`,
    );
    return (hosts.get('ka67')?.openings ?? []).map(one => `${one.kind} ${one.interface}`);
  };
  const wanted = (more: string, name = 'A', vrid = 51): string =>
    `    ${name}: { interface: eth0, virtual_router_id: ${vrid}, nodes: [ka67, ka68], virtual_ipaddress: [172.16.8.${vrid}], ${more} }\n`;
  const both = (name: string): string[] => ['vrrp eth0', 'igmp eth0', `vrrp ${name}`, `igmp ${name}`];

  test.each([
    { more: 'use_vmac: true', name: 'vrrp.51' },
    { more: 'use_vmac: "web.1 02:00:00:00:00:01"', name: 'web.1' },
    { more: 'use_vmac: "02:00:00:00:00:01"', name: 'vrrp.51' },
    { more: 'use_vmac: true', globals: 'vmac_prefix: ha', name: 'ha.51' },
  ])('$more: adverts come by $name as well', ({ more, globals, name }) => {
    expect(openings(wanted(more), globals)).toEqual(both(name));
  });

  test('not without it, nor for unicast', () => {
    expect(openings(wanted('use_vmac: false'))).toEqual(['vrrp eth0', 'igmp eth0']);
    expect(openings(wanted('use_vmac: true, unicast: true'))).toEqual(['vrrp eth0']);
  });

  test('a VRID on two NICs has two names, as the daemons give them', () => {
    const second = wanted('use_vmac: true', 'B').replace('eth0', 'eth1').replace('8.51', '8.52');
    expect(openings(wanted('use_vmac: true') + second)).toEqual([
      ...both('vrrp.51'),
      ...both('vrrp.51_2').map(text => text.replace('eth0', 'eth1')),
    ]);
  });
});

test('keywords pass through in keepalived’s words', () => {
  const words = `nodes: [ka67, ka68], ${VIP}, notify: /bin/n.sh, notify_master: "/bin/n.sh a b", smtp_alert: true, track_interface: { eth1: { weight: -5 } }, virtual_routes: [10.9.0.0/24 via 172.16.8.1], preempt_delay: 60, accept: false, use_vmac: false, garp_master_refresh: 60`;
  expect(derive(instance(words)).hosts.get('ka67')?.instances[0]?.keywords).toEqual([
    'preempt_delay 60',
    'no_accept',
    'notify /bin/n.sh',
    'notify_master "/bin/n.sh a b"',
    'smtp_alert',
    'track_interface {',
    '    eth1 weight -5',
    '}',
    'virtual_routes {',
    '    10.9.0.0/24 via 172.16.8.1',
    '}',
    'garp_master_refresh 60',
  ]);
});

describe('clusters', () => {
  const fleet = `all:
  vars:
    topology_defaults: { vrrp_instance: { interface: eth0, advert_int: 2 }, global_defs: { vrrp_garp_master_repeat: 3, smtp_server: 10.0.0.5 } }
  children:
    west: { hosts: { w1: , w2: }, vars: { topology_defaults: { vrrp_instance: { advert_int: 3 } } } }
    one:
      hosts: { w1: , w2: }
      vars: { topology: { global_defs: { smtp_server: 10.0.0.6 }, vrrp_instances: { A: { virtual_router_id: 1, nodes: [w1, w2], virtual_ipaddress: [10.0.0.1] } } } }
    two:
      hosts: { e1: , e2: }
`;
  const more = {
    'group_vars/two.yml':
      'topology: { vrrp_instances: { A: { virtual_router_id: 1, nodes: [e1, e2], virtual_ipaddress: [10.0.0.1] } } }',
  };

  test('each group with a topology of its own is one; defaults are merged deeply, the innermost last', () => {
    const { clusters, hosts, diagnostics } = derive(fleet, more);
    expect(diagnostics).toEqual([]);
    expect(clusters.map(cluster => cluster.name)).toEqual(['one', 'two']);
    expect(hosts.get('w1')).toMatchObject({
      global_defs: ['router_id w1', 'vrrp_garp_master_repeat 3', 'smtp_server 10.0.0.6'],
      instances: [{ interface: 'eth0', advert_int: 3 }],
    });
    expect(hosts.get('e1')).toMatchObject({
      global_defs: ['router_id e1', 'vrrp_garp_master_repeat 3', 'smtp_server 10.0.0.5'],
      instances: [{ interface: 'eth0', advert_int: 2 }],
    });
  });

  test('an error in one leaves the others complete', () => {
    const { clusters, hosts, diagnostics } = derive(fleet, {
      'group_vars/two.yml': more['group_vars/two.yml'].replace('[e1, e2]', '[e1, e9]'),
    });
    expect(clusters.map(cluster => cluster.name)).toEqual(['one']);
    expect([...hosts.keys()]).toEqual(['w1', 'w2']);
    expect(diagnostics.map(formatDiagnostic)).toEqual([
      'group_vars/two.yml:1:70: error: the inventory has no host e9 (add it under hosts) [host-unknown]',
    ]);
  });

  test('a host can be in two', () => {
    const text =
      'all: { hosts: { a: , b: } }\none: { hosts: { a: , b: }, vars: { topology: { vrrp_instances: { X: { interface: e, virtual_router_id: 1, nodes: [a, b], virtual_ipaddress: [10.0.0.1] } } } } }\ntwo: { hosts: { a: , b: }, vars: { topology: { vrrp_instances: { Y: { interface: e, virtual_router_id: 2, nodes: [b, a], virtual_ipaddress: [10.0.0.2] } } } } }';
    expect(derive(text).hosts.get('a')).toMatchObject({
      clusters: ['one', 'two'],
      instances: [{ name: 'X' }, { name: 'Y' }],
    });
  });
});

describe('a sync group over two clusters', () => {
  const two = (members: string, more = '', nodes = '[a, b]') => `all:
  children:
    outer:
      hosts: &hosts
        a: { ansible_host: 10.0.0.1, interfaces: { eth0: 10.0.0.1/24, eth1: 10.1.0.1/24 } }
        b: { ansible_host: 10.0.0.2, interfaces: { eth0: 10.0.0.2/24, eth1: 10.1.0.2/24 } }
        c: { ansible_host: 10.0.0.3, interfaces: { eth0: 10.0.0.3/24, eth1: 10.1.0.3/24 } }
      vars:
        topology:
          vrrp_sync_groups: { G: ${members} }
          vrrp_instances:
            Outer: { interface: eth0, virtual_router_id: 5, nodes: ${nodes}, virtual_ipaddress: [10.0.0.9] }
    inner:
      hosts: { a: , b: , c: }
      vars:
        topology:
          ${more}
          vrrp_instances:
            Inner: { interface: eth1, virtual_router_id: 6, nodes: [a, b], virtual_ipaddress: [10.1.0.9] }
`;
  const complaints = (text: string): string[] => derive(text).diagnostics.map(formatDiagnostic);

  test('names the other’s instance as CLUSTER/INSTANCE', () => {
    const { hosts, clusters, diagnostics } = derive(two('[outer/Outer, inner/Inner]'));
    expect(diagnostics).toEqual([]);
    expect(clusters).toHaveLength(2);
    expect(hosts.get('a')?.sync_groups).toEqual([
      {
        head: 'vrrp_sync_group G',
        cluster: 'outer',
        keywords: ['group {', '    Outer', '    Inner', '}'],
      },
    ]);
  });

  test('which must run on the same hosts', () => {
    expect(complaints(two('[Outer, inner/Inner]', '', '[a, c]')).join('\n')).toMatch(
      /pair\.yml:\d+:\d+: error: the sync group G names inner\/Inner, which does not run on c/,
    );
    expect(complaints(two('[Outer, inner/Other]')).join('\n')).toContain(
      'the sync group G names inner/Other, which does not run on a',
    );
  });

  test('and is in no other group', () => {
    const found = complaints(two('[Outer, inner/Inner]', 'vrrp_sync_groups: { H: [Inner, outer/Outer] }'));
    expect(found.join('\n')).toContain('Outer is in the sync groups G and H');
  });
});

test('interfaces are checked against facts', () => {
  const host = derive(
    instance(`nodes: [ka67, ka68], unicast: { ka67: 172.16.8.10, ka68: 172.16.8.11 }, ${VIP}`),
  ).hosts.get('ka67');
  if (!host) throw new Error('ka67 is there');
  const facts = (name: string, address: string) => ({
    hostname: 'ka67',
    architecture: 'x64',
    kernel: '6.1',
    bootId: 'b',
    init: 'systemd',
    container: false,
    networkManager: false,
    os: { id: 'debian', versionId: '12', idLike: [] },
    interfaces: [
      { name: 'lo', mac: undefined, up: true, addresses: [] },
      { name, mac: undefined, up: true, addresses: [{ address, prefix: 24, scope: 'global' }] },
    ],
  });
  expect(checkInterfaces(host, facts('eth0', '172.16.8.10'))).toEqual([]);
  expect(checkInterfaces(host, facts('ens3', '172.16.8.10')).map(formatDiagnostic)[0]).toContain(
    'ka67 has no interface eth0 (it has ens3)',
  );
  expect(checkInterfaces(host, facts('eth0', '172.16.8.99')).map(formatDiagnostic)[0]).toContain(
    '172.16.8.10 is not on eth0 of ka67',
  );
});
