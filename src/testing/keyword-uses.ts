import { must } from '#base/assert.ts';
import type { Argument, BlockName, Keyword } from '#conf/keyword.ts';
import { keywordsOfChecker } from '#conf/checker-keywords.ts';
import { KEYWORDS } from '#conf/tables.ts';

/**
 * Every keyword of keepalived.conf in its smallest sensible use: for the reference documentation, which says what comes
 * of it, and for the comparison with keepalived, which varies it. Interfaces: eth0, eth1.
 */

/** Words after the keyword, where the type of its argument does not tell: by block and keyword, or by keyword. */
const ARGUMENTS: Readonly<Record<string, string>> = {
  '.vrrp_instance': 'W {\ninterface eth1\nvirtual_router_id 52\nvirtual_ipaddress {\n10.9.1.1\n}\n}',
  '.vrrp_sync_group': 'G {\ngroup {\nV\nW\n}\n}',
  '.vrrp_script': 'S {\nscript "/bin/true"\n}',
  '.vrrp_track_process': 'P {\nprocess sh\n}',
  '.track_file': 'F {\nfile /etc/hostname\n}',
  '.vrrp_track_file': 'F {\nfile /etc/hostname\n}',
  '.track_group': 'T {\ngroup {\nV\n}\n}',
  '.garp_group': '{\ngarp_interval 0.1\ninterface eth0\n}',
  '.static_ipaddress': '{\n10.9.2.1/24 dev eth0\n}',
  '.static_routes': '{\n10.9.3.0/24 via 192.168.0.254 dev eth0\n}',
  '.static_rules': '{\nfrom 10.9.3.0/24 table 100 preference 200\n}',
  '.interface_up_down_delays': '{\neth0 1 2\n}',
  '.linkbeat_interfaces': '{\neth0 MII\n}',
  '.bfd_instance': 'B {\nneighbor_ip 192.168.0.3\n}',
  '.virtual_server':
    '10.9.0.1 80 {\nprotocol TCP\nlvs_sched rr\nlvs_method NAT\nreal_server 192.168.0.4 80 {\n}\n}',
  '.virtual_server_group': 'X {\n10.9.0.1 80\n}',
  '.SSL': '{\n}',
  'global_defs.notification_email': '{\nroot@example.com\n}',
  'global_defs.notification_email_from': 'root@example.com',
  'global_defs.smtp_server': '192.0.2.25 25',
  'global_defs.script_user': 'root',
  'global_defs.vrrp_mcast_group6': 'ff02::13',
  'global_defs.default_interface': 'eth0',
  'global_defs.dynamic_interfaces': '',
  'global_defs.vrrp_garp_extra_if': '10',
  'global_defs.vrrp_vmac_garp_intvl': '10',
  'global_defs.vrrp_ipsets': '',
  'global_defs.vrrp_iptables': '',
  'global_defs.max_auto_priority': '50',
  'global_defs.lvs_sync_daemon': 'eth0 V',
  'global_defs.lvs_timeouts': 'tcp 60',
  'global_defs.include_check': 'readable',
  'global_defs.umask': '0077',
  'global_defs.vrrp_rx_bufs_policy': 'MTU',
  'global_defs.reload_check_config': '',
  'global_defs.reload_file': '',
  'global_defs.vrrp_version': '3',
  'vrrp_instance.interface': 'eth0',
  'vrrp_instance.virtual_ipaddress': '{\n10.9.0.1\n}',
  'vrrp_instance.virtual_ipaddress_excluded': '{\n10.9.0.2/24 dev eth1\n}',
  'vrrp_instance.virtual_routes': '{\n10.9.3.0/24 via 192.168.0.254 dev eth0\n}',
  'vrrp_instance.virtual_rules': '{\nfrom 10.9.3.0/24 table 100 preference 200\n}',
  'vrrp_instance.authentication': '{\nauth_type PASS\nauth_pass secret\n}',
  'vrrp_instance.auth_hmac': '{\nkey 1 hex:' + '0a'.repeat(32) + '\nactive_key 1\n}',
  'vrrp_instance.unicast_peer': '{\n192.168.0.3\n}',
  'vrrp_instance.mcast_src_ip': '192.168.0.1',
  'vrrp_instance.mcast_dst_ip': '224.0.0.19',
  'vrrp_instance.unicast_src_ip': '192.168.0.1',
  'vrrp_instance.garp_extra_if': '10',
  'vrrp_instance.vmac_garp_intvl': '10',
  'vrrp_instance.use_vmac': 'vrrp.51',
  'vrrp_instance.use_ipvlan': 'ipvlan51',
  'vrrp_instance.vrf': 'eth1',
  'vrrp_instance.version': '3',
  'vrrp_instance.advert_int': '2',
  'vrrp_instance.preempt_delay': '5',
  'vrrp_instance.priority': '120',
  'vrrp_instance.state': 'BACKUP',
  'vrrp_instance.track_interface': '{\neth1\n}',
  'vrrp_instance.track_bfd': '{\nB\n}',
  'vrrp_instance.lvs_sync_daemon_interface': 'eth0',
  'vrrp_sync_group.group': '{\nV\nW\n}',
  'vrrp_sync_group.track_interface': '{\nlo\n}',
  'vrrp_sync_group.track_bfd': '{\nB\n}',
  track_script: '{\nS\n}',
  track_process: '{\nP\n}',
  track_file: '{\nF\n}',
  'checker.track_file': 'F',
  'vrrp_script.user': 'root',
  'vrrp_script.weight': '5',
  'vrrp_track_process.process': 'sh',
  'vrrp_track_process.quorum_max': '5',
  'track_file.file': '/etc/hostname',
  'track_file.init_file': '0',
  'track_group.group': '{\nV\n}',
  'garp_group.interface': 'eth0',
  'garp_group.interfaces': '{\neth1\n}',
  lvs_method: 'NAT',
  lb_kind: 'NAT',
  sorry_server: '192.168.0.5 80',
  sorry_server_lvs_method: 'NAT',
  real_server: '192.168.0.4 80 {\nweight 9\n}',
  'virtual_server.protocol': 'TCP',
  'virtual_server.ip_family': 'inet',
  'virtual_server.hysteresis': '1',
  'real_server.HTTP_GET': '{\nurl {\npath /\n}\n}',
  'real_server.SSL_GET': '{\nurl {\npath /\n}\n}',
  'real_server.MISC_CHECK': '{\nmisc_path /bin/true\n}',
  'real_server.FILE_CHECK': '{\ntrack_file F\n}',
  'checker.url': '{\npath /\n}',
  'url.digest': '0123456789abcdef0123456789abcdef',
  'url.regex_options': 'caseless',
  'url.regex_min_offset': '5',
  'url.regex_max_offset': '5',
  persistence_engine: 'sip',
  persistence_granularity: '255.255.255.0',
  'checker.user': 'root',
  'checker.payload': '00',
  'url.status_code': '200',
  'url.regex_stack': '1 2',
  'auth_hmac.key': '1 hex:' + '0a'.repeat(32),
};

