import { describeOptions, type OptionSpec, parseOptions, type ParsedOptions, UsageError } from './options.ts';

/** Where the daemon keeps its socket, its state file and its dumps unless told otherwise. */
const DEFAULT_RUN_DIR = '/run/tandemd';

/** Read when `-f` is absent: where `tandem apply` writes it. */
const DEFAULT_CONFIG_FILE = '/etc/tandem/keepalived.conf';

/** What the daemon was told on its command line. */
export interface Flags {
  readonly configFile: string;
  /** `-t`: check only; the file that diagnostics go to, or '' for stderr. */
  readonly configTest: string | undefined;
  /** `--accept-harmless`: with `-t`, what keepalived complains of and does all the same is a warning. */
  readonly acceptHarmless: boolean;
  /** `-i`; undefined: the short host name. */
  readonly configId: string | undefined;
  /** A missing include is an error. */
  readonly allConfig: boolean;
  readonly logConsole: boolean;
  readonly logDetail: boolean;
  readonly noSyslog: boolean;
  /** syslog facility number (RFC 5424 §6.2.1): 3 is daemon, 16–23 are local0–7. */
  readonly facility: number | undefined;
  readonly dumpConf: boolean;
  readonly pidFile: string | undefined;
  readonly namespace: string | undefined;
  readonly runDir: string;
  /** `-V`: VIPs stay when the daemon stops. */
  readonly keepVips: boolean;
  /** False with `--no-realtime`. */
  readonly realtime: boolean;
  /** `--metrics-port`, 1–65535; undefined: metrics are on the control socket only. */
  readonly metricsPort: number | undefined;
}

/** What a command line asks for. */
export type Invocation =
  | { readonly kind: 'run'; readonly flags: Flags }
  | { readonly kind: 'help' }
  | { readonly kind: 'version' }
  | { readonly kind: 'signum'; readonly name: string };

const RUN_DIR: OptionSpec = {
  long: 'run-dir',
  value: 'DIR',
  help: `control socket, state file and dumps (default: $RUNTIME_DIRECTORY or ${DEFAULT_RUN_DIR})`,
};

/** What the units of keepalived's packages pass and what has no meaning for one process that systemd supervises. */
const ACCEPTED: readonly OptionSpec[] = [
  { long: 'vrrp', short: 'P', help: 'accepted: VRRP is what it runs' },
  { long: 'dont-respawn', short: 'R', help: 'accepted: systemd restarts it' },
  { long: 'release-vips', short: 'X', help: 'accepted: VIPs are released unless -V is given' },
  { long: 'core-dump', short: 'm', help: 'accepted: see LimitCORE= of the unit' },
  { long: 'vrrp_pid', short: 'r', value: 'FILE', help: 'accepted: there is one process, see -p' },
  { long: 'checkers_pid', short: 'c', value: 'FILE', help: 'accepted: there is one process, see -p' },
];

/** keepalived's options, as far as they mean something here, and our own. */
const DAEMON_OPTIONS: readonly OptionSpec[] = [
  {
    long: 'use-file',
    short: 'f',
    value: 'FILE',
    help: `configuration file (default: ${DEFAULT_CONFIG_FILE})`,
  },
  {
    long: 'config-test',
    short: 't',
    value: 'LOG_FILE',
    optional: true,
    help: 'check the configuration and exit: 0 good, 4 cannot run, 5 errors but runs, 6 script security',
  },
  {
    long: 'accept-harmless',
    help: 'with -t: what keepalived complains of (5) and does all the same is a warning',
  },
  {
    long: 'config-id',
    short: 'i',
    value: 'ID',
    help: 'for lines that begin with @ID or @^ID (default: the short host name)',
  },
  { long: 'all-config', short: 'e', help: 'a missing include file is an error' },
  { long: 'dont-fork', short: 'n', help: 'accepted: tandemd never forks into the background' },
  { long: 'log-console', short: 'l', help: 'log to the console' },
  { long: 'log-detail', short: 'D', help: 'log details' },
  {
    long: 'log-facility',
    short: 'S',
    value: '0-7|local0-7|user|daemon',
    help: 'log to syslog with this facility',
  },
  { long: 'no-syslog', short: 'G', help: 'no syslog' },
  { long: 'dump-conf', short: 'd', help: 'log the configuration as it was understood' },
  { long: 'pid', short: 'p', value: 'FILE', help: 'write the process id to FILE' },
  {
    long: 'namespace',
    short: 's',
    value: 'NAME',
    help: 'run in this network namespace (overrides net_namespace)',
  },
  { long: 'dont-release-vrrp', short: 'V', help: 'keep VIPs when the daemon stops' },
  { long: 'no-realtime', help: 'stay with ordinary scheduling instead of SCHED_RR' },
  {
    long: 'metrics-port',
    value: 'PORT',
    help: 'serve Prometheus metrics at http://127.0.0.1:PORT/metrics (default: by `tandemd stats` only)',
  },
  ...ACCEPTED,
  { long: 'signum', value: 'NAME', help: 'print the signal number of STOP, RELOAD, DATA or STATS' },
  RUN_DIR,
  { long: 'version', short: 'v', help: 'print the version' },
  { long: 'help', short: 'h', help: 'print this' },
];

