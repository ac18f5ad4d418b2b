import { CHECKER_KINDS } from './checker-keywords.ts';
import {
  address,
  block,
  boolean,
  choice,
  flag,
  integer,
  MAX_PAUSE_S,
  MAX_UNSIGNED,
  noEffect,
  notSupported,
  row,
  script,
  seconds,
  weight,
  word,
  words,
  type Argument,
  type BlockName,
  type Keyword,
} from './keyword.ts';

type Extras = NonNullable<Parameters<typeof row>[4]>;

const BFD = notSupported('BFD is not implemented');
const SNMP = noEffect('SNMP is not implemented; the metrics are');

const table =
  (name: BlockName, extras: Extras = {}) =>
  (keyword: string, argument: Argument, doc: string, more: Extras = {}): Keyword =>
    row(name, keyword, argument, doc, { ...extras, ...more });

const METHOD = words('NAT|DR|TUN [type ipip|gue port N|gre] [nocsum|csum|remcsum]', 1, 6);
const SCHEDULERS = choice(
  'rr',
  'wrr',
  'lc',
  'wlc',
  'lblc',
  'lblcr',
  'sh',
  'mh',
  'dh',
  'fo',
  'ovf',
  'sed',
  'nq',
  'twos',
);
const SERVER = words('ADDRESS [PORT]', 1, 2);

const MICROSECOND = 0.000001;

/** Timing that a virtual server, a real server and a checker each may have. */
const timing = (name: BlockName): Keyword[] => {
  const of = table(name);
  const down = 'Real servers are down until a check has succeeded.';
  return [
    of('alpha', name === 'virtual_server' ? flag : boolean, down, { default: 'off' }),
    of('connect_timeout', seconds(MICROSECOND, MAX_PAUSE_S), 'How long a connection may take.', {
      default: '5',
    }),
    of(
      'retry',
      integer(name === 'checker' ? 0 : 1, MAX_UNSIGNED),
      'Further attempts before a failure counts.',
      {
        default: '1; 3 with DNS_CHECK, 0 with MISC_CHECK',
      },
    ),
    of('delay_before_retry', seconds(0, MAX_PAUSE_S), 'Pause before another attempt.', {
      default: '1; 3 with HTTP_GET and SSL_GET, delay_loop with DNS_CHECK',
    }),
    of('warmup', seconds(0, MAX_PAUSE_S), 'Greatest random delay of the first check.', {
      default: 'delay_loop',
    }),
    of('delay_loop', seconds(MICROSECOND, MAX_PAUSE_S), 'Interval between checks.', { default: '60' }),
  ];
};

const server = table('virtual_server');

/** `virtual_server`. */
export const VIRTUAL_SERVER_KEYWORDS: readonly Keyword[] = [
  ...timing('virtual_server'),
  server('lvs_sched', SCHEDULERS, 'Scheduler.', { default: 'wlc' }),
  server('lb_algo', SCHEDULERS, 'Older name of lvs_sched.', { default: 'wlc' }),
  server('lvs_method', METHOD, 'Forwarding method.', { default: 'NAT' }),
  server('lb_kind', METHOD, 'Older name of lvs_method.', { default: 'NAT' }),
  ...['flag-1', 'flag-2', 'flag-3', 'sh-port', 'sh-fallback', 'mh-port', 'mh-fallback', 'hashed', 'ops'].map(
    name => server(name, flag, 'Flag of the service or its scheduler.'),
  ),
  server('persistence_engine', word('NAME'), 'Persistence engine: sip.'),
  server(
    'persistence_timeout',
    words('[SECONDS]', 0, 1),
    'Seconds 1–2678400; keeps a client on its server.',
    {
      default: '360 for the bare keyword',
    },
  ),
  server('persistence_granularity', word('NETMASK'), 'Clients of one network stay together.'),
  server('protocol', choice('TCP', 'UDP', 'SCTP', 'tcp', 'udp', 'sctp'), 'Transport protocol.', {
    default: 'UDP, with an error',
  }),
  server('ip_family', choice('inet', 'inet6'), 'Family of a fwmark service.'),
  server('ha_suspend', flag, 'Checks only while the VIP is here.'),
  server('smtp_alert', boolean, 'Mail on quorum changes.'),
  server('virtualhost', word('NAME'), 'Default Host of HTTP_GET.'),
  server('snmp_name', word('NAME'), 'Name in SNMP.', SNMP),
  server('omega', flag, 'Runs down scripts when stopping.'),
  server('quorum', integer(1, MAX_UNSIGNED), 'Least sum of weights.', { default: '1' }),
  server('hysteresis', integer(0, MAX_UNSIGNED), 'Distance between gaining and losing quorum.', {
    default: '0',
  }),
  server('quorum_up', script, 'Runs when quorum is gained.'),
  server('quorum_down', script, 'Runs when quorum is lost.'),
  server('weight', integer(1, 65535), 'Default weight of real servers.', { default: '1' }),
  server('sorry_server', SERVER, 'Replaces all real servers when quorum is lost.'),
  server('sorry_server_inhibit', flag, 'inhibit_on_failure for the sorry server.'),
  server('sorry_server_lvs_method', METHOD, 'Forwarding method of the sorry server.'),
  server('inhibit_on_failure', flag, 'Weight 0 instead of removal.'),
  server(
    'drain_timeout',
    seconds(0, MAX_PAUSE_S),
    'A real server that a reload removes keeps its connections this long, with weight 0. Of tandemd only.',
    { default: 'removed at once', since: 'tandemd' },
  ),
  server('real_server', block('real_server', 'ADDRESS [PORT]', 1, 2), 'A server behind the virtual server.'),
];

