/** keepalived.conf → inventory → keepalived.conf: the same meaning. */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { checkConfig } from '#conf/load.ts';
import { memorySource } from '#conf/memory-source.ts';
import { importInventory, type ImportedInventory } from './import-inventory.ts';
import { readHostConfiguration } from './import-read.ts';
import type { ImportedHost } from './import-types.ts';
import { verifyImport, type Verdict } from './import-verify.ts';
import { memoryFiles } from './inventory-memory.ts';
import { loadInventory } from './inventory.ts';
import { renderTemplate } from './template.ts';
import { deriveTopology } from './topology.ts';
import { hostVariables } from './variables.ts';

const root = new URL('../../../', import.meta.url);
const TEMPLATE = readFileSync(new URL('roles/vrrp/templates/keepalived.conf.njk', root), 'utf8');

interface Imported {
  readonly hosts: readonly ImportedHost[];
  readonly inventory: ImportedInventory;
  readonly verdict: Verdict;
}

/** Imports host → text; `files` are there for inclusions. */
function importAll(
  configurations: Readonly<Record<string, string>>,
  files: Record<string, string> = {},
): Imported {
  const hosts = Object.entries(configurations).map(([host, text]) =>
    readHostConfiguration(host, `/${host}.conf`, memorySource({ ...files, [`/${host}.conf`]: text })),
  );
  const sources = Object.keys(configurations).map(host => `${host}.conf`);
  const inventory = importInventory(hosts, { sources, knowledge: new Map(), daemon: 'keepalived' });
  return { hosts, inventory, verdict: verifyImport(inventory, hosts, { template: TEMPLATE, file: 'i.yml' }) };
}

describe('a shipped inventory, rendered, imported and rendered again', () => {
  const shipped = readdirSync(new URL('inventory/', root)).filter(name => name.endsWith('.yml'));
  test.each(shipped)('%s', name => {
    const text = readFileSync(new URL(`inventory/${name}`, root), 'utf8');
    const { inventory } = loadInventory([name], memoryFiles({ [name]: text }));
    const rendered = Object.fromEntries(
      // Real servers and proxies' backends run no VRRP daemon.
      [...deriveTopology(inventory).hosts]
        .filter(([, { instances }]) => instances.length > 0)
        .map(([host, tandem]) => [
          host,
          renderTemplate(TEMPLATE, hostVariables(inventory, host, { magic: { tandem } }), { file: 't' }),
        ]),
    );
    const { verdict } = importAll(rendered);
    expect(verdict.complaints.filter(({ severity }) => severity === 'error')).toEqual([]);
    expect([...verdict.differences]).toEqual([]);
    expect(verdict.rendered.size).toBe(Object.keys(rendered).length);
  });
});

describe('configurations as people write them', () => {
  const folder = new URL('test/fixtures/import/', root);
  test.each(readdirSync(folder))('%s', name => {
    const files = Object.fromEntries(
      readdirSync(new URL(`${name}/`, folder)).map(file => [
        file,
        readFileSync(new URL(`${name}/${file}`, folder), 'utf8'),
      ]),
    );
    const hosts = Object.keys(files).filter(file => file.endsWith('.conf'));
    const included = Object.fromEntries(Object.entries(files).map(([file, text]) => [`/${file}`, text]));
    const { verdict } = importAll(
      Object.fromEntries(hosts.map(file => [file.slice(0, -5), files[file] ?? ''])),
      included,
    );
    expect(verdict.complaints.filter(({ severity }) => severity === 'error')).toEqual([]);
    expect([...verdict.differences]).toEqual([]);
    expect(verdict.rendered.size).toBe(hosts.length);
    for (const [host, text] of verdict.rendered) {
      const { diagnostics } = checkConfig('k', memorySource({ k: text }), { hostname: host });
      const own = diagnostics.filter(
        ({ id }) => !['keyword-not-supported', 'keyword-no-effect'].includes(id),
      );
      expect(own.filter(({ severity }) => severity === 'error')).toEqual([]);
    }
  });
});

const PAIR = (priority: number, more = ''): string => `vrrp_instance VI_1 {
  state ${priority > 99 ? 'MASTER' : 'BACKUP'}
  interface eth0
  virtual_router_id 51
  priority ${priority}
  authentication {
    auth_type PASS
    auth_pass s3cret
  }
  virtual_ipaddress {
    10.0.0.100/24
  }
}
${more}`;