/** Statements that must stand beside a keyword for it to make sense, by block and keyword. */
const COMPANIONS: Readonly<Record<string, readonly string[]>> = {
  'global_defs.reload_repeat': ['reload_time_file /run/reload.time'],
  'global_defs.notify_fifo_script': ['notify_fifo /run/fuzz.fifo'],
  'global_defs.vrrp_notify_fifo_script': ['vrrp_notify_fifo /run/fuzz.fifo'],
  'global_defs.min_auto_priority_delay': ['max_auto_priority 50'],
  'global_defs.startup_script_timeout': ['startup_script /bin/true'],
  'global_defs.shutdown_script_timeout': ['shutdown_script /bin/true'],
  'global_defs.lvs_notify_fifo_script': ['lvs_notify_fifo /run/fuzz.fifo'],
  'virtual_server.ops': ['protocol UDP'],
  'virtual_server.sh-port': ['lvs_sched sh'],
  'virtual_server.sh-fallback': ['lvs_sched sh'],
  'virtual_server.mh-port': ['lvs_sched mh'],
  'virtual_server.mh-fallback': ['lvs_sched mh'],
  'virtual_server.lb_algo': ['#lvs_sched'],
  'virtual_server.lb_kind': ['#lvs_method'],
  'virtual_server.hysteresis': ['quorum 2'],
  'virtual_server.sorry_server_inhibit': ['sorry_server 192.168.0.5 80'],
  'virtual_server.sorry_server_lvs_method': ['sorry_server 192.168.0.5 80'],
  'vrrp_instance.native_ipv6': ['virtual_ipaddress {\nfe80::9:1\n}', 'interface eth0'],
  'vrrp_instance.no_virtual_ipaddress': ['#virtual_ipaddress'],
  'vrrp_instance.unicast_src_ip': ['unicast_peer {\n192.168.0.3\n}'],
  'vrrp_instance.unicast_ttl': ['unicast_peer {\n192.168.0.3\n}'],
  'vrrp_instance.check_unicast_src': ['unicast_peer {\n192.168.0.3\n}'],
  'vrrp_instance.unicast_fault_no_peer': ['unicast_peer {\n192.168.0.3\n}'],
  'vrrp_instance.old_unicast_checksum': ['unicast_peer {\n192.168.0.3\n}'],
  'vrrp_instance.track_src_ip': ['mcast_src_ip 192.168.0.1'],
  'vrrp_instance.nopreempt': ['state BACKUP'],
  'vrrp_instance.preempt_delay': ['state BACKUP'],
  'vrrp_instance.v3_checksum_as_v2': ['version 3'],
  'vrrp_instance.vmac_xmit_base': ['use_vmac'],
  'vrrp_instance.use_vmac_addr': ['use_vmac'],
  'vrrp_instance.vrf': ['#interface', 'unicast_src_ip 192.168.0.1', 'unicast_peer {\n192.168.0.3\n}'],
  'authentication.auth_type': ['auth_pass secret'],
  'authentication.auth_pass': ['auth_type PASS'],
  'vrrp_track_process.param_match': ['process sh -c'],
  'auth_hmac.active_key': ['key 1 hex:' + '0a'.repeat(32)],
};

