import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { formatDiagnostic, messageOf } from '#base/errors.ts';
import type { Config } from '#conf/model.ts';
import { enterNetworkNamespace, openKernel } from '#linux/kernel.ts';
import type { Kernel } from '#linux/ports.ts';
import type { TrackerEvent } from '#vrrp/event.ts';
import type { Clocks } from './clock.ts';
import { loadConfiguration, type LoadedConfiguration, readConfiguration } from './configuration.ts';
import { pinToCpus } from './cpu-affinity.ts';
import { Daemon } from './daemon.ts';
import type { Flags } from './flags.ts';
import { claimRunDir, releaseRunDir } from './instance-lock.ts';
import { Log, type LogSink } from './log.ts';
import { DescriptorSink, SyslogSink, TeeSink } from './log-sink.ts';
import { runOneShot } from './one-shot-script.ts';
import { schedule } from './realtime.ts';
import { Scripts } from './scripts.ts';
import { ServiceNotifier } from './systemd.ts';
import { releaseId, VERSION } from './version.ts';
import { WORKER_PATIENCE } from './worker-slot.ts';

/** keepalived's exit codes of `-t`, also those of a start that the configuration forbids. */
const EXIT_CONFIG = 4;
const STDERR = 2;
/** syslog's facility `daemon`. */
const FACILITY_DAEMON = 3;

/** `-t`: says what is wrong with the configuration, on stderr or in `logFile`. Returns keepalived's exit code. */
export function checkConfiguration(flags: Flags, logFile: string): number {
  const loaded = loadConfiguration(flags, 'check');
  const text = loaded.diagnostics.map(diagnostic => `${formatDiagnostic(diagnostic)}\n`).join('');
  if (logFile === '') process.stderr.write(text);
  else writeFileSync(logFile, text);
  return loaded.exitCode;
}

/** Starts the daemon, which runs until it is told to stop; if that is not possible the process ends with the reason. */
export function runDaemon(flags: Flags): void {
  const console = new DescriptorSink(STDERR, stderrPrefix(process.env));
  const monotonic = (): number => performance.now();
  const early = new Log(console, monotonic, flags.logDetail);
  const loaded = loadConfiguration(flags, 'vrrp');
  for (const diagnostic of loaded.diagnostics) early.warning(formatDiagnostic(diagnostic));
  const fail = (line: string, code: number): void => {
    early.crit(line);
    console.finish(() => process.exit(code));
  };
  const { config } = loaded;
  if (loaded.exitCode === EXIT_CONFIG)
    return fail(`${flags.configFile}: tandemd cannot run with this configuration`, EXIT_CONFIG);
  const owner = claimRunDir(flags.runDir, process.pid);
  if (owner !== undefined) return fail(`daemon is already running: process ${owner} owns ${flags.runDir}`, 1);
  const namespace = flags.namespace ?? config.globalDefs.netNamespace;
  const refused = namespace === undefined ? undefined : enterNetworkNamespace(`/run/netns/${namespace}`);
  if (refused) return fail(refused.message, 1);
  const opened = openKernel();
  if (!opened.ok) return fail(`netlink cannot be used: ${opened.failure.message}`, 1);
  const log = new Log(sinkFor(flags, opened.value, console), monotonic, flags.logDetail);
  if (flags.dumpConf) log.notice(JSON.stringify(loadConfiguration(flags, 'worker').config));
  const failure = startDaemon(flags, opened.value, log, loaded, config, () => {
    releaseRunDir(flags.runDir);
    console.finish(() => process.exit(0));
  });
  if (failure !== undefined) fail(failure, 1);
}

