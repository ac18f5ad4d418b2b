import { describe, expect, test } from 'vitest';
import { checkLabName, checkSpec } from './spec-check.ts';
import type { LabHost, LabSpec } from './spec.ts';

const host = (name: string, address: string, over: Partial<LabHost> = {}): LabHost => ({
  name,
  interfaces: [{ name: 'eth0', network: 'lan', addresses: [address] }],
  ...over,
});

const SPEC: LabSpec = {
  name: 'pair',
  networks: [{ name: 'lan' }],
  hosts: [host('ka67', '172.16.8.10/24'), host('ka68', '172.16.8.11/24')],
  controller: { addresses: { lan: ['172.16.8.1/24'] } },
};

describe('a lab’s spec', () => {
  test('a pair passes', () => {
    expect(() => checkSpec(SPEC)).not.toThrow();
  });

  test.each<[string, Partial<LabSpec>, string]>([
    ['an unknown network', { networks: [] }, 'no network lan'],
    ['a host twice', { hosts: [host('a', '10.0.0.1/8'), host('a', '10.0.0.2/8')] }, 'host a is there twice'],
    [
      'an address twice',
      { hosts: [host('a', '10.0.0.1/8'), host('b', '10.0.0.1/8')] },
      '10.0.0.1/8 on lan is there',
    ],
    [
      'an address without prefix',
      { hosts: [host('a', '10.0.0.1')] },
      'expected address/prefix, not 10.0.0.1',
    ],
    ['a hostname that breaks out', { hosts: [host('a\nlink del', '10.0.0.1/8')] }, 'cannot be a hostname'],
    ['a host called controller', { hosts: [host('controller', '10.0.0.1/8')] }, 'own namespace'],
    [
      'a long NIC name',
      { hosts: [{ name: 'a', interfaces: [{ name: 'a-name-too-long-', network: 'lan', addresses: [] }] }] },
      '1–15 characters',
    ],
    [
      'a multicast MAC',
      {
        hosts: [
          { name: 'a', interfaces: [{ name: 'e', network: 'lan', addresses: [], mac: '01:00:5e:00:00:12' }] },
        ],
      },
      'no unicast MAC',
    ],
  ])('%s is refused', (_, change, complaint) => {
    expect(() => checkSpec({ ...SPEC, ...change })).toThrow(complaint);
  });

  test.each(['', '..', 'a/b', 'A', 'x'.repeat(33)])('%j names no lab', name => {
    expect(() => checkLabName(name)).toThrow('a lab');
  });
});
