import {
  address,
  boolean,
  flag,
  integer,
  lines,
  loneScript,
  MAX_PAUSE_S,
  MAX_TIMER_S,
  MAX_UNSIGNED,
  noEffect,
  notSupported,
  row,
  script,
  seconds,
  wholeSeconds,
  word,
  words,
  type Argument,
  type Keyword,
} from './keyword.ts';

type Extras = NonNullable<Parameters<typeof row>[4]>;
const global = (name: string, argument: Argument, doc: string, extras?: Extras): Keyword =>
  row('global_defs', name, argument, doc, extras);

const ONE_PROCESS = noEffect('there is one VRRP process and one worker');
const LVS = notSupported('virtual servers are not implemented yet');
const SNMP = noEffect('SNMP is not implemented; the metrics are');
const DBUS = noEffect('D-Bus is not implemented; the control socket is');
const RECEIVE_BUFFERS = noEffect('the daemon sizes its receive buffers itself');
const FIREWALL = noEffect('the daemon keeps an nftables table of its own');
const FIFO = 'PATH [USER [GROUP]]';
const RESTART = { reload: 'restart' } as const;

const NOTIFICATION: readonly Keyword[] = [
  global('router_id', word('NAME'), 'Name of this router in mail and status.', { default: 'the host name' }),
  global('notification_email', lines('ADDRESS'), 'Recipients of mail.'),
  global('notification_email_from', word('ADDRESS'), 'Sender of mail.', { default: 'keepalived@HOST' }),
  global('smtp_server', words('HOST [PORT]', 1, 2), 'Server that takes mail, by SMTP without TLS.', {
    default: 'port 25',
  }),
  global('smtp_helo_name', word('NAME'), 'Name in the HELO.', { default: 'the host name' }),
  global(
    'smtp_connect_timeout',
    wholeSeconds(1, MAX_TIMER_S),
    'How long a connection to the mail server may take.',
    { default: '30' },
  ),
  global('smtp_alert', boolean, 'Default of every smtp_alert.'),
  global('smtp_alert_vrrp', boolean, 'Default of smtp_alert in vrrp_instance and vrrp_sync_group.'),
  global('smtp_alert_checker', boolean, 'Default of smtp_alert in virtual and real servers.'),
  global('no_email_faults', flag, 'No mail about FAULT.'),
  global('notify_fifo', words(FIFO, 1, 3), 'FIFO for all event lines.', { ...RESTART, once: true }),
  global(
    'notify_fifo_script',
    loneScript,
    'Script that reads notify_fifo, given its path as last argument.',
    RESTART,
  ),
  global('vrrp_notify_fifo', words(FIFO, 1, 3), 'FIFO for VRRP event lines.', { ...RESTART, once: true }),
  global('vrrp_notify_fifo_script', loneScript, 'Script that reads vrrp_notify_fifo.', RESTART),
  global('lvs_notify_fifo', words(FIFO, 1, 3), 'FIFO for checkers’ event lines.', { ...LVS, ...RESTART }),
  global('lvs_notify_fifo_script', loneScript, 'Script that reads lvs_notify_fifo.', { ...LVS, ...RESTART }),
  global('vrrp_notify_priority_changes', boolean, 'Tells changes of priority to the FIFOs.', {
    default: 'off',
  }),
  global('fifo_write_vrrp_states_on_reload', flag, 'Writes all states to the FIFOs after a reload.'),
  global('startup_script', script, 'Runs once before VRRP starts.', RESTART),
  global('startup_script_timeout', wholeSeconds(1, 1000), 'How long startup_script may take.', {
    default: '10',
    ...RESTART,
  }),
  global('shutdown_script', script, 'Runs once after VRRP has stopped.'),
  global('shutdown_script_timeout', wholeSeconds(1, 1000), 'How long shutdown_script may take.', {
    default: '10',
  }),
  global('script_user', words('USER [GROUP]', 1, 2), 'User that runs scripts.', {
    default: 'keepalived_script, else root',
  }),
  global('set_supplementary_groups', flag, 'Scripts get the supplementary groups of their user.', {
    ...noEffect('scripts run with the groups of their user'),
    since: 'after 2.2.7',
  }),
  global('use_symlink_paths', boolean, 'Keeps symbolic links in paths of scripts.', {
    ...noEffect('paths are used as written'),
    since: 'after 2.2.7',
  }),
  global('enable_script_security', flag, 'Refuses root scripts on a path that another user can write.'),
];

