import type { Checker } from './model.ts';

/** The checkers that there are, by their keywords in `real_server`. */
export const CHECKER_KINDS: readonly Checker['kind'][] = [
  'HTTP_GET',
  'SSL_GET',
  'TCP_CHECK',
  'SMTP_CHECK',
  'DNS_CHECK',
  'MISC_CHECK',
  'UDP_CHECK',
  'PING_CHECK',
  'FILE_CHECK',
];

const TIMING = ['alpha', 'retry', 'delay_before_retry', 'warmup', 'delay_loop', 'log_all_failures'] as const;
const CONNECTION = [
  'connect_ip',
  'connect_port',
  'bindto',
  'bind_port',
  'bind_if',
  'connect_timeout',
  'fwmark',
] as const;
const WEB = ['http_protocol', 'fast_recovery', 'url', 'nb_get_retry', 'virtualhost'] as const;

const OWN: Readonly<Record<string, readonly string[]>> = {
  HTTP_GET: [...CONNECTION, ...TIMING, ...WEB, 'enable_sni'],
  SSL_GET: [...CONNECTION, ...TIMING, ...WEB, 'enable_sni'],
  TCP_CHECK: [...CONNECTION, ...TIMING],
  PING_CHECK: [...CONNECTION, ...TIMING],
  SMTP_CHECK: [...CONNECTION, ...TIMING, 'helo_name', 'host'],
  /** The block inside SMTP_CHECK. */
  host: CONNECTION,
  DNS_CHECK: [...CONNECTION, ...TIMING, 'type', 'name'],
  UDP_CHECK: [...CONNECTION, ...TIMING, 'payload', 'require_reply', 'min_reply_length', 'max_reply_length'],
  MISC_CHECK: [...TIMING, 'misc_path', 'misc_timeout', 'misc_dynamic', 'user'],
  FILE_CHECK: ['track_file', 'weight', 'dynamic'],
  BFD_CHECK: ['name'],
};

const SETS = new Map(Object.entries(OWN).map(([kind, names]) => [kind, new Set(names)]));
const NONE: ReadonlySet<string> = new Set();

/** The keywords that a checker of that kind takes; `host` is the block inside SMTP_CHECK. */
export function keywordsOfChecker(kind: string): ReadonlySet<string> {
  return SETS.get(kind) ?? NONE;
}
