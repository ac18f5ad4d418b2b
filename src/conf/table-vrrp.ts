import {
  address,
  block,
  boolean,
  choice,
  flag,
  integer,
  lines,
  MAX_TIMER_S,
  MAX_UNSIGNED,
  noEffect,
  notSupported,
  optionalScript,
  row,
  script,
  seconds,
  weight,
  wholeSeconds,
  word,
  words,
  type Argument,
  type Keyword,
} from './keyword.ts';

const ADDRESS_LINE =
  'ADDRESS[/PREFIX] [brd ADDRESS|+|-] [dev IF] [scope SCOPE] [label LABEL] [peer ADDRESS] [home] [-nodad] [mngtmpaddr] [noprefixroute] [autojoin] [use_vmac] [no_track] [preferred_lft SECONDS|forever]';
const TRACK_LINE = 'NAME [weight N [reverse|noreverse]]';
const ONCE = { once: true } as const;
const BFD = notSupported('BFD is not implemented');

type Extras = NonNullable<Parameters<typeof row>[4]>;
const instance = (name: string, argument: Argument, doc: string, extras?: Extras): Keyword =>
  row('vrrp_instance', name, argument, doc, extras);

/** `vrrp_instance`. */
export const INSTANCE_KEYWORDS: readonly Keyword[] = [
  instance('state', choice('MASTER', 'BACKUP'), 'Initial state; MASTER at once needs priority 255.', {
    default: 'by priority',
  }),
  instance('interface', word('INTERFACE'), 'Interface that adverts are sent from and VIPs are added to.', {
    reload: 'identity',
  }),
  instance('virtual_router_id', integer(1, 255), 'VRID, unique per interface, family and cast.', {
    reload: 'identity',
  }),
  instance('priority', integer(1, 255), 'Base priority; 255 owns the addresses.', {
    default: '100, or 255 with state MASTER',
  }),
  instance(
    'advert_int',
    seconds(0.01, 255),
    'Interval between adverts: whole seconds in version 2, up to 40.95 in version 3.',
    { default: '1' },
  ),
  instance('version', integer(2, 3), 'VRRP version.', { default: 'vrrp_version; 3 with IPv6' }),
  instance('native_ipv6', flag, 'Forces IPv6 and version 3; deprecated.', { reload: 'identity' }),
  instance(
    'authentication',
    block('authentication', '', 0),
    'Authentication of version 2, which RFC 3768 removed.',
  ),
  instance('auth_hmac', block('auth_hmac', '', 0), 'Signed adverts.', {
    ...notSupported('signed adverts are not implemented'),
    since: '2.4.0',
  }),
  instance(
    'virtual_ipaddress',
    lines(ADDRESS_LINE),
    'Addresses that move with MASTER and are advertised; one family.',
  ),
  instance(
    'virtual_ipaddress_excluded',
    lines(ADDRESS_LINE),
    'Addresses that move too but are not advertised; any family.',
  ),
  instance('no_virtual_ipaddress', flag, 'States that the instance has no virtual addresses on purpose.', {
    since: '2.2.8',
  }),
  instance(
    'virtual_routes',
    lines('[TYPE] PREFIX [via ADDRESS] [dev IF] [src ADDRESS] [table T] …'),
    'Routes that move with MASTER.',
  ),
  instance(
    'virtual_rules',
    lines('[from PREFIX] [to PREFIX] [table T] [preference N] …'),
    'Routing rules that move with MASTER.',
  ),
  instance(
    'promote_secondaries',
    flag,
    'Sets promote_secondaries on the interface, so that removing a VIP keeps the others.',
  ),
  instance('mcast_src_ip', address('ADDRESS'), 'Source address of multicast adverts.', {
    default: "the interface's primary address",
  }),
  instance('mcast_dst_ip', address('GROUP'), 'Multicast group of this instance.', {
    default: 'vrrp_mcast_group4 or 6',
  }),
  instance('unicast_src_ip', address('ADDRESS'), 'Source address of unicast adverts.', {
    default: "the interface's primary address",
  }),
  instance(
    'unicast_peer',
    lines('ADDRESS [min_ttl 0–255] [max_ttl 0–255]'),
    'Sends adverts to these peers instead of a group.',
    { reload: 'identity' },
  ),
  instance('unicast_fault_no_peer', flag, 'Unicast without peers is FAULT instead of multicast.', {
    reload: 'identity',
  }),
  instance('unicast_ttl', integer(0, 255), 'TTL or hop limit of unicast adverts.', { default: '255' }),
  instance('check_unicast_src', flag, 'Drops adverts that come from none of the peers.'),
  instance(
    'old_unicast_checksum',
    words('[never]', 0, 1),
    'Checksum of keepalived before 1.3.6.',
    noEffect('received checksums are accepted in every form'),
  ),
  instance('track_src_ip', flag, 'FAULT while the configured source address is missing.'),
  instance('preempt', flag, 'A higher priority takes over; the default.'),
  instance(
    'nopreempt',
    flag,
    'A higher priority does not take over from a working master; needs state BACKUP.',
  ),
  instance('preempt_delay', seconds(0, 1000), 'Waits this long before taking over from a lower priority.', {
    default: '0',
  }),
  instance('accept', flag, 'Accepts traffic to the VIPs without owning them.', {
    default: 'accept, unless strict',
  }),
  instance('no_accept', flag, 'Drops traffic to the VIPs unless priority is 255.'),
  instance('down_timer_adverts', integer(1, 100), 'Missing adverts after which the master is down.', {
    default: '3',
  }),
  instance(
    'timer_expired_backup',
    words('[HIGHEST_OTHER_PRIORITY]', 0, 1),
    'Delays taking over after a late timer.',
    { ...noEffect('sockets are drained before timers are run'), since: '2.2.8' },
  ),
  instance(
    'garp_master_delay',
    wholeSeconds(0, MAX_TIMER_S),
    'Delay of the second burst of gratuitous ARPs; 0: none.',
    { default: '5' },
  ),
  instance('garp_master_repeat', integer(0, 0x7fffffff), 'Gratuitous ARPs in a burst.', { default: '5' }),
  instance(
    'garp_master_refresh',
    wholeSeconds(0, MAX_UNSIGNED),
    'Interval of gratuitous ARPs while MASTER; 0: none.',
    { default: '0' },
  ),
  instance('garp_master_refresh_repeat', integer(0, 0x7fffffff), 'Gratuitous ARPs in a refresh.', {
    default: '1',
  }),
  instance(
    'garp_lower_prio_delay',
    wholeSeconds(0, MAX_TIMER_S),
    'Delay of the second burst after a lower-priority advert.',
    { default: 'garp_master_delay' },
  ),
  instance(
    'garp_lower_prio_repeat',
    integer(0, 0x7fffffff),
    'Gratuitous ARPs after a lower-priority advert.',
    { default: 'garp_master_repeat' },
  ),
  instance(
    'garp_extra_if',
    words('[all] SECONDS', 1, 2),
    "Interval of gratuitous ARPs on the VIPs' other interfaces.",
    { default: '0' },
  ),
  instance('vmac_garp_intvl', words('[all] SECONDS', 1, 2), 'Deprecated name of garp_extra_if.'),
  instance('lower_prio_no_advert', boolean, 'Does not answer a lower-priority advert with an advert.', {
    default: 'off, on if strict',
  }),
  instance('higher_prio_send_advert', boolean, 'Sends an advert before yielding to a higher priority.', {
    default: 'off',
  }),
  instance(
    'v3_checksum_as_v2',
    boolean,
    'Checksum of version 3 over IPv4 without a pseudo-header, as RFC 9568 says.',
    { default: 'off', since: '2.2.8' },
  ),
  instance('skip_check_adv_addr', boolean, 'Skips comparing addresses of adverts from the same master.', {
    default: 'vrrp_skip_check_adv_addr',
  }),
  instance('strict_mode', boolean, 'Strict protocol compliance for this instance.', {
    default: 'vrrp_strict',
  }),
  instance(
    'use_vmac',
    words('[NAME] [MAC]', 0, 6),
    'Macvlan with the virtual MAC address 00:00:5e:00:01:VRID.',
    ONCE,
  ),
  instance('use_vmac_addr', flag, "Macvlans on the VIPs' other interfaces too."),
  instance('vmac_xmit_base', flag, 'Sends adverts from the interface under the macvlan.'),
  instance(
    'use_ipvlan',
    words('[NAME] [ADDRESS] [bridge|private|vepa]', 0, 6),
    'Ipvlan in place of a macvlan.',
    notSupported('ipvlan interfaces are not implemented'),
  ),
  instance(
    'vrf',
    word('INTERFACE'),
    'VRF of a unicast instance without an interface.',
    notSupported('VRFs are not implemented'),
  ),
  instance('dont_track_primary', flag, 'Ignores faults of the interface.'),
  instance(
    'track_interface',
    lines('INTERFACE [weight N [reverse]]'),
    'Interfaces whose loss means FAULT, or a change of priority.',
  ),
  instance('track_script', lines(TRACK_LINE), 'Scripts whose failure means FAULT, or a change of priority.'),
  instance('track_process', lines(TRACK_LINE), 'Processes that must run.'),
  instance('track_file', lines(TRACK_LINE), 'Files whose value changes the priority.'),
  instance('track_bfd', lines(TRACK_LINE), 'BFD sessions.', BFD),
  instance(
    'linkbeat_use_polling',
    flag,
    'Polls the link; deprecated, use linkbeat_interfaces.',
    noEffect('link state comes from netlink'),
  ),
  instance('notify_master', script, 'Runs when becoming MASTER.'),
  instance('notify_backup', script, 'Runs when becoming BACKUP.'),
  instance('notify_fault', script, 'Runs when entering FAULT.'),
  instance('notify_stop', script, 'Runs when VRRP stops.'),
  instance(
    'notify_deleted',
    optionalScript,
    'A reload that removes the instance tells DELETED instead of FAULT.',
  ),
  instance('notify', script, 'Runs on every change, last, with TYPE NAME STATE PRIORITY appended.'),
  instance('notify_master_rx_lower_pri', script, 'Runs when a MASTER hears a lower priority.'),
  instance('notify_priority_changes', boolean, 'Tells changes of priority to the FIFOs.', {
    default: 'vrrp_notify_priority_changes',
  }),
  instance('smtp_alert', boolean, 'Sends mail on state changes.', { default: 'smtp_alert_vrrp' }),
  instance(
    'kernel_rx_buf_size',
    integer(0, MAX_UNSIGNED),
    'Size of the receive buffer in bytes.',
    noEffect('the system default is kept'),
  ),
  instance('debug', integer(0, 4), 'Debug level.', noEffect('it has none in keepalived either')),
  instance(
    'lvs_sync_daemon_interface',
    word('INTERFACE'),
    'Deprecated; use lvs_sync_daemon in global_defs.',
    notSupported('use `lvs_sync_daemon` in global_defs'),
  ),
];