const PROTOCOL: readonly Keyword[] = [
  global('vrrp_version', integer(2, 3), 'VRRP version of instances without `version`.', { default: '2' }),
  global('vrrp_strict', flag, 'Strict protocol compliance.'),
  global('vrrp_mcast_group4', address('GROUP'), 'IPv4 group of adverts.', { default: '224.0.0.18' }),
  global('vrrp_mcast_group6', address('GROUP'), 'IPv6 group of adverts.', { default: 'ff02::12' }),
  global('vrrp_startup_delay', seconds(0.001, MAX_PAUSE_S), 'Ignores adverts for this long after start.', {
    default: '0',
  }),
  global(
    'vrrp_delay_after_boot',
    seconds(0.001, MAX_PAUSE_S),
    'The same, counted from the boot of the host.',
    {
      default: '0',
      since: '2.4.0',
    },
  ),
  global('vrrp_check_unicast_src', flag, 'Default of check_unicast_src.'),
  global('vrrp_skip_check_adv_addr', boolean, 'Default of skip_check_adv_addr.', { default: 'off' }),
  global('vrrp_down_timer_adverts', integer(1, 100), 'Default of down_timer_adverts.', { default: '3' }),
  global('vrrp_garp_master_delay', wholeSeconds(0, MAX_TIMER_S), 'Default of garp_master_delay.', {
    default: '5',
  }),
  global('vrrp_garp_master_repeat', integer(0, 0x7fffffff), 'Default of garp_master_repeat.', {
    default: '5',
  }),
  global('vrrp_garp_master_refresh', wholeSeconds(0, MAX_UNSIGNED), 'Default of garp_master_refresh.', {
    default: '0',
  }),
  global(
    'vrrp_garp_master_refresh_repeat',
    integer(0, 0x7fffffff),
    'Default of garp_master_refresh_repeat.',
    { default: '1' },
  ),
  global('vrrp_garp_lower_prio_delay', wholeSeconds(0, MAX_TIMER_S), 'Default of garp_lower_prio_delay.', {
    default: 'vrrp_garp_master_delay',
  }),
  global('vrrp_garp_lower_prio_repeat', integer(0, 0x7fffffff), 'Default of garp_lower_prio_repeat.', {
    default: 'vrrp_garp_master_repeat',
  }),
  global(
    'vrrp_garp_interval',
    seconds(0.000001, MAX_PAUSE_S),
    'Pause between gratuitous ARPs on an interface.',
    {
      default: '0',
    },
  ),
  global(
    'vrrp_gna_interval',
    seconds(0.000001, MAX_PAUSE_S),
    'Pause between unsolicited neighbour advertisements on an interface.',
    { default: '0' },
  ),
  global('vrrp_min_garp', boolean, 'One gratuitous ARP per burst and no second burst.'),
  global('vrrp_garp_extra_if', words('[all] SECONDS', 1, 2), 'Default of garp_extra_if.', { default: '0' }),
  global('vrrp_vmac_garp_intvl', words('[all] SECONDS', 1, 2), 'Deprecated name of vrrp_garp_extra_if.'),
  global('vrrp_lower_prio_no_advert', boolean, 'Default of lower_prio_no_advert.', { default: 'off' }),
  global('vrrp_higher_prio_send_advert', boolean, 'Default of higher_prio_send_advert.', { default: 'off' }),
  global('v3_checksum_as_v2', boolean, 'Default of v3_checksum_as_v2 of the instances.', {
    default: 'off',
    since: '2.2.8',
  }),
  global('vrrp_owner_ignore_adverts', boolean, 'Default of owner_ignore_adverts.', {
    ...noEffect('a second address owner is detected and reported'),
    since: '2.3.3',
  }),
  global('log_unknown_vrids', flag, 'Logs adverts of VRIDs that are not configured.'),
  global('default_interface', word('INTERFACE'), 'Interface of static addresses without `dev`.', {
    default: 'eth0',
  }),
  global('dynamic_interfaces', words('[allow_if_changes]', 0, 1), 'Interfaces may appear after start.', {
    default: 'off',
  }),
  global('vmac_prefix', word('PREFIX'), 'Start of generated macvlan names.', {
    default: 'vrrp',
    once: true,
  }),
  global('vmac_addr_prefix', word('PREFIX'), 'Start of generated macvlan names for VIPs.', {
    default: 'vmac_prefix',
    once: true,
  }),
  global(
    'disable_local_igmp',
    flag,
    'Disables IGMP reports for 224.0.0.0/24.',
    noEffect('IGMP is left as the host has it'),
  ),
];

const FIREWALLS: readonly Keyword[] = [
  global('nftables', words('[TABLE]', 0, 1), 'Name of the nftables table.', {
    default: 'keepalived',
    once: true,
  }),
  global('nftables_priority', integer(-0x80000000, 0x7fffffff), 'Priority of the base chains.', FIREWALL),
  global('nftables_counters', flag, 'Counters in the rules.', FIREWALL),
  global('nftables_ifindex', flag, 'Sets by interface index.', FIREWALL),
  global('vrrp_iptables', words('[IN_CHAIN [OUT_CHAIN]]', 0, 2), 'Uses iptables.', FIREWALL),
  global('vrrp_ipsets', words('[SET …]', 0, 5), 'Uses ipsets.', FIREWALL),
];

