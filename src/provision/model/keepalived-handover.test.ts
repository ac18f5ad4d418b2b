import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { must } from '#base/assert.ts';
import { checkConfig } from '#conf/load.ts';
import { memorySource } from '#conf/memory-source.ts';
import { memoryFiles } from './inventory-memory.ts';
import { loadInventory } from './inventory.ts';
import { handoverFile, withHandovers, withoutHandovers } from './keepalived-handover.ts';
import { renderTemplate } from './template.ts';
import { deriveTopology } from './topology.ts';
import { hostVariables } from './variables.ts';

const root = new URL('../../../', import.meta.url);
const TEMPLATE = readFileSync(new URL('roles/vrrp/templates/keepalived.conf.njk', root), 'utf8');

/** The file of ka67, as tandemd and as keepalived gets it. */
function rendered(name: string): { readonly plain: string; readonly told: string } {
  const text = readFileSync(new URL(`inventory/${name}.yml`, root), 'utf8');
  const { inventory } = loadInventory([name], memoryFiles({ [name]: text }));
  const { hosts, clusters } = deriveTopology(inventory);
  const own = must(hosts.get('ka67'), 'ka67');
  const render = (tandem: unknown): string =>
    renderTemplate(TEMPLATE, hostVariables(inventory, 'ka67', { magic: { tandem } }), { file: 'k.njk' });
  return { plain: render(own), told: render(withHandovers(own, clusters)) };
}

const check = (text: string) =>
  checkConfig('k.conf', memorySource({ 'k.conf': text }), {
    hostname: 'h',
    interfaces: ['eth0', 'eth1', 'eth2'],
  });

test('every instance tracks a file, by a weight that leaves it 1 of its priority', () => {
  const { diagnostics, config } = check(rendered('dual-master').told);
  expect(diagnostics).toEqual([]);
  expect(config.trackFiles).toMatchObject([
    { name: 'tandem_handover_VI_1', file: '/var/lib/tandem/handover/VI_1', weight: 1 },
    { name: 'tandem_handover_VI_2', file: '/var/lib/tandem/handover/VI_2', weight: 1 },
  ]);
  expect(config.trackFiles.map(({ initFile }) => initFile)).toEqual([
    { value: 0, overwrite: true },
    { value: 0, overwrite: true },
  ]);
});

test('in a sync group, where weights do not count, by a fault', () => {
  const { diagnostics, config } = check(rendered('dual-network-sync').told);
  expect(diagnostics).toEqual([]);
  expect(config.trackFiles.map(({ weight }) => weight)).toEqual([0, 0]);
});

test.each(['dual-master', 'dual-network-sync', 'tracking'])('%s: taken out again nothing is left', name => {
  const { plain, told } = rendered(name);
  const words = (text: string): string[] => text.split('\n').filter(line => line.trim() !== '');
  expect(words(told).length).toBeGreaterThan(words(plain).length);
  expect(words(withoutHandovers(told))).toEqual(words(plain));
  expect(withoutHandovers(told).split('\n')).toHaveLength(told.split('\n').length);
});

test('a name that no file can have', () => {
  expect(handoverFile('VI 1/a')).toBe('/var/lib/tandem/handover/VI_1_a');
});
