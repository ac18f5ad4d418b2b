import { describe, expect, test } from 'vitest';
import { formatDiagnostic } from '#base/errors.ts';
import { memoryFiles } from './inventory-memory.ts';
import { loadInventory } from './inventory.ts';
import { expandRange } from './inventory-range.ts';
import { matchPattern } from './pattern.ts';
import { hostVariables } from './variables.ts';

/** What `ansible-inventory` 2.14 makes of these files is what the tests below expect. */
const FILES = {
  'inv/a.yml': `
all:
  vars: { a: all-inline, b: all-inline }
  hosts:
    lone:
    "www[01:05:2].example.org": { rng: 1 }
  children:
    web:
      hosts:
        db-[a:c]:
        web1: { ansible_host: 10.0.0.1, c: host-inline }
      vars: { a: web-inline, ansible_group_priority: 5 }
      children:
        inner:
          hosts: { web1: , web2: {} }
          vars: { a: inner-inline, p: inner }
    other:
      hosts: { web1: , web9:2222: }
      vars: { a: other, p: other, z: other }
    abc: { hosts: web1, vars: { z: abc, zz: abc } }
extra: { hosts: { lone: { k: v } } }
`,
  'inv/b.yml': 'web: { vars: { a2: b-file }, hosts: { web1: { c: b-host } } }',
  'inv/group_vars/all.yml': 'b: gv-all\nc: gv-all\nt: "{{ a }}-{{ c }}"',
  'inv/group_vars/web/x.yml': 'b: gv-web1',
  'inv/group_vars/web/y.yaml': 'b2: y',
  'inv/group_vars/web/.hidden.yml': 'b2: hidden',
  'inv/host_vars/web1.json': '{"c": "hv", "l": [1, 2]}',
  'inv/host_vars/lone': 'q: 1',
  'play/group_vars/web.yml': 'b: play-web',
  'play/group_vars/all.yml': 'c: play-all',
};

const load = (files: Readonly<Record<string, string>>, ...paths: string[]) =>
  loadInventory(paths, memoryFiles(files));
const complaints = (text: string) => load({ 'i.yml': text }, 'i.yml').diagnostics.map(formatDiagnostic);

describe('several inventories with group_vars and host_vars', () => {
  const { inventory, diagnostics } = load(FILES, 'inv/a.yml', 'inv/b.yml');
  const of = (host: string, name: string) => hostVariables(inventory, host).get(name);

  test('load without complaints, hosts in the order in which they are named', () => {
    expect(diagnostics).toEqual([]);
    expect([...inventory.hosts.keys()].join(' ')).toBe(
      'lone www01.example.org www03.example.org www05.example.org db-a db-b db-c web1 web2 web9',
    );
  });

  test('groups of a host by depth, priority and name; the last one wins', () => {
    expect(inventory.hosts.get('web1')?.groups).toEqual(['all', 'abc', 'other', 'web', 'inner']);
    expect([
      of('web1', 'a'),
      of('web1', 'p'),
      of('web1', 'z'),
      of('db-a', 'a'),
      of('web9', 'a'),
      of('lone', 'a'),
    ]).toEqual(['inner-inline', 'inner', 'other', 'web-inline', 'other', 'all-inline']);
  });

  test('group_vars over inline group variables, host_vars over inline host variables', () => {
    expect([
      of('web1', 'b'),
      of('web1', 'b2'),
      of('web1', 'c'),
      of('web2', 'c'),
      of('lone', 'b'),
      of('web1', 'l'),
      of('lone', 'q'),
    ]).toEqual(['gv-web1', 'y', 'hv', 'gv-all', 'gv-all', [1, 2], 1]);
    expect(of('web1', 't')).toBe('inner-inline-hv');
  });

  test('variables beside the playbook win over those beside the inventory', () => {
    const beside = loadInventory(['inv/a.yml'], memoryFiles(FILES), { playbookDir: 'play' }).inventory;
    const read = (host: string, name: string) => hostVariables(beside, host).get(name);
    expect([read('web1', 'b'), read('db-a', 'c'), read('web1', 'c')]).toEqual(['play-web', 'play-all', 'hv']);
  });

  test('ungrouped, ports and members of nested groups', () => {
    expect(inventory.groups.get('ungrouped')?.hosts).toEqual([
      'www01.example.org',
      'www03.example.org',
      'www05.example.org',
    ]);
    expect(of('web9', 'ansible_port')).toBe(2222);
    expect(inventory.groups.get('web')?.hosts).toEqual(['db-a', 'db-b', 'db-c', 'web1', 'web2']);
    expect(inventory.groups.get('inner')?.depth).toBe(2);
  });

  test('a folder of inventories, and names with a comma', () => {
    const folder = load(FILES, 'inv');
    expect([
      folder.diagnostics,
      folder.inventory.hosts.size,
      hostVariables(folder.inventory, 'web1').get('c'),
    ]).toEqual([[], 10, 'hv']);
    expect([...load({}, 'ka67, ka68:2222,').inventory.hosts.keys()]).toEqual(['ka67', 'ka68']);
  });

  test('magic variables', () => {
    const web1 = hostVariables(inventory, 'web1');
    expect(web1.get('group_names')).toEqual(['abc', 'inner', 'other', 'web']);
    expect(hostVariables(inventory, 'www01.example.org').get('inventory_hostname_short')).toBe('www01');
    expect((web1.get('groups') as Record<string, unknown>)['inner']).toEqual(['web1', 'web2']);
  });
});