function startDaemon(
  flags: Flags,
  kernel: Kernel,
  log: Log,
  loaded: LoadedConfiguration,
  config: Config,
  onStopped: () => void,
): string | undefined {
  log.notice(`Starting Tandem ${VERSION} with ${flags.configFile}`);
  const { startupScript, startupScriptTimeoutMs } = config.globalDefs;
  runOneShot('startup_script', startupScript, startupScriptTimeoutMs, config, log);
  const makeScripts = (initial: Config, onResult: (event: TrackerEvent) => void): Scripts => {
    const worker = { ...WORKER_PATIENCE, argv: workerArgv() };
    const listener = { result: onResult, changed: () => daemon.workerChanged() };
    const place = { file: loaded.file, configId: flags.configId, runDir: flags.runDir };
    return new Scripts(worker, initial, listener, log, place, loaded);
  };
  const clocks: Clocks = { monotonicMs: () => kernel.nowMs(), wallMs: () => Date.now() };
  const service = new ServiceNotifier(process.env, process.pid, () => {
    const datagram = kernel.openUnixDatagram();
    return datagram.ok ? datagram.value : undefined;
  });
  const daemon: Daemon = new Daemon(
    {
      kernel,
      clocks,
      log,
      service,
      runDir: flags.runDir,
      keepVips: flags.keepVips,
      version: VERSION,
      release: releaseId(),
      read: () => readConfiguration(flags, 'vrrp'),
      makeScripts,
    },
    loaded,
    config,
  );
  handleSignals(daemon, () => {
    const last = daemon.runtime.engine.config;
    const { shutdownScript, shutdownScriptTimeoutMs } = last.globalDefs;
    runOneShot('shutdown_script', shutdownScript, shutdownScriptTimeoutMs, last, log);
    onStopped();
  });
  // Forked before this process is made real-time and before it has any socket.
  daemon.scripts.start();
  pinToCpus(config, process.pid, log);
  daemon.scheduling = schedule(kernel, config, flags.realtime, log);
  const failure = daemon.start();
  if (failure !== undefined) return failure;
  if (service.watchdogMs !== undefined) setInterval(() => service.alive(), service.watchdogMs / 2);
  if (flags.pidFile !== undefined) writePidFile(flags.pidFile, log);
  void serveLater(daemon, flags, log);
  return undefined;
}

/** The control socket can wait until adverts are under way. */
async function serveLater(daemon: Daemon, flags: Flags, log: Log): Promise<void> {
  try {
    const { serveControl } = await import('./serve-control.ts');
    const { runDir, metricsPort } = flags;
    serveControl(daemon, { path: join(runDir, 'control.sock'), metricsPort }, log);
  } catch (error) {
    log.error(`the control socket does not work: ${messageOf(error)}`);
  }
}

function handleSignals(daemon: Daemon, onStopped: () => void): void {
  let stopping = false;
  const stop = (): void => {
    if (stopping) return;
    stopping = true;
    daemon.stop(onStopped);
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  process.on('SIGHUP', () => {
    // What went wrong is in the log.
    if (!stopping) daemon.reload().catch(() => {});
  });
  process.on('SIGUSR1', () => daemon.dump('data'));
  process.on('SIGUSR2', () => daemon.dump('stats'));
}

/** systemd reads `<N>` before a line as its severity; a terminal and a file get plain lines. */
function stderrPrefix(env: NodeJS.ProcessEnv): (severity: number) => string {
  return env['JOURNAL_STREAM'] === undefined ? () => '' : severity => `<${severity}>`;
}

/** syslog with `-S`, the console with `-l` and under systemd; without any of these the console, so that nothing is lost. */
function sinkFor(flags: Flags, kernel: Kernel, console: DescriptorSink): LogSink {
  if (flags.facility === undefined || flags.noSyslog) return console;
  const datagram = kernel.openUnixDatagram();
  if (!datagram.ok) return console;
  const syslog = new SyslogSink(
    datagram.value,
    flags.facility ?? FACILITY_DAEMON,
    `Tandem_vrrp[${process.pid}]`,
  );
  return flags.logConsole ? new TeeSink([syslog, console]) : syslog;
}

function writePidFile(path: string, log: Log): void {
  try {
    writeFileSync(path, `${process.pid}\n`);
  } catch (error) {
    log.error(`${path}: ${messageOf(error)}`);
  }
}

/** The worker is this very program: the bundle's `worker.mjs`, or its source in a checkout. */
function workerArgv(): [string, ...string[]] {
  const here = import.meta.filename;
  const file = here.endsWith('.ts') ? join('worker', 'main.ts') : 'worker.mjs';
  return [process.execPath, join(import.meta.dirname, file)];
}
