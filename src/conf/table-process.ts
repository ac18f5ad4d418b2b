import {
  boolean,
  flag,
  globalRow,
  integer,
  MAX_UNSIGNED,
  noEffect,
  notSupported,
  row,
  seconds,
  word,
  words,
  type Keyword,
} from './keyword.ts';

const ONE_PROCESS = noEffect('there is one VRRP process and one worker');
const SNMP = noEffect('SNMP is not implemented; the metrics are');
const DBUS = noEffect('D-Bus is not implemented; the control socket is');
const RECEIVE_BUFFERS = noEffect('the daemon sizes its receive buffers itself');
const FIREWALL = noEffect('the daemon keeps an nftables table of its own');
const RESTART = { reload: 'restart' } as const;

/** When and where the processes run. */
export const SCHEDULING_KEYWORDS: readonly Keyword[] = [
  globalRow('vrrp_priority', integer(-20, 19), 'Nice value of the VRRP process.'),
  globalRow('vrrp_rt_priority', integer(1, 99), 'Real-time priority of the VRRP process.'),
  globalRow('vrrp_no_swap', flag, 'Locks the VRRP process in memory.'),
  globalRow('vrrp_cpu_affinity', words('CPU …', 1, 1024), 'CPUs of the VRRP process.', { reload: 'restart' }),
  globalRow(
    'vrrp_rlimit_rttime',
    integer(1, MAX_UNSIGNED),
    'RLIMIT_RTTIME in microseconds.',
    noEffect('a real-time VRRP process has no such limit'),
  ),
  globalRow(
    'vrrp_rlimit_rtime',
    integer(1, MAX_UNSIGNED),
    'Deprecated name of vrrp_rlimit_rttime.',
    noEffect('see vrrp_rlimit_rttime'),
  ),
  globalRow('max_auto_priority', words('[-1–99]', 0, 1), 'Raises the priority when timers are late.', {
    default: '0',
  }),
  globalRow(
    'min_auto_priority_delay',
    integer(1, 10_000_000),
    'Lateness in microseconds that counts; here at least 50000.',
    { default: '1000000' },
  ),
  ...['checker', 'bfd'].flatMap(process => [
    globalRow(`${process}_priority`, integer(-20, 19), `Nice value of the ${process} process.`, ONE_PROCESS),
    globalRow(
      `${process}_rt_priority`,
      integer(1, 99),
      `Real-time priority of the ${process} process.`,
      ONE_PROCESS,
    ),
    globalRow(`${process}_no_swap`, flag, `Locks the ${process} process in memory.`, ONE_PROCESS),
    globalRow(
      `${process}_cpu_affinity`,
      words('CPU …', 1, 1024),
      `CPUs of the ${process} process.`,
      ONE_PROCESS,
    ),
    globalRow(
      `${process}_rlimit_rttime`,
      integer(1, MAX_UNSIGNED),
      `RLIMIT_RTTIME of the ${process} process.`,
      ONE_PROCESS,
    ),
    globalRow(
      `${process}_rlimit_rtime`,
      integer(1, MAX_UNSIGNED),
      `Deprecated name of ${process}_rlimit_rttime.`,
      ONE_PROCESS,
    ),
  ]),
  globalRow('process_names', flag, 'Distinct names for the processes.', ONE_PROCESS),
  ...['', 'vrrp_', 'checker_', 'lvs_', 'bfd_'].map(prefix =>
    globalRow(`${prefix}process_name`, word('NAME'), 'Name of a process.', ONE_PROCESS),
  ),
];