describe('complaints have a place and a way out', () => {
  test.each([
    ['[web]\nweb1 ansible_host=1', 'i.yml:1:1: error: this is not a YAML inventory', '[inventory-not-yaml]'],
    ['- a', 'i.yml:1:1: error:', '[inventory-not-yaml]'],
    ['plugin: aws_ec2', 'i.yml:1:1: error: inventory plugins are not supported', '[inventory-plugin]'],
    [
      'all: { hosts: [a, b] }',
      'i.yml:1:8: error: hosts of the group all must be a map (one line each, with a colon at its end: a:)',
      '[inventory-section]',
    ],
    ['all: [a]', 'i.yml:1:1: error: the group all must be a map', '[inventory-group]'],
    [
      'all: { host: { a: } }',
      'i.yml:1:8: warning: host means nothing in the group all',
      '[inventory-unknown-key]',
    ],
    ['all: { hosts: { a: 5 } }', 'i.yml:1:20: error: the host a must be a map', '[inventory-host]'],
    [
      'all: { hosts: { "a b": } }',
      "i.yml:1:17: error: 'a b' cannot be the name of a host",
      '[inventory-host-name]',
    ],
    ['all: { hosts: { "a[3:1]": } }', "i.yml:1:17: error: '[3:1]' goes backwards", '[inventory-range]'],
    [
      'all: { children: { g: { children: { h: { children: { g: } } } } } }',
      'i.yml:1:54: error: the group g would be its own ancestor',
      '[inventory-group-loop]',
    ],
    [
      'g: { vars: { ansible_group_priority: high } }',
      'i.yml:1:38: error: ansible_group_priority',
      '[inventory-group-priority]',
    ],
    [
      'all:\n  hosts: { a: { x: {{ y }} } }',
      'i.yml:2:20: error: an unquoted {{ … }}',
      '[yaml-unquoted-template]',
    ],
  ])('%j', (text, begin, end) => {
    const [first = ''] = complaints(text);
    expect(first.slice(0, begin.length)).toBe(begin);
    expect(first.slice(-end.length)).toBe(end);
  });

  test('a missing inventory, and a file of variables that is none', () => {
    expect(load({}, 'nope.yml').diagnostics[0]).toMatchObject({ id: 'inventory-missing', severity: 'error' });
    const files = { 'i.yml': 'all: { hosts: { a: } }', 'group_vars/all.yml': '- x' };
    expect(load(files, 'i.yml').diagnostics[0]).toMatchObject({
      id: 'vars-file',
      position: { file: 'group_vars/all.yml', line: 1 },
    });
  });
});

describe('ranges', () => {
  test.each([
    ['www[01:03]', 'www01 www02 www03'],
    ['www[1:5:2]', 'www1 www3 www5'],
    ['db-[a:c]', 'db-a db-b db-c'],
    ['[a:e:2]', 'a c e'],
    ['r[1:2]n[08:09]', 'r1n08 r1n09 r2n08 r2n09'],
    ['x[:2]', 'x0 x1 x2'],
    ['plain', 'plain'],
  ])('%s', (pattern, names) => {
    expect(expandRange(pattern)).toEqual({ names: names.split(' ') });
  });

  test.each(['a[1:2', 'a[1]', 'a[01:3]', 'a[b:2]', 'a[1:9:0]', 'a[1:9999999]', 'a[1:2:3:4]'])(
    '%s is refused',
    pattern => {
      expect(expandRange(pattern)).toHaveProperty('error');
    },
  );
});

describe('patterns, as `ansible --list-hosts` resolves them', () => {
  const { inventory } = load(FILES, 'inv/a.yml', 'inv/b.yml');
  test.each([
    ['web', 'db-a db-b db-c web1 web2'],
    ['web:!inner', 'db-a db-b db-c'],
    ['web:&other', 'web1'],
    ['web1,lone', 'web1 lone'],
    ['lone:web2', 'lone web2'],
    ['~web\\d', 'web1 web2 web9'],
    ['www*', 'www01.example.org www03.example.org www05.example.org'],
    ['*.example.org', 'www01.example.org www03.example.org www05.example.org'],
    ['db-?', 'db-a db-b db-c'],
    ['db-[!a]', 'db-b db-c'],
    ['web[0]', 'db-a'],
    ['web[-1]', 'web2'],
    ['web[1:2]', 'db-b db-c'],
    ['web[3:]', 'web1 web2'],
    ['web[0:1]:other', 'db-a db-b web1 web9'],
    ['all:!web:!www*:!other', 'lone'],
    ['!web', 'lone www01.example.org www03.example.org www05.example.org web9'],
    ['inner,&web', 'web1 web2'],
  ])('%s', (pattern, hosts) => {
    expect(matchPattern(inventory, pattern)).toEqual({ hosts: hosts.split(' '), unmatched: [], errors: [] });
  });

  test('terms that match nothing are named, and bad patterns are errors', () => {
    expect(matchPattern(inventory, 'web1:nosuch:!gone')).toEqual({
      hosts: ['web1'],
      unmatched: ['nosuch', 'gone'],
      errors: [],
    });
    expect(matchPattern(inventory, '~(').errors[0]).toContain('not a usable pattern');
  });
});