/** `authentication` of an instance. */
export const AUTHENTICATION_KEYWORDS: readonly Keyword[] = [
  row(
    'authentication',
    'auth_type',
    choice('PASS', 'AH'),
    'PASS: a plain password; AH: HMAC-MD5-96, IPv4 only.',
  ),
  row('authentication', 'auth_pass', word('PASSWORD'), 'Password of at most 8 bytes.'),
];

const hmac = (name: string, argument: Argument, doc: string, value?: string): Keyword =>
  row('auth_hmac', name, argument, doc, {
    ...notSupported('signed adverts are not implemented'),
    since: '2.4.0',
    ...(value === undefined ? {} : { default: value }),
  });

/** `auth_hmac` of an instance. */
export const AUTH_HMAC_KEYWORDS: readonly Keyword[] = [
  hmac('key', words('ID hex:HEX|file:PATH|TEXT', 2, 2), 'A key of 32–64 bytes.'),
  hmac('active_key', integer(1, 255), 'Key that adverts are signed with.'),
  hmac('anti_replay', choice('time', 'monotonic'), 'What proves that an advert is fresh.', 'time'),
  hmac('time_window', seconds(1, 300), 'How old an advert may be.', '3 × advert_int, at least 5'),
  hmac(
    'mode',
    choice('enforce', 'permissive', 'receive-only'),
    'Whether unsigned adverts are accepted.',
    'enforce',
  ),
];

