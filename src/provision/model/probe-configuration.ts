/** The part of a host's keepalived.conf that says where its adverts go, without any secret: what `tandemd probe` reads. */
import type { HostInstance, HostTopology } from './topology-types.ts';

/** Keywords that decide about an advert's way. */
const OF_INSTANCE = /^(?:mcast_src_ip|mcast_dst_ip|unicast_ttl)\s/;
const OF_GLOBALS = /^(?:vrrp_mcast_group[46])\s/;

export function probeConfiguration({ global_defs, instances }: HostTopology): string {
  const globals = global_defs.filter(line => OF_GLOBALS.test(line));
  return `${[...block('global_defs', globals), ...instances.flatMap(instanceLines)].join('\n')}\n`;
}

function instanceLines(instance: HostInstance): readonly string[] {
  const { name, unicast_peer, unicast_src_ip, authentication } = instance;
  // Of AH it matters that it is: the password stays here.
  const isAh = authentication?.auth_type === 'AH';
  return block(`vrrp_instance ${name}`, [
    `interface ${instance.interface}`,
    `virtual_router_id ${instance.virtual_router_id}`,
    `priority ${instance.priority}`,
    `version ${instance.version}`,
    ...(isAh ? block('authentication', ['auth_type AH', 'auth_pass unused']) : []),
    ...(unicast_src_ip === undefined ? [] : [`unicast_src_ip ${unicast_src_ip}`]),
    ...(unicast_peer.length > 0 ? block('unicast_peer', unicast_peer) : []),
    ...instance.keywords.filter(line => OF_INSTANCE.test(line)),
    ...block(
      'virtual_ipaddress',
      instance.virtual_ipaddress.map(({ address }) => address),
    ),
  ]);
}

function block(head: string, lines: readonly string[]): readonly string[] {
  return [`${head} {`, ...lines.map(line => `  ${line}`), '}'];
}
