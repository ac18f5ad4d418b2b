import { setTimeout as sleep } from 'node:timers/promises';
import { join } from 'node:path';
import { askOnce, ControlClient, ControlError } from '#control/client.ts';
import { type Expectation, parseExpectation, unmet } from '#control/expectation.ts';
import { describeServer } from './describe-server.ts';
import type { VirtualServerStatus } from '#control/server-status.ts';
import type { Cause, DaemonStatus, InstanceStatus } from '#control/status.ts';
import { CLIENT_OPTIONS, last, runDirOf } from './flags.ts';
import { describeOptions, type OptionSpec, parseOptions, type ParsedOptions, UsageError } from './options.ts';

/** No daemon answers. */
const EXIT_UNREACHABLE = 3;
const DEFAULT_TIMEOUT_S = 30;
/** A reload may have to wait for another one, and reads a large file in slices. */
const RELOAD_MS = 120_000;
/** How often `await` asks. */
const POLL_MS = 20;

interface Command {
  readonly usage: string;
  readonly options: readonly OptionSpec[];
  /** Resolves to the exit code. */
  run(context: Context): Promise<number>;
}

interface Context {
  readonly parsed: ParsedOptions;
  readonly socketPath: string;
  readonly json: boolean;
  readonly timeoutMs: number;
}

const { runDir, json, timeout, expect, help } = CLIENT_OPTIONS;
const END: OptionSpec = { long: 'end', help: 'let the instances preempt again' };

const COMMANDS: Readonly<Record<string, Command>> = {
  status: { usage: 'status [--json]', options: [json], run: showStatus },
  stats: { usage: 'stats', options: [], run: showStats },
  explain: { usage: 'explain INSTANCE [--json]', options: [json], run: showExplanation },
  await: {
    usage: 'await --expect INSTANCE=STATE ... [--timeout SECONDS]',
    options: [expect, timeout],
    run: awaitStates,
  },
  handover: {
    usage: 'handover INSTANCE ... [--timeout SECONDS | --end]',
    options: [timeout, END],
    run: handOver,
  },
  reload: { usage: 'reload', options: [], run: reload },
  events: { usage: 'events', options: [], run: showEvents },
  dump: { usage: 'dump', options: [], run: dump },
};

/** Runs one of the commands that talk to a running daemon. Throws UsageError. */
export async function runClientCommand(name: string, argv: readonly string[]): Promise<number> {
  const command = COMMANDS[name];
  if (!command) throw new UsageError(`unknown command ${name}`);
  const options = [...command.options, runDir, help];
  const parsed = parseOptions(argv, options);
  if (parsed.given.has('help')) {
    print(`Usage: tandemd ${command.usage}\n\n${describeOptions(options)}`);
    return 0;
  }
  const context: Context = {
    parsed,
    socketPath: join(runDirOf(parsed, process.env), 'control.sock'),
    json: parsed.given.has('json'),
    timeoutMs: timeoutMsOf(parsed),
  };
  try {
    return await command.run(context);
  } catch (error) {
    if (!(error instanceof ControlError)) throw error;
    process.stderr.write(`tandemd: ${error.message}\n`);
    return error.code === 'unreachable' ? EXIT_UNREACHABLE : 1;
  }
}

function timeoutMsOf(parsed: ParsedOptions): number {
  const text = last(parsed, 'timeout') ?? String(DEFAULT_TIMEOUT_S);
  const seconds = Number(text);
  if (!(seconds > 0 && seconds <= 3600))
    throw new UsageError(`--timeout ${text}: expected seconds, up to 3600`);
  return seconds * 1000;
}

async function showStatus(context: Context): Promise<number> {
  const status = await askOnce(context.socketPath, 'status', {});
  const virtualServers = await virtualServersOf(context);
  print(
    context.json
      ? JSON.stringify({ ...status, virtualServers })
      : [describe(status), ...virtualServers.flatMap(describeServer)].join('\n'),
  );
  return 0;
}

/** A daemon of an older release, which is just being replaced, does not know the question. */
async function virtualServersOf({ socketPath }: Context): Promise<readonly VirtualServerStatus[]> {
  try {
    return (await askOnce(socketPath, 'servers', {})).virtualServers;
  } catch (error) {
    if (error instanceof ControlError && error.code === 'bad-request') return [];
    throw error;
  }
}

async function showStats(context: Context): Promise<number> {
  const { text } = await askOnce(context.socketPath, 'stats', {});
  process.stdout.write(text);
  return 0;
}