test('an inventory as a person writes it, without the password', () => {
  const { inventory } = importAll({ ka67: PAIR(100), ka68: PAIR(95) });
  expect(inventory.text).toBe(`# Imported from ka67.conf, ka68.conf.
# Passwords are in group_vars/all/secrets.yml.
all:
  vars: { vrrp_daemon: keepalived }
  hosts:
    ka67:
    ka68:
topology:
  vrrp_instances:
    VI_1:
      interface: eth0
      virtual_router_id: 51
      nodes: { ka67: 100, ka68: 95 }
      authentication: { auth_type: PASS, auth_pass: "{{ vrrp_auth_pass }}" }
      virtual_ipaddress: [10.0.0.100/24]
`);
  expect(inventory.secrets?.reveal()).toContain('vrrp_auth_pass: "s3cret"');
  expect(JSON.stringify(inventory)).not.toContain('s3cret');
});

test('what has no place in a topology is carried verbatim and said with its place', () => {
  const extra = 'static_routes {\n  10.9.0.0/16 via 10.0.0.1 dev eth0\n}\n';
  const { hosts, inventory, verdict } = importAll({ a: PAIR(100, extra), b: PAIR(95) });
  expect(hosts[0]?.notes).toContainEqual(
    expect.objectContaining({ id: 'carried-verbatim', position: { file: '/a.conf', line: 14, column: 1 } }),
  );
  expect(inventory.text).toContain('10.9.0.0/16 via 10.0.0.1 dev eth0');
  expect([...verdict.differences]).toEqual([]);
});

test('a difference is found and names the keyword; a password is not shown', () => {
  const { hosts, inventory } = importAll({ a: PAIR(100), b: PAIR(95) });
  const text = inventory.text.replace('a: 100', 'a: 101').replace('10.0.0.100/24', '10.0.0.101/24');
  const changed = verifyImport({ ...inventory, text, names: inventory.names }, hosts, {
    template: TEMPLATE,
    file: 'i.yml',
  });
  expect(changed.differences.get('a')?.map(({ keyword }) => keyword)).toEqual([
    'priority',
    'virtual_ipaddress',
  ]);
});

test('options that a list of peers alone can say are named as lost', () => {
  const unicast = (priority: number, peer: string): string =>
    PAIR(priority).replace('  authentication', `  unicast_peer {\n    ${peer}\n  }\n  authentication`);
  const { verdict } = importAll({
    a: unicast(100, '10.0.0.2 min_ttl 250').replace(
      'interface eth0',
      'interface eth0\n unicast_src_ip 10.0.0.1',
    ),
    b: unicast(95, '10.0.0.1').replace('interface eth0', 'interface eth0\n unicast_src_ip 10.0.0.2'),
  });
  expect([...verdict.differences.keys()]).toEqual(['a']);
  expect(verdict.differences.get('a')).toContainEqual(
    expect.objectContaining({ where: 'vrrp_instance VI_1', keyword: 'unicast_peer' }),
  );
});

test('keys of signed adverts stay out of the inventory, and that is said', () => {
  const hmac = PAIR(100).replace(
    '  authentication',
    '  auth_hmac {\n    key 1 hex:0011\n  }\n  authentication',
  );
  const { hosts, inventory } = importAll({ a: hmac, b: hmac.replace('priority 100', 'priority 95') });
  expect(hosts[0]?.notes.map(({ id }) => id)).toContain('left-out');
  expect(inventory.text).not.toContain('0011');
});

test('hosts that disagree are no cluster: the complaint names instance and keyword', () => {
  const { verdict } = importAll({ a: PAIR(100), b: PAIR(95).replace('10.0.0.100', '10.0.0.101') });
  expect(verdict.complaints).toContainEqual(
    expect.objectContaining({ severity: 'error', message: expect.stringMatching(/VI_1: virtual_ipaddress/) }),
  );
});

test('a password of SSL_GET is a secret too', () => {
  const { inventory, verdict } = importAll({
    a: PAIR(100, 'SSL {\n  password "t0psecret"\n}\n'),
    b: PAIR(95, 'SSL {\n  password "t0psecret"\n}\n'),
  });
  expect(inventory.text).not.toContain('t0psecret');
  expect(inventory.secrets?.reveal()).toContain('t0psecret');
  expect(JSON.stringify([...verdict.differences])).not.toContain('t0psecret');
  expect([...verdict.differences]).toEqual([]);
});

test('hosts that share no virtual router are clusters of their own', () => {
  const other = (priority: number): string =>
    PAIR(priority)
      .replace('virtual_router_id 51', 'virtual_router_id 52')
      .replace('10.0.0.100', '10.0.1.100');
  const { inventory, verdict } = importAll({ a: PAIR(100), b: PAIR(95), c: other(100), d: other(95) });
  expect(inventory.text).toMatch(/children:\n {4}a_b:\n[^]*\n {4}c_d:\n/);
  expect([...verdict.differences]).toEqual([]);
});
