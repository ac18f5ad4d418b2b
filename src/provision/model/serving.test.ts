/** Virtual servers, real servers, proxies and scripts: what follows for each host, and what is refused. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { must } from '#base/assert.ts';
import { memoryFiles } from './inventory-memory.ts';
import { loadInventory } from './inventory.ts';
import { deriveTopology } from './topology.ts';

function derive(text: string) {
  const { inventory, diagnostics } = loadInventory(['i.yml'], memoryFiles({ 'i.yml': text }));
  expect(diagnostics).toEqual([]);
  return deriveTopology(inventory);
}

function shipped(name: string) {
  const text = readFileSync(new URL(`../../../inventory/${name}.yml`, import.meta.url), 'utf8');
  const derived = derive(text);
  expect(derived.diagnostics).toEqual([]);
  return (host: string) => must(derived.hosts.get(host), host);
}

const keys = (list: readonly { readonly key: string; readonly value: string }[]) =>
  list.map(({ key, value }) => `${key}=${value}`);
const heads = (list: readonly { readonly head: string }[]) => list.map(({ head }) => head);

describe('direct routing', () => {
  const of = shipped('lvs-dr-dual-master');

  test('a director has a virtual server per address, the sync daemon, and its openings before conntrack', () => {
    const ka67 = of('ka67');
    expect(ka67.roles).toEqual(['vrrp', 'lvs_director']);
    expect(heads(ka67.virtual_servers)).toEqual([
      'virtual_server 10.16.8.100 80',
      'virtual_server 10.16.8.101 80',
    ]);
    expect(ka67.virtual_servers[0]).toMatchObject({
      method: 'DR',
      instance: 'VI_1',
      real_servers: [
        { host: 'web8', address: '10.16.8.8', port: 80, weight: 1 },
        { host: 'web9', address: '10.16.8.9', port: 80, weight: 1 },
      ],
    });
    expect(ka67.global_defs).toContain('lvs_sync_daemon eth1 VI_1 id 191');
    expect(keys(ka67.sysctls)).toEqual(['net.ipv4.vs.sloppy_tcp=1', 'net.ipv4.vs.expire_nodest_conn=1']);
    expect(ka67.openings).toContainEqual(
      expect.objectContaining({ kind: 'service', destination: '10.16.8.101', port: 80, untracked: true }),
    );
    expect(ka67.openings).toContainEqual(
      expect.objectContaining({ kind: 'lvs-sync', interface: 'eth1', group: '224.0.0.81', port: 8848 }),
    );
  });

  test('a real server has the addresses on lo and is quiet on the interface that faces them', () => {
    const web8 = of('web8');
    expect(web8).toMatchObject({
      roles: ['real_server'],
      instances: [],
      global_defs: [],
      extra: [],
      virtual_servers: [],
    });
    expect(web8.real_server?.vips).toMatchObject([
      { address: '10.16.8.100', prefix: 32, interface: 'lo', options: '' },
      { address: '10.16.8.101', prefix: 32, interface: 'lo' },
    ]);
    expect(keys(web8.real_server?.sysctls ?? [])).toEqual([
      'net.ipv4.conf.eth1.arp_ignore=1',
      'net.ipv4.conf.eth1.arp_announce=2',
    ]);
    expect(web8.openings).toContainEqual(
      expect.objectContaining({
        kind: 'check',
        peers: ['10.16.8.10', '10.16.8.11'],
        destination: '10.16.8.8',
      }),
    );
    expect(web8.peers.map(peer => peer.name)).toEqual(['ka67', 'ka68', 'web8']);
  });

  test('both families: each real server in both, without duplicate address detection on lo', () => {
    const ka2 = shipped('lvs-dr-dual-stack')('ka2');
    expect(heads(ka2.virtual_servers)).toEqual([
      'virtual_server 10.16.8.100 80',
      'virtual_server fd00:16::100 80',
    ]);
    expect(shipped('lvs-dr-dual-stack')('web9').real_server?.vips).toMatchObject([
      { address: '10.16.8.100', prefix: 32 },
      { address: 'fd00:16::100', prefix: 128, options: 'nodad preferred_lft 0' },
    ]);
  });
});

test('a tunnel ends on tunl0, with rp_filter 2 and protocol 4 from the directors', () => {
  const web8 = shipped('lvs-tun')('web8');
  expect(web8.real_server).toMatchObject({ modules: ['ipip'], vips: [{ interface: 'tunl0' }] });
  expect(keys(web8.real_server?.sysctls ?? [])).toContain('net.ipv4.conf.tunl0.rp_filter=2');
  expect(web8.openings).toContainEqual(
    expect.objectContaining({ kind: 'tunnel', protocol: 4, peers: ['10.16.8.10', '10.16.8.11'] }),
  );
});

describe('NAT', () => {
  test('answers go through the address that moves with the service', () => {
    const of = shipped('lvs-nat-dual-master');
    expect(of('web6').real_server?.gateways).toMatchObject([
      {
        from: '172.16.8.6',
        subnet: '172.16.8.0/24',
        interface: 'eth2',
        address: '172.16.8.100',
        table: 11391,
      },
    ]);
    expect(of('web9').real_server?.gateways).toMatchObject([
      { address: '172.16.8.101', table: 11392, services: [{ protocol: 'TCP', port: 8080 }] },
    ]);
  });

  test('directors forward, and never redirect the real servers', () => {
    const ka67 = shipped('lvs-nat-sync')('ka67');
    expect(keys(ka67.sysctls)).toEqual([
      'net.ipv4.ip_forward=1',
      'net.ipv4.conf.all.send_redirects=0',
      'net.ipv4.conf.eth2.send_redirects=0',
      'net.ipv4.vs.expire_nodest_conn=1',
    ]);
    const forwards = ka67.openings.filter(one => one.kind === 'forward');
    expect(forwards).toMatchObject([
      { destination: '172.16.8.8', port: 8080 },
      { peers: ['172.16.8.8'], source_port: 8080 },
      { destination: '172.16.8.9' },
      { peers: ['172.16.8.9'] },
    ]);
  });
});

describe('proxies', () => {
  test('haproxy with its statistics, and the check script by its path', () => {
    const ka67 = shipped('haproxy')('ka67');
    expect(ka67.roles).toEqual(['vrrp', 'haproxy']);
    expect(ka67.haproxy).toMatchObject({
      stats: { port: 9999, uri: '/haproxy-status' },
      frontends: [
        { binds: [{ address: '10.16.8.100', port: 80 }], upstreams: [{ host: 'web8' }, { host: 'web9' }] },
      ],
    });
    expect(keys(ka67.sysctls)).toEqual(['net.ipv4.ip_nonlocal_bind=1']);
    expect(ka67.scripts[0]?.keywords[0]).toBe('script /etc/tandem/scripts/check_haproxy.sh');
    expect(ka67.script_files).toMatchObject([{ path: '/etc/tandem/scripts/check_haproxy.sh', mode: '0755' }]);
  });

  test('a sorry page is an answer of nginx itself', () => {
    expect(shipped('lvs-dr-sorry')('ka68').nginx?.frontends).toMatchObject([
      { upstreams: [], respond: { status: 503, body: expect.stringContaining('Sorry') } },
    ]);
  });
});

test('what carries a shipped script has its path, whatever the arguments', () => {
  const lines = shipped('notify')('ka67').instances[0]?.keywords;
  expect(lines).toContain('notify_master "/etc/tandem/scripts/transition.sh master VI_1"');
  expect(lines).toContain('notify /etc/tandem/scripts/status.sh');
});

test('ten clusters of one file', () => {
  const text = readFileSync(new URL('../../../inventory/fleet.yml', import.meta.url), 'utf8');
  const { clusters, hosts } = derive(text);
  expect(clusters).toHaveLength(10);
  expect(hosts.get('node07b')?.instances).toMatchObject([
    { virtual_router_id: 7, virtual_ipaddress: [{ address: '10.25.7.100' }] },
  ]);
});