/** Options of the commands that talk to a running daemon. */
export const CLIENT_OPTIONS = {
  runDir: RUN_DIR,
  json: { long: 'json', help: 'JSON on stdout' },
  timeout: { long: 'timeout', value: 'SECONDS', help: 'give up after this long (default: 30)' },
  expect: {
    long: 'expect',
    value: 'INSTANCE=STATE',
    help: 'what to wait for, repeatable: VG_1=MASTER, VG_1=MASTER|BACKUP, or JSON: \'{"VG_1":"MASTER"}\'',
  },
  help: { long: 'help', short: 'h', help: 'print this' },
} as const satisfies Record<string, OptionSpec>;

/** Reads the daemon's own command line; `env` tells systemd's RUNTIME_DIRECTORY. Throws {@link UsageError}. */
export function parseDaemonFlags(argv: readonly string[], env: NodeJS.ProcessEnv): Invocation {
  const parsed = parseOptions(argv, DAEMON_OPTIONS);
  const { given } = parsed;
  if (given.has('help')) return { kind: 'help' };
  if (given.has('version')) return { kind: 'version' };
  const signum = last(parsed, 'signum');
  if (signum !== undefined) return { kind: 'signum', name: signum };
  if (parsed.operands.length > 0) throw new UsageError(`unexpected argument "${parsed.operands.join(' ')}"`);
  const facility = last(parsed, 'log-facility');
  const metricsPort = last(parsed, 'metrics-port');
  const flags: Flags = {
    configFile: last(parsed, 'use-file') ?? DEFAULT_CONFIG_FILE,
    configTest: last(parsed, 'config-test'),
    acceptHarmless: given.has('accept-harmless'),
    configId: last(parsed, 'config-id'),
    allConfig: given.has('all-config'),
    logConsole: given.has('log-console'),
    logDetail: given.has('log-detail'),
    noSyslog: given.has('no-syslog'),
    facility: facility === undefined ? undefined : facilityNumber(facility),
    dumpConf: given.has('dump-conf'),
    pidFile: last(parsed, 'pid'),
    namespace: last(parsed, 'namespace'),
    runDir: runDirOf(parsed, env),
    keepVips: given.has('dont-release-vrrp'),
    realtime: !given.has('no-realtime'),
    metricsPort: metricsPort === undefined ? undefined : portNumber(metricsPort),
  };
  return { kind: 'run', flags };
}

/** `--run-dir`, or systemd's RuntimeDirectory, or the default. */
export function runDirOf(parsed: ParsedOptions, env: NodeJS.ProcessEnv): string {
  return last(parsed, 'run-dir') ?? env['RUNTIME_DIRECTORY'] ?? DEFAULT_RUN_DIR;
}

/** The last value given for an option. */
export function last(parsed: ParsedOptions, long: string): string | undefined {
  return parsed.given.get(long)?.at(-1);
}

function portNumber(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (port < 1 || port > 65535) throw new UsageError(`--metrics-port ${text}: expected 1-65535`);
  return port;
}

function facilityNumber(text: string): number {
  if (text === 'user') return 1;
  if (text === 'daemon') return 3;
  const local = /^(?:local)?([0-7])$/.exec(text)?.[1];
  if (local === undefined) throw new UsageError(`-S ${text}: expected 0-7, local0-local7, user or daemon`);
  return 16 + Number(local);
}

/** Text of `tandemd --help`. */
export function helpText(): string {
  return `tandemd: VRRP daemon that reads keepalived.conf

Usage: tandemd [OPTION]...                       run (in the foreground; systemd supervises)
       tandemd status [--json]                   what a running tandemd says of itself
       tandemd await --expect VG_1=MASTER ...    wait until instances are in given states
       tandemd explain INSTANCE                  why an instance is in its state
       tandemd handover INSTANCE ...             planned switchover to the peer
       tandemd probe [-f FILE]                   whether adverts get from host to host
       tandemd reload                            reload and say what came of it
       tandemd stats | events | dump             Prometheus text | live events | all that is known, as JSON

Options:
${describeOptions(DAEMON_OPTIONS)}

Examples:
  tandemd -t -f /etc/tandem/keepalived.conf
  tandemd -n -D -f /etc/tandem/keepalived.conf
  tandemd await --timeout 10 --expect 'VG_1=MASTER|BACKUP'
  tandemd handover VG_1
  kill -s "$(tandemd --signum=RELOAD)" "$(cat /run/tandemd.pid)"

Exit codes of the commands: 0 as asked, 1 not so, 3 no daemon answers, 64 wrong usage.
`;
}
