/** The shipped inventories: load without complaints, and render a keepalived.conf that tandemd's own reader accepts. */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { checkConfig } from '#conf/load.ts';
import { memorySource } from '#conf/memory-source.ts';
import { memoryFiles } from './inventory-memory.ts';
import { loadInventory } from './inventory.ts';
import { inventorySchema } from './schema.ts';
import { renderTemplate } from './template.ts';
import { deriveTopology } from './topology.ts';
import { hostVariables } from './variables.ts';

const root = new URL('../../../', import.meta.url);
const TEMPLATE = readFileSync(new URL('roles/vrrp/templates/keepalived.conf.njk', root), 'utf8');
const SHIPPED = readdirSync(new URL('inventory/', root)).filter(name => name.endsWith('.yml'));

function renderAll(
  name: string,
  text: string,
  vars: Readonly<Record<string, string>> = {},
): ReadonlyMap<string, string> {
  const { inventory, diagnostics } = loadInventory([name], memoryFiles({ [name]: text }));
  const topology = deriveTopology(inventory);
  expect([...diagnostics, ...topology.diagnostics]).toEqual([]);
  return new Map(
    [...topology.hosts].map(([host, tandem]) => [
      host,
      renderTemplate(TEMPLATE, hostVariables(inventory, host, { magic: { tandem, ...vars } }), {
        file: 'keepalived.conf.njk',
      }),
    ]),
  );
}

const NICS = ['eth0', 'eth1', 'eth2', 'bond0.10', 'bond0.20', 'bond0.30'];

function check(text: string) {
  const source = memorySource({ 'keepalived.conf': text });
  return checkConfig('keepalived.conf', source, { hostname: 'h', interfaces: NICS });
}

describe('shipped inventories', () => {
  test('are there', () => {
    expect(SHIPPED).toContain('two-node.yml');
    expect(SHIPPED).toContain('dual-master.yml');
  });

  test.each(SHIPPED)('%s', name => {
    const rendered = renderAll(name, readFileSync(new URL(`inventory/${name}`, root), 'utf8'));
    expect(rendered.size).toBeGreaterThanOrEqual(2);
    const daemons = [...rendered.values()].filter(text => text.includes('vrrp_instance'));
    expect(daemons.length).toBeGreaterThanOrEqual(2);
    for (const text of daemons) expect(check(text)).toMatchObject({ diagnostics: [], exitCode: 0 });
  });

  test('two-node, as an operator expects to read it', () => {
    const rendered = renderAll('two-node.yml', readFileSync(new URL('inventory/two-node.yml', root), 'utf8'));
    expect(rendered.get('ka68')).toBe(`# Written by tandem for ka68: change the inventory, not this file.
global_defs {
    router_id ka68
    vrrp_mcast_group4 224.0.0.111
}

vrrp_instance VG_1 {
    state BACKUP
    interface eth0
    virtual_router_id 103
    priority 253
    authentication {
        auth_type PASS
        auth_pass Tandem-1
    }
    virtual_ipaddress {
        172.16.8.100
    }
}
`);
  });
});

test('a virtual server that names no scheduler gets keepalived’s, said aloud', () => {
  const text = readFileSync(new URL('inventory/lvs-dr-dual-master.yml', root), 'utf8');
  const rendered = renderAll('lvs.yml', text.replace(/^ *lb_algo: rr\n/m, ''));
  const director = rendered.get('ka67') ?? '';
  expect(director).toContain('lb_algo wlc');
  expect(check(director)).toMatchObject({ diagnostics: [], exitCode: 0 });
});

test('one file per cluster: the main file includes them, and each stands for itself', () => {
  const text = readFileSync(new URL('inventory/config-d.yml', root), 'utf8');
  const part = (name: string) =>
    renderAll('config-d.yml', text, { vrrp_configuration_part: name }).get('ka67') ?? '';
  expect(part('main')).toContain('include /etc/tandem/conf.d/*.conf');
  expect(part('main')).not.toContain('vrrp_instance');
  expect(part('db_vip').match(/^\w+.*\{$/gm)).toEqual(['vrrp_instance DB {']);
  expect(check(part('web_vip'))).toMatchObject({ diagnostics: [], exitCode: 0 });
});

test('everything that a topology can say comes out in keepalived’s words', () => {
  const text = `all:
  hosts:
    a: { interfaces: { eth0: [10.0.0.1/24, "2001:db8::1/64"], eth1: 10.1.0.1/24 } }
    b: { interfaces: { eth0: [10.0.0.2/24, "2001:db8::2/64"], eth1: 10.1.0.2/24 } }
topology:
  global_defs: { enable_script_security: true, script_user: root, notification_email: [a@example.org], smtp_server: 127.0.0.1 }
  vrrp_scripts: { chk: { script: "/usr/bin/pgrep nginx", interval: 2, weight: -10, fall: 2, rise: 2 } }
  vrrp_track_processes: { web: { process: nginx, weight: 10 } }
  vrrp_sync_groups: { G: { group: [A, C], notify: /bin/n.sh, sync_group_tracking_weight: true } }
  vrrp_instances:
    A:
      interface: eth0
      virtual_router_id: 51
      nodes: { a: 100, b: 95 }
      advert_int: 1
      authentication: { auth_type: PASS, auth_pass: "it's #1" }
      virtual_ipaddress: [10.0.0.100 label eth0:1]
      virtual_ipaddress_excluded: ["2001:db8::100"]
      track_script: [chk]
      track_process: { web: { weight: 5 } }
      track_interface: [eth1]
      notify_master: "/bin/n.sh master now"
      smtp_alert: true
    B: { interface: eth0, virtual_router_id: 51, nodes: [b, a], advert_int: 0.1, unicast: true, virtual_ipaddress: ["2001:db8::200"] }
    C: { interface: eth1, virtual_router_id: 52, nodes: { a: { preempt_delay: 30 }, b: }, virtual_ipaddress: [10.1.0.100] }
`;
  for (const rendered of renderAll('rich.yml', text).values()) {
    const checked = check(rendered);
    expect(checked.diagnostics).toEqual([]);
    expect(checked.config.vrrpInstances.map(one => [one.name, one.virtualRouterId])).toEqual([
      ['A', 51],
      ['B', 51],
      ['C', 52],
    ]);
  }
});

test('the JSON Schema describes groups and topologies, and is free of transforms', () => {
  const schema = JSON.stringify(inventorySchema());
  for (const word of [
    'virtual_servers',
    'real_servers',
    'proxies',
    'scripts',
    'vrrp_instances',
    'virtual_router_id',
    'ansible_host',
    'topology_defaults',
    'children',
  ])
    expect(schema).toContain(`"${word}"`);
});
