import { describe, expect, test } from 'vitest';
import { formatDiagnostic } from '#base/errors.ts';
import { memoryFiles } from './inventory-memory.ts';
import { loadInventory } from './inventory.ts';
import { SERVER_RULES } from './topology-rules.ts';
import { deriveTopology } from './topology.ts';

const seen = new Set<string>();
const ids = (found: readonly { readonly id: string }[]) => {
  for (const { id } of found) seen.add(id);
  return found.map(({ id }) => id);
};

/** Directors a and b between two networks, real servers c (by `real`) and d; `words` go into the virtual server. */
function serverComplaints(words: string, { rest = '', real = '10.0.0.3/24', eth1 = '10.1.0.1/24' } = {}) {
  const text = `all:
  hosts:
    a: { interfaces: { eth0: 10.0.0.1/24, eth1: ${eth1} } }
    b: { interfaces: { eth0: 10.0.0.2/24, eth1: 10.1.0.2/24 } }
    c: { interfaces: { eth0: ${real} } }
    d: { interfaces: { eth0: [10.0.0.4/24, 10.0.0.5/24] } }
  children: { web: { hosts: { c: } }, many: { hosts: { c: , d: } }, none: {} }
topology:
  vrrp_instances:
    V: { interface: eth0, virtual_router_id: 7, nodes: [a, b], virtual_ipaddress: [10.0.0.9] }
    W: { interface: eth1, virtual_router_id: 8, nodes: [a, b], virtual_ipaddress: [10.1.0.9] }
  ${rest}
  virtual_servers:
    s:
      on: V
      port: 80
      lb_kind: DR
      real_servers: { group: web }
      TCP_CHECK: { connect_timeout: 1 }
      ${words}
`;
  const { inventory } = loadInventory(['i.yml'], memoryFiles({ 'i.yml': text }));
  return deriveTopology(inventory).diagnostics;
}

describe('virtual servers', () => {
  test('what is right is not complained about', () => {
    expect(serverComplaints('')).toEqual([]);
    expect(serverComplaints('port: 0\n      persistence_timeout: 60')).toEqual([]);
    expect(serverComplaints('on: [i/V]')).toEqual([]);
  });

  test.each([
    ['instance-unknown', 'on: [VV]', 'names VV, which is no instance of i (the instances are V, W)'],
    ['instance-unknown', 'on: []', 'does not say on which instances'],
    [
      'server-address',
      'addresses: [10.0.0.8]',
      '10.0.0.8 is not an address of its instances (they have 10.0.0.9)',
    ],
    [
      'server-group',
      'virtual_server_group: [10.0.0.8 80]',
      '10.0.0.8 80 is not an address of its instances (they have 10.0.0.9)',
    ],
    ['server-port', 'port: 70000', 'port is 70000'],
    ['server-port', 'port: 0', 'every port (0) needs persistence_timeout'],
    ['lb-kind', 'lb_kind: FULLNAT', 'lb_kind is "FULLNAT"'],
    ['group-unknown', 'real_servers: { group: webs }', 'the inventory has no group webs (did you mean web?)'],
    ['host-unknown', 'real_servers: { hosts: [x] }', 'the inventory has no host x'],
    ['host-outside-group', 'real_servers: { group: web, hosts: { a: 2 } }', 'a is not in the group web'],
    ['real-server-missing', 'real_servers: { group: none }', 's has no real servers'],
    ['real-server-address', 'real_servers: { group: many }', 'd has several addresses'],
    ['real-server-weight', 'real_servers: { group: web, weight: -1 }', 'weight of c is -1'],
    ['real-server-port', 'real_servers: { group: web, port: 0 }', 'port of c is 0'],
    ['dr-port', 'real_servers: { group: web, port: 8080 }', 'DR cannot change port 80 to 8080'],
    [
      'gateway-missing',
      'lb_kind: NAT\n      real_servers: { group: web, gateway: W }',
      'no virtual address is in the subnet',
    ],
    ['topology-shape', 'protocol: HTTP', 'expected one of TCP, UDP, SCTP'],
    ['keyword-value', 'lb_algo: "rr {"', 'holds a brace'],
  ])('%s: %s', (id, words, part) => {
    const found = serverComplaints(words);
    expect(ids(found)).toContain(id);
    const text = found.map(formatDiagnostic).join('\n');
    expect(text).toContain(part);
    expect(text).toMatch(/i\.yml:\d+:\d+: error: /);
  });

  test('a DR real server elsewhere, and one that has the virtual address', () => {
    const elsewhere = serverComplaints('real_servers: { hosts: { c: { address: 10.9.0.3 } } }');
    expect(ids(elsewhere)).toContain('dr-link');
    expect(
      ids(serverComplaints('real_servers: { hosts: { c: { address: 10.0.0.9 } } }', { real: '10.0.0.9/24' })),
    ).toContain('vip-is-host-address');
  });

  test('one address and port twice', () => {
    const second = 't: { on: V, port: 80, lb_kind: DR, real_servers: { group: web }, TCP_CHECK: {} }';
    const found = serverComplaints(`accept: []\n    ${second}`);
    expect(ids(found)).toEqual(['server-duplicate']);
  });

  test.each([
    ['lb-kind-missing', 'lb_kind: ', '', undefined],
    ['checker-missing', 'TCP_CHECK: ', '', undefined],
    ['keyword-unknown', 'delay_lop: 3', '', undefined],
    [
      'nat-sync-group',
      'lb_kind: NAT\n      on: W\n      real_servers: { group: web, gateway: V }',
      '',
      undefined,
    ],
    [
      'director-is-real-server',
      'real_servers: { hosts: { a: { address: 10.0.0.1 }, c: } }',
      'global_defs: { lvs_sync_daemon: false }',
      undefined,
    ],
  ])('%s is a warning that can be accepted', (id, words, rest) => {
    const text = (accept: string) =>
      id === 'lb-kind-missing' || id === 'checker-missing'
        ? withoutLine(words, `${rest}\n  ${accept}`)
        : serverComplaints(words, { rest: `${rest}\n  ${accept}` });
    const found = text('');
    expect(ids(found)).toEqual([id]);
    expect(found[0]?.severity).toBe('warning');
    expect(text(`accept: [${id}]`)).toEqual([]);
  });

  /** The same without one of the lines. */
  function withoutLine(word: string, rest: string) {
    const lines = [
      'on: V',
      'port: 80',
      'lb_kind: DR',
      'real_servers: { group: web, gateway: V }',
      'TCP_CHECK: {}',
    ];
    const kept = lines.filter(line => !line.startsWith(word.trim()));
    const text = `all:
  hosts:
    a: { interfaces: { eth0: 10.0.0.1/24 } }
    b: { interfaces: { eth0: 10.0.0.2/24 } }
    c: { interfaces: { eth0: 10.0.0.3/24 } }
  children: { web: { hosts: { c: } } }
topology:
  vrrp_instances:
    V: { interface: eth0, virtual_router_id: 7, nodes: [a, b], virtual_ipaddress: [10.0.0.9] }
  ${rest}
  virtual_servers: { s: { ${kept.join(', ')} } }
`;
    const { inventory } = loadInventory(['i.yml'], memoryFiles({ 'i.yml': text }));
    return deriveTopology(inventory).diagnostics;
  }
});

test('every rule has been seen above', () => {
  expect(SERVER_RULES.filter(id => !seen.has(id))).toEqual([]);
});
