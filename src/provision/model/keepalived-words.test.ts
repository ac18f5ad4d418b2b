import { describe, expect, test } from 'vitest';
import { must } from '#base/assert.ts';
import { formatDiagnostic } from '#base/errors.ts';
import { memoryFiles } from './inventory-memory.ts';
import { loadInventory } from './inventory.ts';
import { wordsBeyond } from './keepalived-words.ts';
import { deriveTopology } from './topology.ts';

function complaints(topology: string, version?: string, daemon = 'keepalived'): string[] {
  const text = `all:
  vars: { vrrp_daemon: ${daemon} }
  hosts:
    a: { interfaces: { eth0: 10.0.0.1/24 } }
    b: { interfaces: { eth0: 10.0.0.2/24 } }
    web: { ansible_host: 10.0.0.9, interfaces: { eth0: 10.0.0.9/24 } }
topology:
  vrrp_instances:
    VI_1:
      interface: eth0
      virtual_router_id: 51
      nodes: [a, b]
      virtual_ipaddress: [10.0.0.100]
${topology}`;
  const { inventory } = loadInventory(['site.yml'], memoryFiles({ 'site.yml': text }));
  const { hosts, clusters, diagnostics } = deriveTopology(inventory);
  expect(diagnostics.filter(({ severity }) => severity === 'error')).toEqual([]);
  return wordsBeyond(must(hosts.get('a'), 'a'), clusters, version).map(formatDiagnostic);
}

const SERVERS = `  virtual_servers:
    web: { on: [VI_1], port: 80, lb_kind: DR, drain_timeout: 30, real_servers: { hosts: { web: {} } }, TCP_CHECK: {} }
`;

describe('words that a host’s keepalived does not have', () => {
  test('ours, whatever its version, by inventory, line and the way out', () => {
    expect(complaints(SERVERS)).toEqual([
      expect.stringMatching(
        /^site\.yml:\d+:\d+: error: a runs keepalived, which has no drain_timeout in virtual_server/,
      ),
    ]);
    expect(complaints(SERVERS, '2.4.3')[0]).toContain('vrrp_daemon: tandemd');
  });

  test('newer ones, once its version is known', () => {
    const words = '      version: 3\n      v3_checksum_as_v2: true\n';
    expect(complaints(words)).toEqual([]);
    expect(complaints(words, '2.2.8')).toEqual([]);
    expect(complaints(words, '2.2.10')).toEqual([]);
    expect(complaints(words, '2.2.7')).toEqual([
      expect.stringMatching(
        /^site\.yml:\d+:\d+: error: a runs keepalived 2\.2\.7, which has no v3_checksum_as_v2/,
      ),
    ]);
  });

  test('none on a host that runs tandemd', () => {
    expect(complaints(SERVERS, '2.2.7', 'tandemd')).toEqual([]);
  });
});
