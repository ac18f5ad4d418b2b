/** One virtual router, as all daemons of the matrix are told it. */
export interface RouterSpec {
  readonly version: 2 | 3;
  /** 1–254. */
  readonly priority: number;
  readonly adverIntervalMs: number;
  readonly auth?: 'PASS' | 'AH';
  /** Own address and the peers', instead of a multicast group. */
  readonly unicast?: { readonly own: string; readonly peers: readonly string[] };
  readonly nopreempt?: boolean;
  /** VIPs and adverts of the first instance have the virtual MAC address. */
  readonly vmac?: boolean;
  /** VIPs on eth0, or on {@link VMAC} above it; one family. */
  readonly vips: readonly string[];
  /** VIPs of a second instance, on eth1, in one sync group with the first. */
  readonly secondVips?: readonly string[];
  /** keepalived scheduled in real time, as tandemd is by default: without it 10 ms are not kept on a busy machine. */
  readonly realTime?: boolean;
}

export const VRID = 103;

/** What `use_vmac` makes. */
export const VMAC = `vrrp.${VRID}`;

/** As keepalived.conf, which both keepalived and tandemd read. */
export function renderKeepalived(spec: RouterSpec): string {
  const globals = spec.realTime ? 'global_defs {\n  vrrp_rt_priority 40\n}\n' : '';
  const first = instance(spec, 'VG_1', 'eth0', VRID, spec.vips);
  if (!spec.secondVips) return globals + first;
  const second = instance(spec, 'VG_2', 'eth1', VRID + 1, spec.secondVips);
  return `${globals}${first}${second}vrrp_sync_group G {\n  group {\n    VG_1\n    VG_2\n  }\n}\n`;
}

function instance(
  spec: RouterSpec,
  name: string,
  dev: string,
  vrid: number,
  vips: readonly string[],
): string {
  const lines = [
    `interface ${dev}`,
    `virtual_router_id ${vrid}`,
    `priority ${spec.priority}`,
    `version ${spec.version}`,
    `advert_int ${spec.adverIntervalMs / 1000}`,
    ...block('virtual_ipaddress', vips),
    ...(spec.auth ? block('authentication', [`auth_type ${spec.auth}`, 'auth_pass pa55word']) : []),
    ...(spec.unicast
      ? [`unicast_src_ip ${spec.unicast.own}`, ...block('unicast_peer', spec.unicast.peers)]
      : []),
    ...(spec.nopreempt ? ['nopreempt'] : []),
    ...(spec.vmac ? ['use_vmac'] : []),
  ];
  return [...block(`vrrp_instance ${name}`, lines), ''].join('\n');
}

function block(head: string, lines: readonly string[]): string[] {
  return [`${head} {`, ...lines.map(line => `  ${line}`), '}'];
}

/** As vrrpd's configuration, shut down: it is started when its interfaces are known. */
export function renderFrr(spec: RouterSpec): string {
  const router = `vrrp ${VRID}`;
  const addresses = spec.vips.map(vip =>
    vip.includes(':') ? `ipv6 ${vip.replace(/\/.*/, '')}` : `ip ${vip.replace(/\/.*/, '')}`,
  );
  return [
    'log record-priority',
    'interface eth0',
    ` ${router} version ${spec.version}`,
    ` ${router} shutdown`,
    ` ${router} priority ${spec.priority}`,
    ` ${router} advertisement-interval ${spec.adverIntervalMs}`,
    ...addresses.map(address => ` ${router} ${address}`),
    '',
  ].join('\n');
}

/** What the RFC grants a backup: RFC 3768 §6.1 for version 2, RFC 5798 §6.1 for 3, where the MASTER's interval counts. */
export function timersOf(
  spec: RouterSpec,
  masterIntervalMs: number,
): { readonly skewMs: number; readonly masterDownMs: number } {
  const intervalMs = spec.version === 3 ? masterIntervalMs : spec.adverIntervalMs;
  const skewMs = ((256 - spec.priority) * (spec.version === 3 ? intervalMs : 1000)) / 256;
  return { skewMs, masterDownMs: 3 * intervalMs + skewMs };
}
