import { messageOf } from '#base/errors.ts';
import { type Flags, helpText, parseDaemonFlags } from './flags.ts';
import { UsageError } from './options.ts';
import { checkConfiguration, runDaemon } from './run.ts';
import { VERSION } from './version.ts';

/** Wrong usage (sysexits.h EX_USAGE). */
const EXIT_USAGE = 64;

/** keepalived's names for `--signum`. */
const SIGNALS: Readonly<Record<string, number>> = { STOP: 15, RELOAD: 1, DATA: 10, STATS: 12 };

const CLIENT_COMMANDS = new Set([
  'status',
  'stats',
  'explain',
  'await',
  'handover',
  'reload',
  'events',
  'dump',
]);

/** Runs a command line. Resolves to an exit code, or to undefined while the daemon runs. */
async function main(argv: readonly string[]): Promise<number | undefined> {
  const [first = '', ...rest] = argv;
  if (CLIENT_COMMANDS.has(first)) {
    const { runClientCommand } = await import('./client-commands.ts');
    return runClientCommand(first, rest);
  }
  if (first === 'probe') {
    const { runProbeCommand } = await import('./probe-command.ts');
    return runProbeCommand(rest);
  }
  const invocation = parseDaemonFlags(argv, process.env);
  switch (invocation.kind) {
    case 'help':
      process.stdout.write(helpText());
      return 0;
    case 'version':
      process.stdout.write(`tandemd ${VERSION}\n`);
      return 0;
    case 'signum':
      return printSignalNumber(invocation.name);
    case 'run':
      return run(invocation.flags);
  }
}

function run(flags: Flags): number | undefined {
  if (flags.configTest !== undefined) return checkConfiguration(flags, flags.configTest);
  runDaemon(flags);
  return undefined;
}

function printSignalNumber(name: string): number {
  // Node.js cannot handle SIGRTMIN+2; it would end the daemon.
  if (name.toUpperCase() === 'JSON')
    throw new UsageError('--signum JSON: there is no such signal; use `tandemd status --json`');
  const number = SIGNALS[name.toUpperCase()];
  if (number === undefined)
    throw new UsageError(`--signum ${name}: expected one of ${Object.keys(SIGNALS).join(', ')}`);
  process.stdout.write(`${number}\n`);
  return 0;
}

function fail(error: unknown): void {
  process.stderr.write(`tandemd: ${messageOf(error)}\n`);
  if (error instanceof UsageError) process.stderr.write('Try `tandemd --help`.\n');
  process.exitCode = error instanceof UsageError ? EXIT_USAGE : 1;
}

// Not awaited: the release runs this as a function. Up to the first advert everything happens in this call.
main(process.argv.slice(2)).then(code => {
  if (code !== undefined) process.exitCode = code;
}, fail);