async function dump(context: Context): Promise<number> {
  print(JSON.stringify(await askOnce(context.socketPath, 'status', {}), undefined, 2));
  return 0;
}

async function showExplanation(context: Context): Promise<number> {
  const [instance] = instancesOf(context);
  const explanation = await askOnce(context.socketPath, 'explain', { instance });
  if (context.json) print(JSON.stringify(explanation));
  else
    print([`${explanation.instance} is ${explanation.state}`, ...outline(explanation.causes, 1)].join('\n'));
  return 0;
}

function outline(causes: readonly Cause[], depth: number): string[] {
  return causes.flatMap(({ text, because }) => [
    `${'  '.repeat(depth)}${text}`,
    ...outline(because, depth + 1),
  ]);
}

async function reload(context: Context): Promise<number> {
  const { outcome, diagnostics } = await askOnce(context.socketPath, 'reload', {}, RELOAD_MS);
  for (const line of diagnostics) process.stderr.write(`${line}\n`);
  print(outcome);
  return outcome === 'loaded' ? 0 : 1;
}

async function handOver(context: Context): Promise<number> {
  const end = context.parsed.given.has('end');
  const asked = instancesOf(context).map(instance =>
    askOnce(
      context.socketPath,
      'handover',
      { instance, timeoutMs: context.timeoutMs, end },
      context.timeoutMs + 1000,
    ),
  );
  const results = await Promise.allSettled(asked);
  for (const result of results) {
    if (result.status === 'fulfilled') print(JSON.stringify(result.value));
    else
      process.stderr.write(
        `tandemd: ${String(result.reason instanceof Error ? result.reason.message : result.reason)}\n`,
      );
  }
  const failure = results.find(result => result.status === 'rejected');
  if (failure?.reason instanceof ControlError && failure.reason.code === 'unreachable')
    return EXIT_UNREACHABLE;
  return failure ? 1 : 0;
}

async function showEvents(context: Context): Promise<number> {
  const client = await ControlClient.connect(context.socketPath);
  await client.subscribe(event => print(JSON.stringify(event)));
  return new Promise(resolve => client.onClose(() => resolve(EXIT_UNREACHABLE)));
}

/** Waits for the states; prints the status as JSON either way, and to stderr what is missing. */
async function awaitStates(context: Context): Promise<number> {
  const expectation = expectationOf(context.parsed);
  const deadlineAtMs = performance.now() + context.timeoutMs;
  let status: DaemonStatus | undefined;
  let missing: string[] = [];
  for (;;) {
    try {
      status = await askOnce(context.socketPath, 'status', {});
      missing = unmet(status, expectation);
    } catch (error) {
      // A daemon that is just starting does not answer yet.
      if (!(error instanceof ControlError)) throw error;
      status = undefined;
      missing = [error.message];
    }
    if (missing.length === 0 || performance.now() >= deadlineAtMs) break;
    await sleep(POLL_MS);
  }
  if (status) print(JSON.stringify(status));
  for (const line of missing) process.stderr.write(`${line}\n`);
  if (!status) return EXIT_UNREACHABLE;
  return missing.length === 0 ? 0 : 1;
}

function expectationOf(parsed: ParsedOptions): Expectation {
  const texts = parsed.given.get('expect') ?? [];
  if (texts.length === 0) throw new UsageError('await needs --expect INSTANCE=STATE');
  try {
    return parseExpectation(texts);
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function instancesOf(context: Context): [string, ...string[]] {
  const [first, ...rest] = context.parsed.operands;
  if (first === undefined) throw new UsageError('name the vrrp_instance');
  return [first, ...rest];
}

function describe(status: DaemonStatus): string {
  const { reload: last, worker } = status;
  const head = `tandemd ${status.version}, pid ${status.pid}, ${status.configurationFile} (${last.outcome})`;
  const processes = worker.state === 'absent' ? [] : [`worker ${worker.state}, ${worker.restarts} restarts`];
  return [head, ...processes, ...status.instances.flatMap(describeInstance)].join('\n');
}

function describeInstance(instance: InstanceStatus): string[] {
  const { name, state, effectivePriority, heard, virtualRouterId } = instance;
  const master = heard ? `, hears ${heard.address} with priority ${heard.priority}` : '';
  const where = `on ${instance.interface}, virtual_router_id ${virtualRouterId}, priority ${effectivePriority}`;
  return [
    `${name}: ${state} ${where}${master}`,
    ...instance.vips.map(vip => `  ${vip.address} dev ${vip.dev}${vip.present ? '' : ' (not here)'}`),
    ...instance.faults.map(fault => `  fault: ${fault}`),
  ];
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
