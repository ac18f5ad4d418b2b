import { describe, expect, test } from 'vitest';
import { specFromHosts } from './from-inventory.ts';
import { checkSpec } from './spec-check.ts';

describe('a lab from an inventory', () => {
  test('hosts with nothing but an address share a /24', () => {
    const spec = specFromHosts('two-node', [
      { name: 'ka67', vars: { ansible_host: '172.16.8.10' } },
      { name: 'ka68', vars: { ansible_host: '172.16.8.11', vrrp_daemon: 'keepalived' } },
    ]);
    expect(() => checkSpec(spec)).not.toThrow();
    expect(spec).toEqual({
      name: 'two-node',
      networks: [{ name: '172.16.8.0/24' }],
      hosts: [
        {
          name: 'ka67',
          interfaces: [{ name: 'eth0', network: '172.16.8.0/24', addresses: ['172.16.8.10/24'] }],
          layers: [],
        },
        {
          name: 'ka68',
          interfaces: [{ name: 'eth0', network: '172.16.8.0/24', addresses: ['172.16.8.11/24'] }],
          layers: ['keepalived'],
        },
      ],
      controller: { addresses: { '172.16.8.0/24': ['172.16.8.254/24'] } },
    });
  });

  test('a NIC can have several addresses in the short form', () => {
    const spec = specFromHosts('dual', [
      { name: 'a', vars: { interfaces: { eth0: ['10.0.0.1/24', 'fd00::1/64'] } } },
    ]);
    expect(spec.hosts[0]?.interfaces).toEqual([
      { name: 'eth0', network: '10.0.0.0/24', addresses: ['10.0.0.1/24', 'fd00::1/64'] },
    ]);
  });

  test('described NICs go to their networks; ansible_host gets one of its own only where none has it', () => {
    const networks = {
      lan: { subnets: ['172.16.8.0/24', '2001:db8::/64'] },
      wan: { subnets: ['10.16.8.0/24'], snooping: true },
    };
    const spec = specFromHosts('pair', [
      { name: 'a', vars: { networks, ansible_host: '192.0.2.5', interfaces: { eth0: { addresses: ['172.16.8.10/24', '2001:db8::a/64'] }, eth1: '10.16.8.10/24' } } },
      { name: 'b', vars: { networks, ansible_host: '172.16.8.11', interfaces: { ens3: { addresses: ['172.16.8.11/24'], network: 'lan' } } } },
    ]); // prettier-ignore
    const shown = spec.hosts.map(host =>
      host.interfaces.map(nic => `${nic.name} ${nic.network} ${nic.addresses.join(' ')}`),
    );
    expect(shown).toEqual([
      ['eth2 192.0.2.0/24 192.0.2.5/24', 'eth0 lan 172.16.8.10/24 2001:db8::a/64', 'eth1 wan 10.16.8.10/24'],
      ['ens3 lan 172.16.8.11/24'],
    ]);
    expect(spec.networks).toContainEqual({ name: 'wan', snooping: true });
    expect(spec.controller.addresses['lan']).toEqual(['172.16.8.254/24', '2001:db8::ffff:ffff:ffff:fffe/64']);
  });

  test('the controller keeps away from hosts and VIPs, and does without where there is no room', () => {
    const one = (address: string, reserved: string[]) =>
      specFromHosts('x', [{ name: 'a', vars: { interfaces: { eth0: address } } }], reserved).controller
        .addresses;
    expect(one('10.0.0.254/24', ['10.0.0.253/32'])).toEqual({ '10.0.0.0/24': ['10.0.0.252/24'] });
    expect(one('10.0.0.1/30', ['10.0.0.2'])).toEqual({ '10.0.0.0/30': [] });
    expect(one('10.0.0.1/32', [])).toEqual({ '10.0.0.1/32': [] });
  });

  test('settings', () => {
    const [host] = specFromHosts('x', [
      {
        name: 'a',
        vars: {
          ansible_host: '10.0.0.1',
          lab: { image: 'trixie', firewall: 'nftables-drop', layers: ['keepalived'] },
        },
      },
    ]).hosts;
    expect(host).toMatchObject({ image: 'trixie', firewall: 'nftables-drop', layers: ['keepalived'] });
  });

  test('everything that is wrong is said at once', () => {
    const hosts = [
      { name: 'a', vars: { ansible_host: 'a.example' } },
      { name: 'b', vars: {} },
      {
        name: 'c',
        vars: { ansible_host: '10.0.0.1', lab: { image: 'sid', layers: ['apache'], firewall: 'pf' } },
      },
      { name: 'd', vars: { interfaces: { eth0: '10.0.0.1', eth1: {} } } },
    ];
    expect(() => specFromHosts('x', hosts)).toThrow(
      [
        'a: ansible_host must be an IP address for the lab, not a.example',
        'b: ansible_host must be an IP address for the lab, not absent',
        'c: lab: image: expected one of bullseye, bookworm, trixie, not sid',
        'c: lab: firewall: expected none or nftables-drop, not pf',
        'c: lab: layers: no layer apache (there are: firewalls, keepalived, network-manager, rpm, services)',
        'd: interfaces: eth0: expected address/prefix, not 10.0.0.1',
        'd: interfaces: eth1: say its network or an address',
      ].join('\n'),
    );
  });
});
