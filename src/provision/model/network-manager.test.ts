/** What the role network_manager has of a host's NetworkManager: facts, and what is written for it. */
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { DEBIAN, ModuleHost } from '#testing/module-host.ts';
import type { Facts } from './facts.ts';
import { factsProbe, factVariables, parseFacts } from './facts-probe.ts';
import { memoryFiles } from './inventory-memory.ts';
import { loadInventory } from './inventory.ts';
import type { RawVariables } from './inventory-types.ts';
import { renderTemplate } from './template.ts';
import { deriveTopology } from './topology.ts';
import { hostVariables } from './variables.ts';
import { parseYaml } from './yaml.ts';

describe('facts', () => {
  let host: ModuleHost;
  const LO = readFileSync('/sys/class/net/lo/ifindex', 'utf8').trim();
  beforeEach(() => {
    host = new ModuleHost();
    for (const dir of ['systemd/units', 'NetworkManager/devices', 'NetworkManager/system-connections'])
      mkdirSync(host.path(dir), { recursive: true });
  });
  afterEach(() => host.remove());

  const runs = () => symlinkSync('1f', host.path('systemd/units/invocation:NetworkManager.service'));
  const device = (uuid: string) =>
    writeFileSync(
      host.path(`NetworkManager/devices/${LO}`),
      `[device]\nmanaged=true\nconnection-uuid=${uuid}\nnm-owned=false\n`,
    );
  const profileInRun = (uuid: string, more: string) =>
    writeFileSync(
      host.path('NetworkManager/system-connections/lo.nmconnection'),
      `[connection]\nid=lo\nuuid=${uuid}\ntype=loopback\n${more}interface-name=lo\n\n[loopback]\n`,
    );
  const facts = async (): Promise<Facts> => parseFacts(await host.ask(factsProbe(host.dir))).facts;
  const devices = async () => factVariables(await facts())['ansible_networkmanager_devices'];

  test('without it, or while it does not run, nothing is said of interfaces', async () => {
    device('aa-1');
    expect(await facts()).toMatchObject({ networkManager: false });
    expect(await devices()).toEqual([]);
  });

  test('an interface that it manages by a profile is told from one that it has only found', async () => {
    runs();
    expect(await facts()).toMatchObject({ networkManager: true });
    expect(await devices()).toEqual([]);
    device('aa-1');
    expect(await devices()).toEqual(['lo']);
    profileInRun('aa-1', 'autoconnect=false\n');
    expect(await devices()).toEqual([]);
  });

  test('a profile that somebody else keeps in /run is a profile', async () => {
    runs();
    device('aa-1');
    profileInRun('aa-1', '');
    expect(await devices()).toEqual(['lo']);
  });
});

describe('what is written', () => {
  const role = new URL('../../../roles/network_manager/', import.meta.url);
  const defaults = parseYaml(readFileSync(new URL('defaults/main.yml', role), 'utf8'), 'main.yml')
    .value as RawVariables;
  const INVENTORY = `
all:
  hosts:
    ka67: { ansible_host: 10.16.8.10, interfaces: { eth1: 10.16.8.10/24 } }
    ka68: { ansible_host: 10.16.8.11, interfaces: { eth1: 10.16.8.11/24 } }
    web8: { ansible_host: 10.16.8.8, interfaces: { eth1: 10.16.8.8/24 } }
topology:
  global_defs: { GLOBAL }
  vrrp_instances:
    VI_1:
      interface: eth1
      virtual_router_id: 191
      nodes: [ka67, ka68]
      MORE
      virtual_ipaddress: [10.16.8.100]
  virtual_servers:
    web: { on: [VI_1], port: 80, lb_kind: KIND, real_servers: { hosts: [web8] } }
`;

  interface Case {
    readonly host?: string;
    readonly more?: string;
    readonly global?: string;
    readonly kind?: string;
    readonly facts?: Partial<Facts>;
  }

  function rendered(expression: string, given: Case): string {
    const { host = 'ka67', more = '', global = '', kind = 'DR', facts = {} } = given;
    const text = INVENTORY.replace('MORE', more).replace('GLOBAL', global).replace('KIND', kind);
    const { inventory } = loadInventory(['i.yml'], memoryFiles({ 'i.yml': text }));
    const topology = deriveTopology(inventory);
    const variables = hostVariables(inventory, host, {
      roleDefaults: defaults,
      facts: factVariables({ ...DEBIAN, networkManager: true, ...facts }),
      magic: { tandem: topology.hosts.get(host) },
    });
    return renderTemplate(expression, variables, { file: 'it' });
  }

  const unmanaged = (given: Case) =>
    JSON.parse(rendered('{{ network_manager_unmanaged | to_json }}', given)) as string[];
  const dispatchers = (given: Case) =>
    JSON.parse(rendered('{{ network_manager_dispatchers | to_json }}', given)) as string[];

  test('nothing on hosts without it, or without interfaces for virtual addresses alone', () => {
    expect(unmanaged({ more: 'use_vmac: true', facts: { networkManager: false } })).toEqual([]);
    expect(unmanaged({ host: 'web8', facts: { networkManager: false } })).toEqual([]);
    expect(unmanaged({})).toEqual([]);
  });

  test('macvlans by the names that daemons give them, and by the one that is configured', () => {
    expect(unmanaged({ more: 'use_vmac: true' })).toEqual(['vrrp.*', 'vrrp6.*']);
    expect(unmanaged({ more: 'use_vmac: true', global: 'vmac_prefix: ha' })).toEqual(['ha.*', 'ha6.*']);
    expect(unmanaged({ more: 'use_vmac: web.1 02:00:00:00:00:01' })).toEqual(['vrrp.*', 'vrrp6.*', 'web.1']);
    expect(unmanaged({ more: 'use_vmac: 02:00:00:00:00:01' })).toEqual(['vrrp.*', 'vrrp6.*']);
    expect(unmanaged({ more: 'vmac_xmit_base: true' })).toEqual([]);
  });

  test("a real server's lo or tunl0, unless it has a profile of somebody's", () => {
    const lo = { name: 'lo', mac: undefined, up: true, addresses: [] };
    expect(unmanaged({ host: 'web8' })).toEqual(['lo']);
    expect(unmanaged({ host: 'web8', kind: 'TUN' })).toEqual(['tunl0']);
    expect(unmanaged({ host: 'web8', facts: { interfaces: [{ ...lo, hasProfile: true }] } })).toEqual([]);
  });

  test('only a real server whose answers are routed has NetworkManager run something', () => {
    expect(dispatchers({ host: 'web8', kind: 'NAT' })).toEqual(['/etc/NetworkManager/dispatcher.d']);
    expect(dispatchers({ host: 'web8', kind: 'NAT', facts: { networkManager: false } })).toEqual([]);
    expect(dispatchers({ host: 'web8' })).toEqual([]);
    expect(dispatchers({})).toEqual([]);
  });
});