const ADDRESSES: Readonly<Record<string, string>> = { GROUP: '224.0.0.19', ADDRESS: '192.168.0.1' };

/** What stands around a statement of each block, and what the block needs besides. */
const FRAMES: Readonly<Record<BlockName, Frame>> = {
  '': { path: [], lines: [] },
  global_defs: { path: ['global_defs'], lines: ['enable_script_security', 'script_user root'] },
  vrrp_instance: {
    path: ['vrrp_instance V'],
    lines: ['interface eth0', 'virtual_router_id 51', 'priority 100', 'virtual_ipaddress {\n10.9.0.1\n}'],
  },
  authentication: { path: ['vrrp_instance V', 'authentication'], lines: [] },
  auth_hmac: { path: ['vrrp_instance V', 'auth_hmac'], lines: [] },
  vrrp_sync_group: { path: ['vrrp_sync_group G'], lines: ['group {\nV\nW\n}'] },
  vrrp_script: { path: ['vrrp_script S'], lines: ['script "/bin/true"'] },
  vrrp_track_process: { path: ['vrrp_track_process P'], lines: ['process sh'] },
  track_file: { path: ['track_file F'], lines: ['file /etc/hostname'] },
  track_group: { path: ['track_group T'], lines: ['group {\nV\n}'] },
  garp_group: { path: ['garp_group'], lines: ['garp_interval 0.1', 'interface eth0'] },
  bfd_instance: { path: ['bfd_instance B'], lines: ['neighbor_ip 192.168.0.3'] },
  virtual_server: {
    path: ['virtual_server 10.9.0.1 80'],
    lines: ['protocol TCP', 'lvs_sched rr', 'lvs_method NAT', 'real_server 192.168.0.4 80 {\nweight 9\n}'],
  },
  real_server: { path: ['virtual_server 10.9.0.1 80', 'real_server 192.168.0.4 80'], lines: [] },
  checker: { path: ['virtual_server 10.9.0.1 80', 'real_server 192.168.0.4 80', 'TCP_CHECK'], lines: [] },
  url: {
    path: ['virtual_server 10.9.0.1 80', 'real_server 192.168.0.4 80', 'HTTP_GET', 'url'],
    lines: ['path /'],
  },
  SSL: { path: ['SSL'], lines: [] },
};

interface Frame {
  /** What opens the block, outermost first. */
  readonly path: readonly string[];
  readonly lines: readonly string[];
}

/** The kind of checker that takes a keyword, and what that one needs. */
const CHECKER_FRAMES: readonly { readonly kind: string; readonly lines: readonly string[] }[] = [
  { kind: 'TCP_CHECK', lines: [] },
  { kind: 'HTTP_GET', lines: ['url {\npath /\n}'] },
  { kind: 'SMTP_CHECK', lines: [] },
  { kind: 'DNS_CHECK', lines: [] },
  { kind: 'UDP_CHECK', lines: [] },
  { kind: 'MISC_CHECK', lines: ['misc_path /bin/true'] },
  { kind: 'FILE_CHECK', lines: ['track_file F'] },
];

/** What stands around the keyword. */
function frameOf({ block, name }: Keyword): Frame {
  const frame = FRAMES[block];
  if (block !== 'checker') return frame;
  const checker = must(
    CHECKER_FRAMES.find(({ kind }) => keywordsOfChecker(kind).has(name)),
    `a checker takes ${name}`,
  );
  return { path: [...frame.path.slice(0, -1), checker.kind], lines: checker.lines };
}

