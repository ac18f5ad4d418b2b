import { describe, expect, test } from 'vitest';
import { cableLines, NO_FAULTS, portNamed, renderRuleset } from './faults.ts';
import type { LabSpec } from './spec.ts';

const SPEC: LabSpec = {
  name: 'pair',
  networks: [{ name: 'lan', snooping: true }, { name: 'wan' }],
  hosts: ['ka67', 'ka68'].map((name, index) => ({
    name,
    interfaces: [
      { name: 'eth0', network: 'lan', addresses: [`172.16.8.1${index}/24`] },
      { name: 'eth1', network: 'wan', addresses: [`10.16.8.1${index}/24`] },
    ],
  })),
  controller: { addresses: {} },
};

const rules = (ruleset: string) =>
  ruleset
    .split('\n')
    .map(line => line.trim())
    .filter(line => line.endsWith('drop'));

describe('what the switch is told', () => {
  test('a partition drops between the two sides, both ways, on every network', () => {
    const ruleset = renderRuleset(
      { ...SPEC, networks: [{ name: 'lan' }, { name: 'wan' }] },
      { ...NO_FAULTS, partitions: [[['ka67'], ['ka68']]] },
    );
    expect(rules(ruleset)).toEqual([
      'iifname { "p0n0", "p0n1" } oifname { "p1n0", "p1n1" } drop',
      'iifname { "p1n0", "p1n1" } oifname { "p0n0", "p0n1" } drop',
    ]);
  });

  test('loss is in hundredths of a percent, both ways', () => {
    const lan = { ...SPEC, networks: [{ name: 'lan' }, { name: 'wan' }] };
    expect(rules(renderRuleset(lan, { ...NO_FAULTS, loss: { p1n0: 12.5 } }))).toEqual([
      'iifname "p1n0" numgen random mod 10000 < 1250 drop',
      'oifname "p1n0" numgen random mod 10000 < 1250 drop',
    ]);
  });

  test('a snooping network loses the groups that are not link-local, on its own ports only', () => {
    expect(rules(renderRuleset(SPEC, NO_FAULTS))).toEqual([
      'iifname { "p0n0", "p1n0" } ip daddr 224.0.0.0/4 ip daddr != 224.0.0.0/24 drop',
    ]);
  });

  test('cables', () => {
    const port = portNamed(SPEC, 'ka68', 'eth1');
    const lines = (state?: 'cut' | 'silent') =>
      cableLines(port, { ...NO_FAULTS, cables: state ? { p1n1: state } : {} });
    expect(lines()).toEqual(['link set p1n1 master br1', 'link set p1n1 up']);
    expect(lines('cut')).toEqual(['link set p1n1 master br1', 'link set p1n1 down']);
    expect(lines('silent')).toEqual(['link set p1n1 nomaster', 'link set p1n1 up']);
    expect(() => portNamed(SPEC, 'ka68', 'eth9')).toThrow('it has: eth0, eth1');
  });
});