const real = table('real_server');

/** `real_server`. */
export const REAL_SERVER_KEYWORDS: readonly Keyword[] = [
  ...timing('real_server'),
  real('weight', integer(0, 65535), 'Weight.', { default: '1' }),
  real('lvs_method', METHOD, 'Forwarding method.', { default: "the virtual server's" }),
  real('notify_up', script, 'Runs when the server comes up.'),
  real('notify_down', script, 'Runs when the server goes down.'),
  real('uthreshold', integer(0, MAX_UNSIGNED), 'Greatest number of connections.'),
  real('lthreshold', integer(0, MAX_UNSIGNED), 'Connections at which an overloaded server is used again.'),
  real('inhibit_on_failure', boolean, 'Weight 0 instead of removal.'),
  real('smtp_alert', boolean, 'Mail on changes.'),
  real('virtualhost', word('NAME'), 'Default Host of HTTP_GET.'),
  real('snmp_name', word('NAME'), 'Name in SNMP.', SNMP),
  ...CHECKER_KINDS.map(name => real(name, block('checker', '', 0), 'Health check.')),
  real('BFD_CHECK', block('checker', '', 0), 'Health check.', BFD),
];

const check = table('checker');
const DNS_TYPES = ['A', 'NS', 'CNAME', 'SOA', 'MX', 'TXT', 'AAAA'];

/** Every checker: which of these one takes is told by its own reader. */
export const CHECKER_KEYWORDS: readonly Keyword[] = [
  ...timing('checker'),
  check('connect_ip', address('ADDRESS'), 'Address to connect to.', { default: "the real server's" }),
  check('connect_port', integer(1, 65535), 'Port to connect to.', { default: "the real server's" }),
  check('bindto', address('ADDRESS'), 'Source address.'),
  check('bind_port', integer(1, 65535), 'Source port.'),
  check('bind_if', word('INTERFACE'), 'Source interface.'),
  check('fwmark', integer(0, MAX_UNSIGNED), 'Mark of the packets.'),
  check('log_all_failures', boolean, 'Logs every failure.', { default: 'checker_log_all_failures' }),
  check('nb_get_retry', integer(0, MAX_UNSIGNED), 'HTTP_GET, SSL_GET: deprecated name of retry.'),
  check('virtualhost', word('NAME'), 'HTTP_GET, SSL_GET: default Host of the urls.'),
  check('http_protocol', choice('1.0', '1.0C', '1.0c', '1.1'), 'HTTP_GET, SSL_GET: version.', {
    default: '1.0',
  }),
  check('fast_recovery', boolean, 'HTTP_GET, SSL_GET: no pause between urls.'),
  check('enable_sni', boolean, 'SSL_GET: server name indication.'),
  check('host', block('checker', '', 0), 'SMTP_CHECK: older form of connect_ip and its companions.'),
  check('url', block('url', '', 0), 'HTTP_GET, SSL_GET: what to fetch.'),
  check('helo_name', word('NAME'), 'SMTP_CHECK: name in the HELO.'),
  check(
    'type',
    choice(...DNS_TYPES, ...DNS_TYPES.map(type => type.toLowerCase())),
    'DNS_CHECK: type of the query.',
    {
      default: 'SOA',
    },
  ),
  check('name', word('NAME'), 'DNS_CHECK: name of the query.', { default: '.', once: true }),
  check('misc_path', script, 'MISC_CHECK: command to run.', { once: false }),
  check('misc_timeout', seconds(MICROSECOND, MAX_PAUSE_S), 'MISC_CHECK: how long it may take.', {
    default: 'delay_loop',
  }),
  check('misc_dynamic', flag, 'MISC_CHECK: exit codes 2–255 set the weight.'),
  check('user', words('USER [GROUP]', 1, 2), 'MISC_CHECK: who runs it.'),
  check('payload', words('HEX', 1, 1024), 'UDP_CHECK: data to send.'),
  check('require_reply', words('[HEX]', 0, 1024), 'UDP_CHECK: a reply is needed.'),
  check('min_reply_length', integer(0, 65535), 'UDP_CHECK: least length of the reply.', { default: '0' }),
  check('max_reply_length', integer(0, 65535), 'UDP_CHECK: greatest length of the reply.', {
    default: '255',
  }),
  check('track_file', word('NAME'), 'FILE_CHECK: the track_file.'),
  check('weight', weight(0x7fffffff), 'FILE_CHECK: factor.'),
  check('dynamic', flag, 'FILE_CHECK: the value changes the weight.', { since: '2.3' }),
];