const SCHEDULING: readonly Keyword[] = [
  global('vrrp_priority', integer(-20, 19), 'Nice value of the VRRP process.'),
  global('vrrp_rt_priority', integer(1, 99), 'Real-time priority of the VRRP process.'),
  global('vrrp_no_swap', flag, 'Locks the VRRP process in memory.'),
  global('vrrp_cpu_affinity', words('CPU …', 1, 1024), 'CPUs of the VRRP process.', { reload: 'restart' }),
  global(
    'vrrp_rlimit_rttime',
    integer(1, MAX_UNSIGNED),
    'RLIMIT_RTTIME in microseconds.',
    noEffect('a real-time VRRP process has no such limit'),
  ),
  global(
    'vrrp_rlimit_rtime',
    integer(1, MAX_UNSIGNED),
    'Deprecated name of vrrp_rlimit_rttime.',
    noEffect('see vrrp_rlimit_rttime'),
  ),
  global('max_auto_priority', words('[-1–99]', 0, 1), 'Raises the priority when timers are late.', {
    default: '0',
  }),
  global(
    'min_auto_priority_delay',
    integer(1, 10_000_000),
    'Lateness in microseconds that counts; here at least 50000.',
    { default: '1000000' },
  ),
  ...['checker', 'bfd'].flatMap(process => [
    global(`${process}_priority`, integer(-20, 19), `Nice value of the ${process} process.`, ONE_PROCESS),
    global(
      `${process}_rt_priority`,
      integer(1, 99),
      `Real-time priority of the ${process} process.`,
      ONE_PROCESS,
    ),
    global(`${process}_no_swap`, flag, `Locks the ${process} process in memory.`, ONE_PROCESS),
    global(
      `${process}_cpu_affinity`,
      words('CPU …', 1, 1024),
      `CPUs of the ${process} process.`,
      ONE_PROCESS,
    ),
    global(
      `${process}_rlimit_rttime`,
      integer(1, MAX_UNSIGNED),
      `RLIMIT_RTTIME of the ${process} process.`,
      ONE_PROCESS,
    ),
    global(
      `${process}_rlimit_rtime`,
      integer(1, MAX_UNSIGNED),
      `Deprecated name of ${process}_rlimit_rttime.`,
      ONE_PROCESS,
    ),
  ]),
  global('process_names', flag, 'Distinct names for the processes.', ONE_PROCESS),
  ...['', 'vrrp_', 'checker_', 'lvs_', 'bfd_'].map(prefix =>
    global(`${prefix}process_name`, word('NAME'), 'Name of a process.', ONE_PROCESS),
  ),
];

const SERVERS: readonly Keyword[] = [
  global(
    'lvs_sync_daemon',
    words('INTERFACE [[inst] INSTANCE] [id N] [maxlen N] [port N] [ttl N] [group ADDRESS]', 1, 16),
    'IPVS connection synchronisation.',
    LVS,
  ),
  global('lvs_timeouts', words('[tcp S] [tcpfin S] [udp S]', 2, 6), 'IPVS connection timeouts.', LVS),
  global('lvs_flush', flag, 'Removes foreign IPVS services at start.', LVS),
  global('lvs_flush_on_stop', words('[VS]', 0, 1), 'Removes all IPVS services at once when stopping.', LVS),
  global('lvs_flush_onstop', words('[VS]', 0, 1), 'Deprecated name of lvs_flush_on_stop.', LVS),
  global('nftables_ipvs', words('[TABLE]', 0, 1), 'Virtual server groups by firewall mark.', LVS),
  global('nftables_ipvs_priority', integer(-0x80000000, 0x7fffffff), 'Priority of those chains.', LVS),
  global('nftables_ipvs_start_fwmark', integer(1, MAX_UNSIGNED), 'First firewall mark to use.', LVS),
  global('checker_log_all_failures', boolean, 'Logs every failed check.', LVS),
  global('rs_init_notifies', flag, 'Notifies about real servers at start.', LVS),
  global('no_checker_emails', flag, 'Mail only when a real server is added or removed.', LVS),
];

