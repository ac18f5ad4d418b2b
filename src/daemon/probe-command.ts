/** The command line of `tandemd probe`. */
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { formatDiagnostic } from '#base/errors.ts';
import { loadConfig } from '#conf/load.ts';
import { memorySource } from '#conf/memory-source.ts';
import type { ProbeReport } from '#control/probe.ts';
import { openKernel } from '#linux/kernel.ts';
import { PROBE_NAME_MAX, PROBE_ROUND_LENGTH } from '#wire/probe.ts';
import { hostConfigSource } from './config-source.ts';
import { CLIENT_OPTIONS, last } from './flags.ts';
import { describeOptions, type OptionSpec, parseOptions, UsageError } from './options.ts';
import { probe } from './probe.ts';

const DEFAULT_SECONDS = 4;
const SECONDS_MAX = 60;
const STDIN = '-';

const OPTIONS: readonly OptionSpec[] = [
  {
    long: 'use-file',
    short: 'f',
    value: 'FILE',
    help: 'keepalived.conf that says where adverts go; - reads it from stdin',
  },
  { long: 'name', value: 'NAME', help: 'who this is, for the others (default: the host name)' },
  {
    long: 'round',
    value: 'HEX',
    help: '16 digits that the hosts of one probing have in common (default: zeros)',
  },
  { long: 'seconds', value: 'N', help: `how long to send and listen (default: ${DEFAULT_SECONDS})` },
  CLIENT_OPTIONS.json,
  CLIENT_OPTIONS.help,
];

/** Runs it. Resolves to the exit code: 0, or 1 if an instance could not be probed. Throws UsageError. */
export async function runProbeCommand(argv: readonly string[]): Promise<number> {
  const parsed = parseOptions(argv, OPTIONS);
  if (parsed.given.has('help')) {
    process.stdout.write(helpText());
    return 0;
  }
  const file = last(parsed, 'use-file') ?? '/etc/tandem/keepalived.conf';
  const options = {
    name: nameOf(last(parsed, 'name')),
    round: roundOf(last(parsed, 'round')),
    durationMs: secondsOf(last(parsed, 'seconds')) * 1000,
  };
  const source = file === STDIN ? memorySource({ [STDIN]: readFileSync(0, 'utf8') }) : hostConfigSource;
  const { config, diagnostics } = loadConfig(file, source, { hostname: hostname() });
  for (const diagnostic of diagnostics)
    if (diagnostic.severity === 'error') process.stderr.write(`${formatDiagnostic(diagnostic)}\n`);
  const kernel = openKernel();
  if (!kernel.ok) throw new Error(`netlink cannot be used: ${kernel.failure.message}`);
  const report = await new Promise<ProbeReport>(resolve => probe(kernel.value, config, options, resolve));
  kernel.value.close();
  process.stdout.write(parsed.given.has('json') ? `${JSON.stringify(report)}\n` : describe(report));
  return report.instances.some(({ problem }) => problem !== null) ? 1 : 0;
}

function nameOf(given = hostname()): string {
  if (given === '' || Buffer.byteLength(given) > PROBE_NAME_MAX)
    throw new UsageError(`--name: expected 1 to ${PROBE_NAME_MAX} bytes`);
  return given;
}

function roundOf(given = '0'.repeat(2 * PROBE_ROUND_LENGTH)): Uint8Array {
  if (!/^[0-9a-f]+$/.test(given) || given.length !== 2 * PROBE_ROUND_LENGTH)
    throw new UsageError(`--round ${given}: expected ${2 * PROBE_ROUND_LENGTH} hexadecimal digits`);
  return Buffer.from(given, 'hex');
}

function secondsOf(given = String(DEFAULT_SECONDS)): number {
  const seconds = Number(given);
  if (!(seconds > 0 && seconds <= SECONDS_MAX))
    throw new UsageError(`--seconds ${given}: expected up to ${SECONDS_MAX}`);
  return seconds;
}

function describe({ instances, heard, adverts }: ProbeReport): string {
  const lines = [
    ...instances.map(each =>
      each.problem === null
        ? `${each.instance}: ${each.sent} probe frames from ${each.source} to ${each.destinations.join(', ')} on ${each.interface}`
        : `${each.instance}: ${each.problem}`,
    ),
    ...heard.map(
      each =>
        `heard ${each.name} for VRID ${each.vrid}: ${each.frames} frames from ${each.source} on ${each.interface}`,
    ),
    ...adverts.map(
      each =>
        `advert of VRID ${each.vrid}, priority ${each.priority}, from ${each.source} on ${each.interface}`,
    ),
    ...(heard.length === 0 ? ['heard no other probe: run it on both hosts at the same time'] : []),
  ];
  return `${lines.join('\n')}\n`;
}

function helpText(): string {
  return `Usage: tandemd probe [-f FILE] [OPTION]...

Sends frames that take an advert's way and that no router takes for an advert (VRID 0, an unknown type), and says whose it
hears. It may run beside the daemon. Start it on all hosts at the same time.

${describeOptions(OPTIONS)}

Examples:
  tandemd probe -f /etc/tandem/keepalived.conf
  tandemd probe -f /etc/tandem/keepalived.conf --seconds 30 --json
`;
}
