import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { inventoryReference, inventoryWords } from './inventory-reference.ts';

test('docs/inventory-words.md is what the schema says now (npm run docs writes it)', () => {
  const page = new URL('../../docs/inventory-words.md', import.meta.url);
  expect(readFileSync(page, 'utf8')).toBe(inventoryReference());
});

test('every word has a type and a meaning', () => {
  const { variables, topology, defaults } = inventoryWords();
  const words = [...variables, ...topology, ...defaults];
  expect(words.length).toBeGreaterThan(70);
  expect(words.filter(({ type, meaning }) => type === '' || meaning === '').map(({ path }) => path)).toEqual(
    [],
  );
  // Those that are nested deepest, so that none is lost on the way.
  const paths = new Set(words.map(({ path }) => path));
  for (const path of [
    'vrrp_instances.NAME.authentication.auth_pass',
    'virtual_servers.NAME.real_servers.hosts.HOST.weight',
    'virtual_servers.NAME.real_servers.addresses.ADDRESS.weight',
    'proxies.NAME.stats.uri',
    'interfaces.NIC.network',
    'networks.NAME.site',
  ])
    expect(paths).toContain(path);
});