const group = (name: string, argument: Argument, doc: string, extras?: Extras): Keyword =>
  row('vrrp_sync_group', name, argument, doc, extras);

/** `vrrp_sync_group`. */
export const SYNC_GROUP_KEYWORDS: readonly Keyword[] = [
  group('group', lines('INSTANCE'), 'Members: they are MASTER together or not at all.', ONCE),
  group('track_interface', lines('INTERFACE [weight N [reverse]]'), 'Interfaces tracked for all members.'),
  group('track_script', lines(TRACK_LINE), 'Scripts tracked for all members.'),
  group('track_process', lines(TRACK_LINE), 'Processes tracked for all members.'),
  group('track_file', lines(TRACK_LINE), 'Files tracked for all members.'),
  group('track_bfd', lines(TRACK_LINE), 'BFD sessions.', BFD),
  group('notify_master', script, 'Runs when the group becomes MASTER.'),
  group('notify_backup', script, 'Runs when the group becomes BACKUP.'),
  group('notify_fault', script, 'Runs when the group enters FAULT.'),
  group('notify_stop', script, 'Runs when VRRP stops.'),
  group('notify', script, 'Runs on every change, last, with GROUP NAME STATE PRIORITY appended.'),
  group('notify_priority_changes', boolean, 'Tells changes of priority to the FIFOs.'),
  group('smtp_alert', boolean, 'Sends mail on state changes.', { default: 'smtp_alert_vrrp' }),
  group('global_tracking', flag, 'Deprecated name of sync_group_tracking_weight.'),
  group('sync_group_tracking_weight', flag, "Keeps the weights of the members' own trackers."),
];

