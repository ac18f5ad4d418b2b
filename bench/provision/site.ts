/** The hosts of the benchmark, and the inventories of both sides. */
import { join } from 'node:path';
import { must } from '#base/assert.ts';
import type { LabHost, LabSpec } from '#lab/lab.ts';

const FILES = join(import.meta.dirname, 'peer', 'roles', 'ha', 'files');

/** Whose hosts: each contender has its own. */
export const CONTENDERS = ['tandem', 'ansible', 'mitogen'] as const;
export type Contender = (typeof CONTENDERS)[number];

/** The third byte of the addresses of each contender's hosts; VIPs are a hundred above. */
const SUBNET: Readonly<Record<Contender, number>> = { tandem: 1, ansible: 2, mitogen: 3 };

export function subnetOf(contender: Contender): string {
  return `10.80.${SUBNET[contender]}.0/24`;
}

/** A host's name and address. */
interface Member {
  readonly name: string;
  readonly address: string;
}

export function membersOf(contender: Contender, hosts: number): Member[] {
  return Array.from({ length: hosts }, (_, i) => ({
    name: `${contender}${String(i + 1).padStart(3, '0')}`,
    address: `10.80.${SUBNET[contender]}.${i + 1}`,
  }));
}

/** Ansible's hosts have Python and keepalived already; Tandem's have neither, and a firewall that must be opened. */
export function siteSpec(name: string, contenders: readonly Contender[], hosts: number): LabSpec {
  const labHosts = contenders.flatMap(contender =>
    membersOf(contender, hosts).map(({ name: host, address }): LabHost => ({
      name: host,
      interfaces: [{ name: 'eth0', network: 'lan', addresses: [`${address}/16`] }],
      ...(contender === 'tandem' ? { firewall: 'nftables-drop' } : { layers: ['keepalived', 'python'] }),
    })),
  );
  return {
    name,
    networks: [{ name: 'lan' }],
    hosts: labHosts,
    controller: { addresses: { lan: ['10.80.255.2/16'] } },
  };
}

/** Pairs of two instances each, with what peer/ has: unicast, a tracked script, a notify script, eight sysctls. */
export function tandemInventory(hosts: number): string {
  const members = membersOf('tandem', hosts);
  const pairs = Array.from({ length: hosts / 2 }, (_, pair) => {
    const [one, other] = [must(members[2 * pair], 'a host'), must(members[2 * pair + 1], 'a host')];
    const nodes = [one.name, other.name];
    const instance = (n: number, order: readonly string[]): string =>
      `            VI_${n}: { virtual_router_id: ${9 + 2 * pair + n}, nodes: [${order.join(', ')}], virtual_ipaddress: [10.80.101.${2 * pair + n}/16] }`;
    return `    pair${pair + 1}:
      hosts:
${[one, other].map(({ name, address }) => `        ${name}: { ansible_host: ${address}, interfaces: { eth0: ${address}/16 } }`).join('\n')}
      vars:
        topology:
          vrrp_instances:
${instance(1, nodes)}
${instance(2, nodes.toReversed())}`;
  });
  return `all:
  vars:
    ansible_user: root
    sysctl_settings:
      net.ipv4.ip_forward: 1
      net.ipv4.ip_nonlocal_bind: 1
      net.ipv4.conf.all.arp_ignore: 1
      net.ipv4.conf.all.arp_announce: 2
      net.ipv4.conf.all.rp_filter: 0
      net.ipv4.conf.all.accept_redirects: 0
      net.ipv4.conf.all.send_redirects: 0
      net.ipv4.conf.default.rp_filter: 0
    topology_defaults:
      global_defs: { enable_script_security: true, script_user: root }
      scripts:
        chk_nginx.sh: { src: ${FILES}/chk_nginx.sh }
        notify.sh: { src: ${FILES}/notify.sh }
      vrrp_scripts:
        chk_nginx: { script: chk_nginx.sh, interval: 2, fall: 3, rise: 2, weight: -20 }
      vrrp_instance:
        interface: eth0
        unicast: true
        authentication: { auth_type: PASS, auth_pass: s3cretpw }
        track_script: [chk_nginx]
        notify: notify.sh
  children:
${pairs.join('\n')}
`;
}

/** @param access the lab's key and known hosts. */
export function ansibleInventory(
  contender: Contender,
  hosts: number,
  access: { readonly keyFile: string; readonly knownHostsFile: string },
): string {
  const lines = membersOf(contender, hosts).map(
    ({ name, address }) => `        ${name}: { ansible_host: ${address} }`,
  );
  return `all:
  vars:
    ansible_user: root
    ansible_ssh_private_key_file: ${access.keyFile}
    ansible_ssh_common_args: -o UserKnownHostsFile=${access.knownHostsFile} -o GlobalKnownHostsFile=/dev/null
    ha_vip_prefix: 10.80.10${SUBNET[contender]}
  children:
    ha:
      hosts:
${lines.join('\n')}
`;
}