/** What the program does besides its work: reloads, scripts of its own, reports. */
export const PROGRAM_KEYWORDS: readonly Keyword[] = [
  globalRow(
    'reload_check_config',
    words('[LOG_FILE]', 0, 1),
    'Validates the configuration before a reload; always so here.',
  ),
  globalRow(
    'reload_time_file',
    word('PATH'),
    'File with the time of the next reload.',
    notSupported('schedule `tandemd` reloads with a systemd timer'),
  ),
  globalRow(
    'reload_repeat',
    flag,
    'Keeps reload_time_file.',
    notSupported('schedule `tandemd` reloads with a systemd timer'),
  ),
  globalRow('reload_file', words('[PATH]', 0, 1), 'File that exists while the configuration is read.'),
  globalRow(
    'include_check',
    words('[[+|-]readable|match|wildcard_match|brace_match …]', 0, 8),
    'Which faults of include lines are errors.',
  ),
  globalRow('random_seed', integer(0, MAX_UNSIGNED), 'Seed of ${_RANDOM}.'),
  globalRow(
    'umask',
    words('NUMBER|BITS', 1, 9),
    'Mode mask of files.',
    noEffect('files are created with explicit modes'),
  ),
  globalRow('tmp_config_directory', word('DIRECTORY'), 'Where a copy of the configuration is kept.', {
    ...noEffect('no copy is made'),
    once: true,
  }),
  globalRow(
    'config_save_dir',
    word('DIRECTORY'),
    'Where reloads are recorded for debugging.',
    noEffect('use the control socket'),
  ),
  globalRow(
    'data_use_instance',
    boolean,
    'Instance name in dump files.',
    noEffect('state is read from the control socket'),
  ),
  globalRow('json_version', integer(1, 2), 'Layout of the JSON dump.', {
    ...noEffect('state is read from the control socket'),
    since: '2.2.8',
  }),
  globalRow('snmp_socket', word('SOCKET'), 'Socket of the SNMP master agent.', { ...SNMP, once: true }),
  ...[
    'enable_traps',
    'enable_snmp_vrrp',
    'enable_snmp_keepalived',
    'enable_snmp_rfc',
    'enable_snmp_rfcv2',
    'enable_snmp_rfcv3',
    'enable_snmp_checker',
  ].map(name => globalRow(name, flag, 'SNMP.', SNMP)),
  ...['snmp_vs_stats_update_interval', 'snmp_rs_stats_update_interval'].map(name =>
    globalRow(name, seconds(0.001, 30), 'Age of statistics in SNMP.', { ...SNMP, since: 'after 2.2.7' }),
  ),
  globalRow('dbus_no_interface_name', word('NAME'), 'Path of instances without interface.', {
    ...DBUS,
    since: 'after 2.2.7',
  }),
  globalRow('enable_dbus', flag, 'D-Bus interface.', DBUS),
  globalRow('dbus_service_name', word('NAME'), 'Name on D-Bus.', DBUS),
  ...[
    'vrrp_netlink_cmd',
    'vrrp_netlink_monitor',
    'lvs_netlink_cmd',
    'lvs_netlink_monitor',
    'process_monitor',
  ].flatMap(socket => [
    globalRow(`${socket}_rcv_bufs`, integer(0, MAX_UNSIGNED), 'Receive buffer in bytes.', RECEIVE_BUFFERS),
    globalRow(`${socket}_rcv_bufs_force`, boolean, 'Beyond rmem_max.', RECEIVE_BUFFERS),
  ]),
  globalRow(
    'vrrp_rx_bufs_policy',
    words('MTU|ADVERT|NUMBER', 1, 1),
    'Size of receive buffers.',
    RECEIVE_BUFFERS,
  ),
  globalRow(
    'vrrp_rx_bufs_multiplier',
    integer(1, MAX_UNSIGNED),
    'Adverts that a receive buffer holds.',
    RECEIVE_BUFFERS,
  ),
];

/** Process-wide words that stand at the top level. */
export const TOP_GLOBAL_KEYWORDS: readonly Keyword[] = [
  row('', 'net_namespace', word('NAME'), 'Network namespace to run in.', RESTART),
  row('', 'net_namespace_ipvs', word('NAME'), 'Network namespace of IPVS.', {
    ...notSupported('IPVS is driven in the network namespace of the daemon'),
    ...RESTART,
  }),
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
