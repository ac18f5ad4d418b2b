import {
  address,
  boolean,
  flag,
  globalRow,
  integer,
  lines,
  loneScript,
  MAX_PAUSE_S,
  MAX_TIMER_S,
  MAX_UNSIGNED,
  noEffect,
  script,
  seconds,
  wholeSeconds,
  word,
  words,
  type Keyword,
} from './keyword.ts';
import { PROGRAM_KEYWORDS, SCHEDULING_KEYWORDS } from './table-process.ts';
const NFTABLES_IPVS = noEffect('every address of a group is a service of its own');
const FIREWALL = noEffect('the daemon keeps an nftables table of its own');
const FIFO = 'PATH [USER [GROUP]]';
const RESTART = { reload: 'restart' } as const;

const NOTIFICATION: readonly Keyword[] = [
  globalRow('router_id', word('NAME'), 'Name of this router in mail and status.', {
    default: 'the host name',
  }),
  globalRow('notification_email', lines('ADDRESS'), 'Recipients of mail.'),
  globalRow('notification_email_from', word('ADDRESS'), 'Sender of mail.', { default: 'keepalived@HOST' }),
  globalRow('smtp_server', words('HOST [PORT]', 1, 2), 'Server that takes mail, by SMTP without TLS.', {
    default: 'port 25',
  }),
  globalRow('smtp_helo_name', word('NAME'), 'Name in the HELO.', { default: 'the host name' }),
  globalRow(
    'smtp_connect_timeout',
    wholeSeconds(1, MAX_TIMER_S),
    'How long a connection to the mail server may take.',
    { default: '30' },
  ),
  globalRow('smtp_alert', boolean, 'Default of every smtp_alert.'),
  globalRow('smtp_alert_vrrp', boolean, 'Default of smtp_alert in vrrp_instance and vrrp_sync_group.'),
  globalRow('smtp_alert_checker', boolean, 'Default of smtp_alert in virtual and real servers.'),
  globalRow('no_email_faults', flag, 'No mail about FAULT.'),
  globalRow('notify_fifo', words(FIFO, 1, 3), 'FIFO for all event lines.', { ...RESTART, once: true }),
  globalRow(
    'notify_fifo_script',
    loneScript,
    'Script that reads notify_fifo, given its path as last argument.',
    RESTART,
  ),
  globalRow('vrrp_notify_fifo', words(FIFO, 1, 3), 'FIFO for VRRP event lines.', { ...RESTART, once: true }),
  globalRow('vrrp_notify_fifo_script', loneScript, 'Script that reads vrrp_notify_fifo.', RESTART),
  globalRow('lvs_notify_fifo', words(FIFO, 1, 3), 'FIFO for event lines of virtual and real servers.', {
    ...RESTART,
    once: true,
  }),
  globalRow('lvs_notify_fifo_script', loneScript, 'Script that reads lvs_notify_fifo.', RESTART),
  globalRow('vrrp_notify_priority_changes', boolean, 'Tells changes of priority to the FIFOs.', {
    default: 'off',
  }),
  globalRow('fifo_write_vrrp_states_on_reload', flag, 'Writes all states to the FIFOs after a reload.'),
  globalRow('startup_script', script, 'Runs once before VRRP starts.', RESTART),
  globalRow('startup_script_timeout', wholeSeconds(1, 1000), 'How long startup_script may take.', {
    default: '10',
    ...RESTART,
  }),
  globalRow('shutdown_script', script, 'Runs once after VRRP has stopped.'),
  globalRow('shutdown_script_timeout', wholeSeconds(1, 1000), 'How long shutdown_script may take.', {
    default: '10',
  }),
  globalRow('script_user', words('USER [GROUP]', 1, 2), 'User that runs scripts.', {
    default: 'keepalived_script, else root',
  }),
  globalRow('set_supplementary_groups', flag, 'Scripts get the supplementary groups of their user.', {
    ...noEffect('scripts run with the groups of their user'),
    since: 'after 2.2.7',
  }),
  globalRow('use_symlink_paths', boolean, 'Keeps symbolic links in paths of scripts.', {
    ...noEffect('paths are used as written'),
    since: 'after 2.2.7',
  }),
  globalRow('enable_script_security', flag, 'Refuses root scripts on a path that another user can write.'),
];