const url = table('url');

/** `url` of HTTP_GET and SSL_GET. */
export const URL_KEYWORDS: readonly Keyword[] = [
  url('path', word('PATH'), 'Path to fetch; needed.'),
  url('digest', word('MD5'), 'MD5 of the body.'),
  url('status_code', words('CODE|RANGE …', 1, 100), 'Status codes that are fine.', { default: '200-299' }),
  url('virtualhost', word('NAME'), 'Host header.'),
  url('regex', word('REGEX'), 'Expression that the body must match.'),
  url('regex_no_match', flag, 'The body must not match.'),
  url('regex_options', words('OPTION …', 1, 32), 'Options of the expression.'),
  url(
    'regex_stack',
    words('START MAX', 2, 2),
    'Sizes of the stack.',
    noEffect('the regular expressions of JavaScript need none'),
  ),
  url('regex_min_offset', words('OFFSET', 1, 1), 'Where matching begins.'),
  url('regex_max_offset', words('OFFSET', 1, 1), 'Where matching ends.'),
];

const ssl = table('SSL');

/** `SSL`. */
export const SSL_KEYWORDS: readonly Keyword[] = [
  ssl('password', word('TEXT'), 'Password of the key.'),
  ssl('ca', word('PATH'), 'CA file.'),
  ssl('certificate', word('PATH'), 'Certificate file.'),
  ssl('key', word('PATH'), 'Key file.'),
];

const bfd = table('bfd_instance', BFD);

/** `bfd_instance`. */
export const BFD_KEYWORDS: readonly Keyword[] = [
  bfd('neighbor_ip', address('ADDRESS'), 'Neighbour.'),
  bfd('neighbour_ip', address('ADDRESS'), 'Neighbour.'),
  bfd('source_ip', address('ADDRESS'), 'Source address.'),
  bfd('min_rx', word('MILLISECONDS'), 'Required interval of receiving.', { default: '10' }),
  bfd('min_tx', word('MILLISECONDS'), 'Desired interval of sending.', { default: '10' }),
  bfd('idle_tx', word('MILLISECONDS'), 'Interval while idle.', { default: '1000' }),
  bfd('multiplier', integer(1, 255), 'Missed packets that mean down.', { default: '5' }),
  bfd('passive', flag, 'Passive mode.'),
  bfd('ttl', integer(1, 255), 'TTL.', { default: '255' }),
  bfd('hoplimit', integer(1, 255), 'Hop limit.', { default: '64' }),
  bfd('max_hops', integer(0, 255), 'Greatest reduction of the TTL.', { default: '0' }),
  bfd('multihop', flag, 'Port 4784 of RFC 5883.', { since: '2.2.8' }),
  bfd('weight', weight(253), 'Change of priority.'),
  bfd('vrrp', flag, 'Events go to VRRP only.'),
  bfd('checker', flag, 'Events go to checkers only.'),
];
