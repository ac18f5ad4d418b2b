/** The port of a real server is its last word; `lines` are more of its settings. */
const real = (server: string, lines = ''): string =>
  `real_server ${server} {\n${lines}\nTCP_CHECK {\nconnect_timeout 2\nretry 1\ndelay_before_retry 0.1\n}\n}`;

const virtual = (key: string, lines: string, ...reals: readonly string[]): string =>
  `virtual_server ${key} {\ndelay_loop 0.4\nwarmup 0\n${key.startsWith('fwmark') ? '' : 'protocol TCP'}\n${lines}\n${reals.join('\n')}\n}`;

/** Behind a mark a real server has no port; it is checked at 8080. */
const marked = (address: string): string =>
  real(`${address} 0`).replace('TCP_CHECK {', 'TCP_CHECK {\nconnect_port 8080');

/** A virtual server of addresses and a mark. */
export function groupOnly(): string {
  const group = 'virtual_server_group several {\n10.9.0.10-12 80\n10.9.1.1 81\nfwmark 9\n}\n';
  return group + virtual('group several', 'lvs_sched rr\nlvs_method NAT', real('127.0.1.10 8080'));
}

/** A configuration that keepalived 2.2.7 takes too, with what makes tables differ. `fewer`: what a reload leaves. */
export function virtualServers(extent: 'all' | 'fewer' = 'all'): string {
  const isAll = extent === 'all';
  return [
    virtual(
      '10.9.0.1 80',
      'lvs_sched wrr\nlvs_method NAT',
      real('127.0.1.1 8080', 'weight 3\nuthreshold 100\nlthreshold 50'),
      real('127.0.1.2 8081', 'weight 5'),
    ),
    virtual(
      '10.9.0.2 443',
      'lvs_sched wlc\nlvs_method DR\npersistence_timeout 300\npersistence_granularity 255.255.255.0',
      real('127.0.1.3 443'),
      real('127.0.1.4 443', 'weight 2'),
    ),
    virtual(
      '10.9.0.3 25',
      'lvs_sched rr\nlvs_method TUN',
      real('127.0.1.5 25'),
      real('127.0.1.6 25', 'lvs_method TUN type gue port 6080'),
    ),
    virtual(
      '10.9.0.4 80',
      'lvs_sched sh\nlvs_method NAT\nsh-port\nsh-fallback',
      real('127.0.1.7 80', 'weight 4\ninhibit_on_failure'),
      real('127.0.1.8 80'),
    ),
    virtual('fwmark 7', 'lvs_sched lc\nlvs_method DR', marked('127.0.1.9')),
    virtual('fwmark 8', 'ip_family inet6\nlvs_sched rr\nlvs_method DR', marked('fd20::1')),
    virtual(
      'fd09::1 80',
      'lvs_sched wrr\nlvs_method NAT\npersistence_timeout 60\npersistence_granularity 64',
      real('fd20::2 8080', 'weight 2'),
    ),
    groupOnly(),
    'virtual_server 10.9.0.5 53 {\nprotocol UDP\nlvs_sched rr\nlvs_method NAT\nops\nreal_server 127.0.1.11 53 {\n}\n}',
    virtual(
      '10.9.0.20 80',
      'lvs_sched rr\nlvs_method NAT\nquorum 3\nhysteresis 1\nsorry_server 127.0.1.97 8080',
      ...[21, 22, 23, 24].map(last => real(`127.0.1.${last} 8080`)),
    ),
    virtual(
      '10.9.0.21 80',
      'lvs_sched rr\nlvs_method NAT\nsorry_server 127.0.1.98 8080\nsorry_server_inhibit\ninhibit_on_failure',
      real('127.0.1.25 8080'),
    ),
    virtual(
      '10.9.0.22 80',
      'lvs_sched rr\nlvs_method NAT\nalpha\nomega',
      real('127.0.1.26 8080'),
      ...(isAll ? [real('127.0.1.27 8080')] : []),
    ),
    ...(isAll ? [virtual('10.9.0.23 80', 'lvs_sched rr\nlvs_method NAT', real('127.0.1.28 8080'))] : []),
  ].join('\n');
}

/** The real servers that are checked: address and port. */
export const CHECKED_SERVERS: readonly string[] = [
  ...virtualServers().matchAll(
    /^real_server (\S+) (\d+) \{\n(?!\})(?:.*\n)*?TCP_CHECK \{\n(?:connect_port (\d+))?/gm,
  ),
].map(([, address, port, checked]) => `${address} ${checked ?? port}`);
