import { expect, test } from 'vitest';
import { loadConfig } from '#conf/load.ts';
import { memorySource } from '#conf/memory-source.ts';
import { memoryFiles } from './inventory-memory.ts';
import { loadInventory } from './inventory.ts';
import { probeConfiguration } from './probe-configuration.ts';
import { deriveTopology } from './topology.ts';

const site = (instance: string) => `all:
  hosts:
    a: { ansible_host: 10.0.0.1, interfaces: { eth0: 10.0.0.1/24 } }
    b: { ansible_host: 10.0.0.2, interfaces: { eth0: 10.0.0.2/24 } }
topology:
  global_defs: { vrrp_mcast_group4: 224.0.0.111 }
  vrrp_instances:
    V: { interface: eth0, virtual_router_id: 7, nodes: [a, b], virtual_ipaddress: [10.0.0.9], ${instance} }
`;

function probed(instance: string) {
  const { inventory } = loadInventory(['i.yml'], memoryFiles({ 'i.yml': site(instance) }));
  const { hosts, diagnostics } = deriveTopology(inventory);
  expect(diagnostics.filter(({ severity }) => severity === 'error')).toEqual([]);
  const host = hosts.get('a');
  if (!host) throw new Error('no host');
  const text = probeConfiguration(host);
  const loaded = loadConfig('-', memorySource({ '-': text }), { hostname: 'a' });
  expect(loaded.diagnostics).toEqual([]);
  return { text, instance: loaded.config.vrrpInstances[0] };
}

test.each([
  [
    'multicast',
    'mcast_src_ip: 10.0.0.1',
    {
      version: 2,
      virtualRouterId: 7,
      unicastPeers: [],
      mcastSrcIp: Uint8Array.of(10, 0, 0, 1),
      mcastGroup: Uint8Array.of(224, 0, 0, 111),
    },
  ],
  [
    'unicast',
    'unicast: true, unicast_ttl: 3',
    {
      unicastSrcIp: Uint8Array.of(10, 0, 0, 1),
      unicastTtl: 3,
      unicastPeers: [{ address: Uint8Array.of(10, 0, 0, 2) }],
    },
  ],
  ['version 3', 'version: 3, advert_int: 0.1', { version: 3 }],
  ['AH', 'authentication: { auth_type: AH, auth_pass: hushhush }', { authentication: { type: 'AH' } }],
  ['PASS', 'authentication: { auth_type: PASS, auth_pass: hushhush }', { authentication: undefined }],
])('an advert’s way by %s, and no secret', (_what, words, wanted) => {
  const { text, instance } = probed(words);
  expect(instance).toMatchObject(wanted);
  expect(text).not.toContain('hushhush');
});