/** `vrrp_script`. */
export const SCRIPT_KEYWORDS: readonly Keyword[] = [
  row(
    'vrrp_script',
    'script',
    { type: 'script', lone: true, optional: false },
    'Command to run, without a shell; exit code 0 is success.',
    { once: false },
  ),
  row('vrrp_script', 'interval', seconds(0, MAX_TIMER_S), 'Seconds between runs; fractions since 2.3.2.', {
    default: '1',
  }),
  row(
    'vrrp_script',
    'timeout',
    seconds(0, MAX_TIMER_S),
    'Seconds after which a run has failed; fractions since 2.3.2.',
    {
      default: 'interval',
    },
  ),
  row('vrrp_script', 'weight', weight(253), 'Change of priority; 0: failure is FAULT.', { default: '0' }),
  row('vrrp_script', 'rise', integer(1, 0x7fffffff), 'Successes in a row that mean up.', { default: '1' }),
  row('vrrp_script', 'fall', integer(1, 0x7fffffff), 'Failures in a row that mean down.', { default: '1' }),
  row('vrrp_script', 'user', words('USER [GROUP]', 1, 2), 'User that runs it.', { default: 'script_user' }),
  row('vrrp_script', 'init_fail', flag, 'Counts as failed until it has succeeded.'),
];

/** `vrrp_track_process`. */
export const TRACK_PROCESS_KEYWORDS: readonly Keyword[] = [
  row(
    'vrrp_track_process',
    'process',
    words('NAME [PARAMETER …]', 1, 64),
    'Process name, and the parameters that it must have.',
    ONCE,
  ),
  row(
    'vrrp_track_process',
    'param_match',
    words('[initial|partial]', 0, 1),
    'How parameters are compared; without argument exactly.',
  ),
  row('vrrp_track_process', 'weight', weight(254), 'Change of priority; 0: FAULT without quorum.', {
    default: '0',
    ...ONCE,
  }),
  row('vrrp_track_process', 'quorum', integer(1, 65535), 'Least number of processes.', { default: '1' }),
  row('vrrp_track_process', 'quorum_max', integer(0, 65535), 'Greatest number of processes.'),
  row('vrrp_track_process', 'delay', seconds(0.000001, 3600), 'Sets fork_delay and terminate_delay.'),
  row('vrrp_track_process', 'fork_delay', seconds(0.000001, 3600), 'Delay before gained quorum counts.', {
    default: '0',
  }),
  row('vrrp_track_process', 'terminate_delay', seconds(0.000001, 3600), 'Delay before lost quorum counts.', {
    default: '0',
  }),
  row(
    'vrrp_track_process',
    'full_command',
    flag,
    'Compares the program as it was called (argv[0]) instead of the process name.',
  ),
];

/** `track_file` and `vrrp_track_file`. */
export const TRACK_FILE_KEYWORDS: readonly Keyword[] = [
  row('track_file', 'file', word('PATH'), 'File to watch; its first number counts.', ONCE),
  row('track_file', 'weight', weight(254), 'Factor for the number; 0: a number other than 0 is FAULT.', {
    default: '1',
    ...ONCE,
  }),
  row(
    'track_file',
    'init_file',
    words('[VALUE] [overwrite]', 0, 2),
    'Writes the file at start if it is missing, or always.',
  ),
];
