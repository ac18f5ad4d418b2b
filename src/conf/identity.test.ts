import { describe, expect, test } from 'vitest';
import { diffConfigs, instanceIdentity } from './identity.ts';
import { loadConfig } from './load.ts';
import { memorySource } from './memory-source.ts';
import type { Config } from './model.ts';

const load = (text: string): Config =>
  loadConfig('/k.conf', memorySource({ '/k.conf': text }), { hostname: 'r1' }).config;
const instance = (body: string, name = 'V', vrid = 5): string =>
  `vrrp_instance ${name} {\ninterface eth0\nvirtual_router_id ${vrid}\nvirtual_ipaddress {\n192.0.2.${vrid}\n}\n${body}\n}\n`;

/** The difference as names and keywords. */
const difference = (before: string, after: string) => {
  const { added, removed, changed, unchanged } = diffConfigs(load(before), load(after));
  const names = (instances: readonly { name: string }[]): string[] => instances.map(({ name }) => name);
  return {
    added: names(added),
    removed: names(removed),
    unchanged: names(unchanged),
    changed: changed.map(({ after: { name }, keywords }) => [name, ...keywords]),
  };
};

test('identity', () => {
  const [plain] = load(instance('')).vrrpInstances;
  const [unicast] = load(instance('unicast_peer {\n192.0.2.3\n}')).vrrpInstances;
  expect(plain && instanceIdentity(plain)).toEqual({
    virtualRouterId: 5,
    family: 4,
    interface: 'eth0',
    cast: 'multicast',
  });
  expect(unicast && instanceIdentity(unicast)).toMatchObject({ cast: 'unicast' });
});

describe('diffConfigs', () => {
  const none = { added: [], removed: [], unchanged: [], changed: [] };

  test.each([
    [
      'comments and order do not matter',
      instance('') + instance('', 'W', 6),
      `# c\n${instance('', 'W', 6)}${instance('')}`,
      { ...none, unchanged: ['W', 'V'] },
    ],
    [
      'a default written out is no change',
      instance(''),
      instance('priority 100\nadvert_int 1'),
      { ...none, unchanged: ['V'] },
    ],
    [
      'keywords',
      instance('priority 100'),
      instance('priority 90\nnopreempt'),
      { ...none, changed: [['V', 'priority', 'nopreempt']] },
    ],
    [
      'what globals change',
      instance(''),
      `global_defs {\nvrrp_garp_master_repeat 2\n}\n${instance('')}`,
      { ...none, changed: [['V', 'garp_master_repeat', 'garp_lower_prio_repeat']] },
    ],
    ['a new name', instance(''), instance('', 'W'), { ...none, changed: [['W', 'vrrp_instance']] }],
    ['a new identity', instance(''), instance('', 'V', 6), { ...none, added: ['V'], removed: ['V'] }],
    [
      'the other cast',
      instance(''),
      instance('unicast_peer {\n192.0.2.3\n}'),
      { ...none, added: ['V'], removed: ['V'] },
    ],
    [
      'swapped names',
      instance('') + instance('', 'W', 6),
      instance('', 'W') + instance('', 'V', 6),
      {
        ...none,
        changed: [
          ['W', 'vrrp_instance'],
          ['V', 'vrrp_instance'],
        ],
      },
    ],
  ])('%s', (_, before, after, expected) => {
    expect(difference(before, after)).toEqual(expected);
  });

  test('globals, and what needs a restart', () => {
    const before = load('net_namespace blue\nglobal_defs {\nrouter_id a\n}');
    const after = load('global_defs {\nrouter_id b\nnotify_fifo /run/f\n}');
    expect(diffConfigs(before, after)).toMatchObject({
      globalKeywords: ['net_namespace', 'router_id', 'notify_fifo'],
      restartKeywords: ['net_namespace', 'notify_fifo'],
    });
  });

  test('what is tracked', () => {
    const script = (name: string, interval: number): string =>
      `vrrp_script ${name} {\nscript /bin/x\ninterval ${interval}\n}\n`;
    const before = load(script('same', 1) + script('changed', 1) + script('gone', 1));
    const after = load(script('changed', 2) + script('same', 1) + script('new', 1));
    expect(diffConfigs(before, after).trackables).toEqual({
      scripts: ['changed', 'gone', 'new'],
      processes: [],
      files: [],
    });
  });

  test('a password that changes is a change', () => {
    const auth = (password: string): string =>
      instance(`authentication {\nauth_type PASS\nauth_pass ${password}\n}`);
    expect(difference(auth('one'), auth('two')).changed).toEqual([['V', 'authentication']]);
  });

  test('instances that share an identity are told apart by name', () => {
    const peer = (host: number): string => `unicast_peer {\n192.0.2.${host}\n}`;
    const two = instance(peer(3)) + instance(peer(4), 'W');
    expect(difference(two, instance(peer(4), 'W')).removed).toEqual(['V']);
  });
});