const PROTOCOL: readonly Keyword[] = [
  globalRow('vrrp_version', integer(2, 3), 'VRRP version of instances without `version`.', { default: '2' }),
  globalRow('vrrp_strict', flag, 'Strict protocol compliance.'),
  globalRow('vrrp_mcast_group4', address('GROUP'), 'IPv4 group of adverts.', { default: '224.0.0.18' }),
  globalRow('vrrp_mcast_group6', address('GROUP'), 'IPv6 group of adverts.', { default: 'ff02::12' }),
  globalRow('vrrp_startup_delay', seconds(0.001, MAX_PAUSE_S), 'Ignores adverts for this long after start.', {
    default: '0',
  }),
  globalRow(
    'vrrp_delay_after_boot',
    seconds(0.001, MAX_PAUSE_S),
    'The same, counted from the boot of the host.',
    {
      default: '0',
      since: '2.4.0',
    },
  ),
  globalRow('vrrp_check_unicast_src', flag, 'Default of check_unicast_src.'),
  globalRow('vrrp_skip_check_adv_addr', boolean, 'Default of skip_check_adv_addr.', { default: 'off' }),
  globalRow('vrrp_down_timer_adverts', integer(1, 100), 'Default of down_timer_adverts.', { default: '3' }),
  globalRow('vrrp_garp_master_delay', wholeSeconds(0, MAX_TIMER_S), 'Default of garp_master_delay.', {
    default: '5',
  }),
  globalRow('vrrp_garp_master_repeat', integer(0, 0x7fffffff), 'Default of garp_master_repeat.', {
    default: '5',
  }),
  globalRow('vrrp_garp_master_refresh', wholeSeconds(0, MAX_UNSIGNED), 'Default of garp_master_refresh.', {
    default: '0',
  }),
  globalRow(
    'vrrp_garp_master_refresh_repeat',
    integer(0, 0x7fffffff),
    'Default of garp_master_refresh_repeat.',
    { default: '1' },
  ),
  globalRow('vrrp_garp_lower_prio_delay', wholeSeconds(0, MAX_TIMER_S), 'Default of garp_lower_prio_delay.', {
    default: 'vrrp_garp_master_delay',
  }),
  globalRow('vrrp_garp_lower_prio_repeat', integer(0, 0x7fffffff), 'Default of garp_lower_prio_repeat.', {
    default: 'vrrp_garp_master_repeat',
  }),
  globalRow(
    'vrrp_garp_interval',
    seconds(0.000001, MAX_PAUSE_S),
    'Pause between gratuitous ARPs on an interface.',
    {
      default: '0',
    },
  ),
  globalRow(
    'vrrp_gna_interval',
    seconds(0.000001, MAX_PAUSE_S),
    'Pause between unsolicited neighbour advertisements on an interface.',
    { default: '0' },
  ),
  globalRow('vrrp_min_garp', boolean, 'One gratuitous ARP per burst and no second burst.'),
  globalRow('vrrp_garp_extra_if', words('[all] SECONDS', 1, 2), 'Default of garp_extra_if.', {
    default: '0',
  }),
  globalRow('vrrp_vmac_garp_intvl', words('[all] SECONDS', 1, 2), 'Deprecated name of vrrp_garp_extra_if.'),
  globalRow('vrrp_lower_prio_no_advert', boolean, 'Default of lower_prio_no_advert.', { default: 'off' }),
  globalRow('vrrp_higher_prio_send_advert', boolean, 'Default of higher_prio_send_advert.', {
    default: 'off',
  }),
  globalRow('v3_checksum_as_v2', boolean, 'Default of v3_checksum_as_v2 of the instances.', {
    default: 'off',
    since: '2.2.8',
  }),
  globalRow('vrrp_owner_ignore_adverts', boolean, 'Default of owner_ignore_adverts.', {
    ...noEffect('a second address owner is detected and reported'),
    since: '2.3.3',
  }),
  globalRow('log_unknown_vrids', flag, 'Logs adverts of VRIDs that are not configured.'),
  globalRow('default_interface', word('INTERFACE'), 'Interface of static addresses without `dev`.', {
    default: 'eth0',
  }),
  globalRow('dynamic_interfaces', words('[allow_if_changes]', 0, 1), 'Interfaces may appear after start.', {
    default: 'off',
  }),
  globalRow('vmac_prefix', word('PREFIX'), 'Start of generated macvlan names.', {
    default: 'vrrp',
    once: true,
  }),
  globalRow('vmac_addr_prefix', word('PREFIX'), 'Start of generated macvlan names for VIPs.', {
    default: 'vmac_prefix',
    once: true,
  }),
  globalRow(
    'disable_local_igmp',
    flag,
    'Disables IGMP reports for 224.0.0.0/24.',
    noEffect('IGMP is left as the host has it'),
  ),
];