/** What a configuration needs around what is tried, unless that is it; only if `when` matches the configuration. */
const SURROUNDINGS: readonly { readonly opening: string; readonly text: string; readonly when?: RegExp }[] = [
  { opening: 'global_defs', text: 'enable_script_security\nscript_user root' },
  { opening: 'vrrp_script S', text: 'script /bin/true', when: /^track_script\b/m },
  { opening: 'vrrp_track_process P', text: 'process sh', when: /^track_process\b/m },
  { opening: 'track_file F', text: 'file /etc/hostname', when: /^track_file (?:\{|F$)/m },
  {
    opening: 'vrrp_instance V',
    text: 'interface eth0\nvirtual_router_id 51\npriority 100\nvirtual_ipaddress {\n10.9.0.1\n}',
  },
  {
    opening: 'vrrp_instance W',
    text: 'interface eth1\nvirtual_router_id 52\npriority 100\nvirtual_ipaddress {\n10.9.1.1\n}',
    when: /^W$/m,
  },
];

const firstWord = (statement: string): string => statement.split(/\s/, 1)[0] ?? '';

/** What follows the keyword in its smallest sensible use. */
export function argumentsOf({ block, name, argument }: Keyword): string {
  return ARGUMENTS[`${block}.${name}`] ?? ARGUMENTS[name] ?? typicalArguments(argument, name);
}

/** Statements that the keyword needs beside it; `#keyword` means that the frame's statement goes. */
function companionsOf({ block, name }: Keyword): readonly string[] {
  return COMPANIONS[`${block}.${name}`] ?? [];
}

/** A whole configuration with the keyword in its smallest sensible use. */
export function configurationUsing(keyword: Keyword): string {
  return configurationWith(keyword, `${keyword.name} ${argumentsOf(keyword)}`.trimEnd());
}

/** A whole configuration with `statement`, a use of the keyword. */
export function configurationWith(keyword: Keyword, statement: string): string {
  const frame = frameOf(keyword);
  const own = [statement, ...companionsOf(keyword)];
  const replaced = new Set(own.map(line => firstWord(line).replace('#', '')));
  const lines = [...frame.lines.filter(line => !replaced.has(firstWord(line))), ...own];
  const used = lines.filter(line => !line.startsWith('#'));
  const tried = nest(frame, used);
  const surroundings = SURROUNDINGS.filter(
    ({ opening, when }) => !tried.startsWith(opening) && (when?.test(tried) ?? true),
  ).map(({ opening, text }) => `${opening} {\n${text}\n}`);
  return `${[...surroundings, tried].join('\n')}\n`;
}

/** The instance of the frame keeps what it needs when a block inside it is tried. */
function nest({ path }: Frame, lines: readonly string[]): string {
  const inner = path.length > 1 ? outermostLines(path[0]) : [];
  return path
    .toReversed()
    .reduce(
      (text, opening, index) =>
        `${opening} {\n${index === path.length - 1 ? [...inner, text].join('\n') : text}\n}`,
      lines.join('\n'),
    );
}

function outermostLines(opening: string | undefined): readonly string[] {
  if (opening === 'vrrp_instance V') return FRAMES.vrrp_instance.lines;
  if (opening !== 'virtual_server 10.9.0.1 80') return [];
  return FRAMES.virtual_server.lines.filter(line => !line.startsWith('real_server'));
}

function typicalArguments(argument: Argument, name: string): string {
  switch (argument.type) {
    case 'flag':
      return '';
    case 'boolean':
      return 'on';
    case 'integer':
      return String(Math.max(argument.min, Math.min(5, argument.max)));
    case 'seconds':
      return String(Math.max(argument.min, Math.min(5, argument.max)));
    case 'choice':
      return must(argument.values[0], `${name} has a value`);
    case 'address':
      return must(ADDRESSES[argument.what], `an example of ${argument.what}`);
    case 'script':
      return '/bin/true';
    case 'weight':
      return '5';
    case 'block':
      return '{\n}';
    case 'word':
      return argument.what === 'PATH' ? '/run/fuzz.file' : 'name1';
    case 'lines':
      throw new Error(`keyword-uses.ts lacks an example of ${name}`);
    case 'words':
      if (argument.words[0] > 1) throw new Error(`keyword-uses.ts lacks an example of ${name}`);
      return argument.words[0] === 0 ? '' : argument.syntax.startsWith('PATH') ? '/run/fuzz.fifo' : '1';
  }
}

/** Blocks that are compared with keepalived; the others are not supported. */
const COMPARED: ReadonlySet<BlockName> = new Set([
  '',
  'global_defs',
  'vrrp_instance',
  'authentication',
  'vrrp_sync_group',
  'vrrp_script',
  'vrrp_track_process',
  'track_file',
  'track_group',
  'garp_group',
  'virtual_server',
  'real_server',
  'checker',
  'url',
  'SSL',
]);

/** The keywords that are compared with keepalived. */
export const COMPARED_KEYWORDS: readonly Keyword[] = KEYWORDS.filter(({ block }) => COMPARED.has(block));
