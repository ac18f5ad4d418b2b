/** keepalived.conf → inventory → keepalived.conf: the same meaning. */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { must } from '#base/assert.ts';
import { checkConfig } from '#conf/load.ts';
import { memorySource } from '#conf/memory-source.ts';
import { realServersOf } from './import-hosts.ts';
import { importInventory, type ImportedInventory } from './import-inventory.ts';
import { readHostConfiguration } from './import-read.ts';
import type { ImportedHost, ImportedRealServers } from './import-types.ts';
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
  realServers?: ImportedRealServers,
): Imported {
  const hosts = Object.entries(configurations).map(([host, text]) =>
    readHostConfiguration(host, `/${host}.conf`, memorySource({ ...files, [`/${host}.conf`]: text })),
  );
  const sources = Object.keys(configurations).map(host => `${host}.conf`);
  const inventory = importInventory(hosts, {
    sources,
    knowledge: new Map(),
    daemon: 'keepalived',
    ...(realServers ? { realServers } : {}),
  });
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
    const errorsOf = (file: string, host: string, texts: Record<string, string>): readonly string[] =>
      checkConfig(file, memorySource(texts), { hostname: host })
        .diagnostics.filter(({ id, severity }) => severity === 'error' && id !== 'keyword-not-supported')
        .map(({ message }) => message);
    for (const [host, text] of verdict.rendered) {
      // What is carried verbatim has its errors still.
      const known = new Set(errorsOf(`/${host}.conf`, host, included));
      expect(errorsOf('k', host, { k: text }).filter(message => !known.has(message))).toEqual([]);
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

const SERVER = `virtual_server 10.0.0.100 80 {
  lb_algo rr
  lb_kind DR
  protocol TCP
  real_server 10.0.0.8 80 {
    weight 3
    TCP_CHECK {
      connect_timeout 1
    }
  }
  real_server 10.0.0.9 80 {
    TCP_CHECK {
      connect_timeout 1
    }
  }
}
`;

test('virtual servers as a person writes them; the servers behind them are left alone', () => {
  const { inventory, verdict } = importAll({ a: PAIR(100, SERVER), b: PAIR(95, SERVER) });
  expect(inventory.text).toContain(`
  virtual_servers:
    http:
      on: [VI_1]
      port: 80
      lb_algo: rr
      lb_kind: DR
      real_servers: { addresses: { 10.0.0.8: 3, 10.0.0.9: } }
      TCP_CHECK: { connect_timeout: 1 }
`);
  // The pair had no synchronisation daemon.
  expect(inventory.text).toContain('global_defs: { lvs_sync_daemon: false }');
  expect([...verdict.differences]).toEqual([]);
});

test.each([
  ['which only one director has', SERVER, '', 'only a of the nodes of VI_1 have it'],
  [
    'on an address of no instance',
    SERVER.replace('10.0.0.100', '10.0.0.99'),
    SERVER.replace('10.0.0.100', '10.0.0.99'),
    'no vrrp_instance brings its address',
  ],
  [
    'whose port DR cannot map',
    SERVER.replace('10.0.0.8 80', '10.0.0.8 8080'),
    SERVER.replace('10.0.0.8 80', '10.0.0.8 8080'),
    'DR cannot change its port to 8080 of 10.0.0.8',
  ],
  [
    'that a topology refuses',
    SERVER.replace('10.0.0.100 80', '10.0.0.100 0').replaceAll(' 80 {', ' 0 {'),
    SERVER.replace('10.0.0.100 80', '10.0.0.100 0').replaceAll(' 80 {', ' 0 {'),
    'virtual_servers any_tcp: port is 0',
  ],
])('a virtual server %s is carried verbatim, and why is said', (_what, ofA, ofB, why) => {
  const { inventory, verdict } = importAll({ a: PAIR(100, ofA), b: PAIR(95, ofB) });
  expect(inventory.notes).toContainEqual(
    expect.objectContaining({ id: 'carried-verbatim', message: expect.stringContaining(why) }),
  );
  expect(inventory.text).not.toContain('virtual_servers:');
  expect(inventory.text).toContain('    real_server 10.0.0.9');
  expect(verdict.complaints.filter(({ severity }) => severity === 'error')).toEqual([]);
  expect([...verdict.differences]).toEqual([]);
});

test('real servers become hosts where a group of the inventory has them', () => {
  const { inventory: known } = loadInventory(
    ['h.yml'],
    memoryFiles({
      'h.yml': `all: { children: { web: { hosts: {
        web8: { interfaces: { eth0: 10.0.0.8/24 } }, web9: { ansible_host: 10.0.0.9 } } } } }`,
    }),
  );
  const group = must(known.groups.get('web'), 'web');
  const realServers = realServersOf(known, group, host =>
    host === 'web9' ? { ansible_host: '10.0.0.9' } : {},
  );
  const { inventory, verdict } = importAll({ a: PAIR(100, SERVER), b: PAIR(95, SERVER) }, {}, realServers);
  expect(inventory.text).toContain(`
  children:
    web:
      hosts:
        web8:
          interfaces: { eth0: 10.0.0.8/24 }
        web9: { ansible_host: 10.0.0.9 }
`);
  expect(inventory.text).toContain('real_servers: { group: web, hosts: { web8: 3 } }');
  expect(verdict.complaints.filter(({ severity }) => severity === 'error')).toEqual([]);
  expect([...verdict.differences]).toEqual([]);
  const half = SERVER.replace('10.0.0.9 80', '10.0.0.7 80');
  const other = importAll({ a: PAIR(100, half), b: PAIR(95, half) }, {}, realServers);
  expect(other.inventory.text).toContain('addresses: { 10.0.0.8: 3, 10.0.0.7: }');
});

test('options of unicast peers are kept', () => {
  const unicast = (priority: number, own: string, peer: string): string =>
    PAIR(priority)
      .replace('  authentication', `  unicast_peer {\n    ${peer}\n  }\n  authentication`)
      .replace('interface eth0', `interface eth0\n unicast_src_ip ${own}`);
  const { inventory, verdict } = importAll({
    a: unicast(100, '10.0.0.1', '10.0.0.2 min_ttl 250 max_ttl 255'),
    b: unicast(95, '10.0.0.2', '10.0.0.1'),
  });
  expect(inventory.text).toContain('unicast: { a: 10.0.0.1, b: 10.0.0.2 }');
  expect(inventory.text).toContain('unicast_peer: [10.0.0.2 min_ttl 250 max_ttl 255]');
  expect(verdict.complaints.filter(({ severity }) => severity === 'error')).toEqual([]);
  expect([...verdict.differences]).toEqual([]);
  expect(verdict.rendered.get('a')).toContain('10.0.0.2 min_ttl 250 max_ttl 255');
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