const FIREWALLS: readonly Keyword[] = [
  globalRow('nftables', words('[TABLE]', 0, 1), 'Name of the nftables table.', {
    default: 'keepalived',
    once: true,
  }),
  globalRow('nftables_priority', integer(-0x80000000, 0x7fffffff), 'Priority of the base chains.', FIREWALL),
  globalRow('nftables_counters', flag, 'Counters in the rules.', FIREWALL),
  globalRow('nftables_ifindex', flag, 'Sets by interface index.', FIREWALL),
  globalRow('vrrp_iptables', words('[IN_CHAIN [OUT_CHAIN]]', 0, 2), 'Uses iptables.', FIREWALL),
  globalRow('vrrp_ipsets', words('[SET …]', 0, 5), 'Uses ipsets.', FIREWALL),
];

const SERVERS: readonly Keyword[] = [
  globalRow(
    'lvs_sync_daemon',
    words('INTERFACE [[inst] INSTANCE] [id N] [maxlen N] [port N] [ttl N] [group ADDRESS]', 1, 16),
    'IPVS connection synchronisation.',
    { once: true },
  ),
  globalRow('lvs_timeouts', words('[tcp S] [tcpfin S] [udp S]', 2, 6), 'IPVS connection timeouts.'),
  globalRow('lvs_flush', flag, 'Removes foreign IPVS services at start.'),
  globalRow('lvs_flush_on_stop', words('[VS]', 0, 1), 'Removes all IPVS services at once when stopping.'),
  globalRow('lvs_flush_onstop', words('[VS]', 0, 1), 'Deprecated name of lvs_flush_on_stop.'),
  globalRow(
    'nftables_ipvs',
    words('[TABLE]', 0, 1),
    'Virtual server groups by firewall mark.',
    NFTABLES_IPVS,
  ),
  globalRow(
    'nftables_ipvs_priority',
    integer(-0x80000000, 0x7fffffff),
    'Priority of those chains.',
    NFTABLES_IPVS,
  ),
  globalRow(
    'nftables_ipvs_start_fwmark',
    integer(1, MAX_UNSIGNED),
    'First firewall mark to use.',
    NFTABLES_IPVS,
  ),
  globalRow('checker_log_all_failures', boolean, 'Logs every failed check.'),
  globalRow('rs_init_notifies', boolean, 'Notifies about real servers at start.'),
  globalRow('no_checker_emails', boolean, 'Mail only when a real server is added or removed.'),
];

/** `global_defs`. */
export const GLOBAL_KEYWORDS: readonly Keyword[] = [
  ...NOTIFICATION,
  ...PROTOCOL,
  ...FIREWALLS,
  ...SCHEDULING_KEYWORDS,
  ...SERVERS,
  ...PROGRAM_KEYWORDS,
];