const PROGRAM: readonly Keyword[] = [
  global(
    'reload_check_config',
    words('[LOG_FILE]', 0, 1),
    'Validates the configuration before a reload; always so here.',
  ),
  global(
    'reload_time_file',
    word('PATH'),
    'File with the time of the next reload.',
    notSupported('schedule `tandemd` reloads with a systemd timer'),
  ),
  global(
    'reload_repeat',
    flag,
    'Keeps reload_time_file.',
    notSupported('schedule `tandemd` reloads with a systemd timer'),
  ),
  global('reload_file', words('[PATH]', 0, 1), 'File that exists while the configuration is read.'),
  global(
    'include_check',
    words('[[+|-]readable|match|wildcard_match|brace_match …]', 0, 8),
    'Which faults of include lines are errors.',
  ),
  global('random_seed', integer(0, MAX_UNSIGNED), 'Seed of ${_RANDOM}.'),
  global(
    'umask',
    words('NUMBER|BITS', 1, 9),
    'Mode mask of files.',
    noEffect('files are created with explicit modes'),
  ),
  global('tmp_config_directory', word('DIRECTORY'), 'Where a copy of the configuration is kept.', {
    ...noEffect('no copy is made'),
    once: true,
  }),
  global(
    'config_save_dir',
    word('DIRECTORY'),
    'Where reloads are recorded for debugging.',
    noEffect('use the control socket'),
  ),
  global(
    'data_use_instance',
    boolean,
    'Instance name in dump files.',
    noEffect('state is read from the control socket'),
  ),
  global('json_version', integer(1, 2), 'Layout of the JSON dump.', {
    ...noEffect('state is read from the control socket'),
    since: '2.2.8',
  }),
  global('snmp_socket', word('SOCKET'), 'Socket of the SNMP master agent.', { ...SNMP, once: true }),
  ...[
    'enable_traps',
    'enable_snmp_vrrp',
    'enable_snmp_keepalived',
    'enable_snmp_rfc',
    'enable_snmp_rfcv2',
    'enable_snmp_rfcv3',
    'enable_snmp_checker',
  ].map(name => global(name, flag, 'SNMP.', SNMP)),
  ...['snmp_vs_stats_update_interval', 'snmp_rs_stats_update_interval'].map(name =>
    global(name, seconds(0.001, 30), 'Age of statistics in SNMP.', { ...SNMP, since: 'after 2.2.7' }),
  ),
  global('dbus_no_interface_name', word('NAME'), 'Path of instances without interface.', {
    ...DBUS,
    since: 'after 2.2.7',
  }),
  global('enable_dbus', flag, 'D-Bus interface.', DBUS),
  global('dbus_service_name', word('NAME'), 'Name on D-Bus.', DBUS),
  ...[
    'vrrp_netlink_cmd',
    'vrrp_netlink_monitor',
    'lvs_netlink_cmd',
    'lvs_netlink_monitor',
    'process_monitor',
  ].flatMap(socket => [
    global(`${socket}_rcv_bufs`, integer(0, MAX_UNSIGNED), 'Receive buffer in bytes.', RECEIVE_BUFFERS),
    global(`${socket}_rcv_bufs_force`, boolean, 'Beyond rmem_max.', RECEIVE_BUFFERS),
  ]),
  global(
    'vrrp_rx_bufs_policy',
    words('MTU|ADVERT|NUMBER', 1, 1),
    'Size of receive buffers.',
    RECEIVE_BUFFERS,
  ),
  global(
    'vrrp_rx_bufs_multiplier',
    integer(1, MAX_UNSIGNED),
    'Adverts that a receive buffer holds.',
    RECEIVE_BUFFERS,
  ),
];

/** `global_defs`. */
export const GLOBAL_KEYWORDS: readonly Keyword[] = [
  ...NOTIFICATION,
  ...PROTOCOL,
  ...FIREWALLS,
  ...SCHEDULING,
  ...SERVERS,
  ...PROGRAM,
];

/** Process-wide words that stand at the top level. */
export const TOP_GLOBAL_KEYWORDS: readonly Keyword[] = [
  row('', 'net_namespace', word('NAME'), 'Network namespace to run in.', RESTART),
  row('', 'net_namespace_ipvs', word('NAME'), 'Network namespace of IPVS.', { ...LVS, ...RESTART }),
  row('', 'namespace_with_ipsets', flag, 'Ipsets in a namespace.', FIREWALL),
  row('', 'instance', word('NAME'), 'Name of this daemon among several on a host.', {
    ...RESTART,
    once: true,
  }),
  row('', 'use_pid_dir', flag, 'PID files under /run/keepalived.', {
    ...noEffect('systemd tracks the process'),
    ...RESTART,
  }),
  row('', 'linkbeat_use_polling', flag, 'Polls links.', noEffect('link state comes from netlink')),
  row(
    '',
    'child_wait_time',
    integer(0, MAX_UNSIGNED),
    'How long stopping may take.',
    noEffect('systemd’s TimeoutStopSec decides'),
  ),
];
