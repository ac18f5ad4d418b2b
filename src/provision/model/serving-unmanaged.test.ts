/** Real servers that are only addresses, and groups of virtual services. */
import { expect, test } from 'vitest';
import { must } from '#base/assert.ts';
import { memoryFiles } from './inventory-memory.ts';
import { leavingServices } from './departures.ts';
import { loadInventory } from './inventory.ts';
import { deriveTopology } from './topology.ts';

function derive(server: string) {
  const text = `all:
  hosts:
    a: { interfaces: { eth0: 10.0.0.1/24 } }
    b: { interfaces: { eth0: 10.0.0.2/24 } }
  children: { web: { hosts: { c: { interfaces: { eth0: 10.0.0.3/24 } } } } }
topology:
  vrrp_instances:
    V: { interface: eth0, virtual_router_id: 7, nodes: [a, b], virtual_ipaddress: [10.0.0.9, 10.0.0.10] }
  virtual_servers:
    s:
${server
  .split('\n')
  .map(line => `      ${line}`)
  .join('\n')}
`;
  const { inventory } = loadInventory(['i.yml'], memoryFiles({ 'i.yml': text }));
  const { diagnostics, hosts, clusters } = deriveTopology(inventory);
  return { diagnostics, hosts, clusters, director: hosts.get('a') };
}

const NAT = 'on: V\naddresses: 10.0.0.9\nport: 80\nlb_kind: NAT\nTCP_CHECK: {}\n';

test('addresses are sent to and checked, and nothing is derived for them', () => {
  const { diagnostics, director, clusters, hosts } = derive(
    `${NAT}real_servers: { port: 8080, addresses: { 10.0.0.8: 3, "10.0.0.8 8081": { inhibit_on_failure: true } } }`,
  );
  // NAT to a server that is not built: its way back is its owner's affair.
  expect(diagnostics).toEqual([]);
  const block = must(director?.virtual_servers[0], 'a block');
  expect(block.real_servers).toEqual([
    { host: '10.0.0.8', address: '10.0.0.8', port: 8080, weight: 3 },
    { host: '10.0.0.8', address: '10.0.0.8', port: 8081, weight: 1 },
  ]);
  expect(block.keywords).toContain('real_server 10.0.0.8 8081 {');
  expect(block.keywords).toContain('    inhibit_on_failure');
  expect(director?.openings).toContainEqual(
    expect.objectContaining({ kind: 'forward', destination: '10.0.0.8', port: 8081 }),
  );
  expect(clusters[0]?.realServers).toEqual([]);
  expect(hosts.has('10.0.0.8')).toBe(false);
});

test('hosts and addresses serve side by side', () => {
  const { director, clusters } = derive(
    'on: V\naddresses: 10.0.0.9\nport: 80\nlb_kind: DR\nTCP_CHECK: {}\nreal_servers: { group: web, addresses: [10.0.0.8] }',
  );
  expect(director?.virtual_servers[0]?.real_servers.map(({ host }) => host)).toEqual(['c', '10.0.0.8']);
  expect(clusters[0]?.realServers).toEqual(['c']);
});

test.each([
  ['real_servers: { addresses: [10.0.0.300] }', 'address-invalid', '"10.0.0.300" is not an address'],
  ['real_servers: { addresses: [10.0.0.8 80 90] }', 'address-invalid', '"10.0.0.8 80 90" is not an address'],
  ['real_servers: { addresses: [web8] }', 'address-invalid', '"web8" is not an address'],
  [
    'real_servers: { port: 8080, addresses: [10.0.0.8, 10.0.0.8 8080] }',
    'real-server-address',
    '10.0.0.8 8080 is there twice',
  ],
  ['real_servers: { addresses: [10.0.0.8 99999] }', 'real-server-port', 'port of 10.0.0.8 is "99999"'],
  ['real_servers: { addresses: { 10.0.0.8: -1 } }', 'real-server-weight', 'weight of 10.0.0.8 is -1'],
  ['real_servers: { addresses: [] }', 'real-server-missing', 's has no real servers'],
])('%s is refused', (words, id, message) => {
  const { diagnostics } = derive(`${NAT}${words}`);
  expect(diagnostics).toContainEqual(
    expect.objectContaining({ id, message: expect.stringContaining(message) }),
  );
});

const GROUP = (lines: string): string =>
  `on: V\nvirtual_server_group: [${lines}]\nlb_kind: DR\npersistence_timeout: 300\nTCP_CHECK: { connect_port: 80 }\nreal_servers: { group: web, addresses: [10.0.0.8] }`;

test('a group is one virtual server, and all of its addresses and ports are let in and held', () => {
  const { diagnostics, director, hosts } = derive(GROUP('10.0.0.9-10 80, 10.0.0.9 443, fwmark 3'));
  expect(diagnostics).toEqual([]);
  expect(director?.virtual_servers).toHaveLength(1);
  expect(director?.virtual_servers[0]).toMatchObject({
    head: 'virtual_server group s',
    group: {
      head: 'virtual_server_group s',
      keywords: ['10.0.0.9-10 80', '10.0.0.9 443', 'fwmark 3'],
    },
    address: undefined,
  });
  const services = director?.openings.filter(({ kind }) => kind === 'service');
  expect(services?.map(({ destination, port }) => `${destination} ${port}`)).toEqual([
    '10.0.0.9 80',
    '10.0.0.10 80',
    '10.0.0.9 443',
  ]);
  const vips = hosts.get('c')?.real_server?.vips.map(({ address }) => address);
  expect(vips?.toSorted()).toEqual(['10.0.0.10', '10.0.0.9']);
});

test('marks alone have no protocol', () => {
  const { director } = derive(GROUP('fwmark 3, fwmark 4'));
  expect(director?.virtual_servers[0]?.keywords.some(line => line.startsWith('protocol'))).toBe(false);
});

test.each([
  ['10.0.0.11 80', '10.0.0.11 80 is not an address of its instances'],
  ['10.0.0.9 80 }', '"10.0.0.9 80 }" is no line of a virtual_server_group'],
  ['10.0.0.9 http', '"10.0.0.9 http" is no line of a virtual_server_group'],
  ['fwmark x', '"fwmark x" is no line of a virtual_server_group'],
])('virtual_server_group: [%s] is refused', (lines, message) => {
  expect(derive(GROUP(`"${lines}"`)).diagnostics).toContainEqual(
    expect.objectContaining({ id: 'server-group', message: expect.stringContaining(message) }),
  );
});

test('a host that leaves is looked for by the name that tandemd has for a group', () => {
  const director = must(derive(GROUP('10.0.0.9-10 80')).director, 'a');
  expect(leavingServices(director, new Set(['c']))).toMatchObject([
    { virtual: '[s]:0', real: { address: '10.0.0.3', port: 0 } },
  ]);
});
