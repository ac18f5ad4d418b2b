import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { formatDiagnostic, messageOf } from '#base/errors.ts';
import type { Config } from '#conf/model.ts';
import type {
  DaemonEvent,
  DaemonStatus,
  InstanceState,
  ReloadStatus,
  SchedulingStatus,
} from '#control/status.ts';
import type { Kernel } from '#linux/ports.ts';
import type { NotifyAction } from '#vrrp/action.ts';
import type { TrackerEvent } from '#vrrp/event.ts';
import { keepalivedState } from '#vrrp/names.ts';
import type { VirtualRouter } from '#vrrp/state.ts';
import { Announcer } from './announcer.ts';
import { raisePriority } from './auto-priority.ts';
import { type Clocks, wallTimeOf } from './clock.ts';
import type { LoadedConfiguration } from './configuration.ts';
import { readInitialFiles } from './initial-files.ts';
import { Interfaces } from './interfaces.ts';
import { forgetVips, recordVips, removeForeignLeftovers, wasKilled } from './leftovers.ts';
import type { Log } from './log.ts';
import { metricsText } from './metrics.ts';
import { OneAtATime } from './one-at-a-time.ts';
import { whileReading } from './reload-file.ts';
import { VrrpRuntime } from './runtime.ts';
import type { Scripts } from './scripts.ts';
import { inSlices } from './slices.ts';
import { reportGroups, reportInstances } from './status-report.ts';
import type { ServiceNotifier } from './systemd.ts';

/** What a daemon is made of. */
export interface DaemonParts {
  readonly kernel: Kernel;
  readonly clocks: Clocks;
  readonly log: Log;
  readonly service: ServiceNotifier;
  readonly runDir: string;
  readonly keepVips: boolean;
  readonly version: string;
  readonly release: string | null;
  /** Reads the configuration file again. */
  readonly read: () => Generator<undefined, LoadedConfiguration>;
  readonly makeScripts: (config: Config, onResult: (event: TrackerEvent) => void) => Scripts;
}

/**
 * How a reload shares the process with the adverts: 2 ms late is nothing to a peer, and the rest leaves something of a
 * single CPU to others, although we may be scheduled in real time.
 */
const RELOAD_PACE = { sliceMs: 2, pauseMs: 2 } as const;

/** Instances that the service manager's status line names one by one. */
const NAMED_INSTANCES_MAX = 8;

/** A running tandemd: VRRP, scripts, and what it says of itself. */
export class Daemon {
  readonly runtime: VrrpRuntime;
  readonly scripts: Scripts;
  /** Set once the kernel has been asked. */
  scheduling: SchedulingStatus = { policy: 'other', priority: 0, degraded: null };
  readonly #parts: DaemonParts;
  readonly #interfaces = new Interfaces();
  readonly #startedAtMs: number;
  readonly #lastStates = new Map<VirtualRouter, InstanceState>();
  #loaded: LoadedConfiguration;
  #reload: ReloadStatus;
  #publish: ((event: () => DaemonEvent) => void) | undefined;
  #closeControl: () => void = () => {};
  #statusScheduled = false;
  readonly #reloads = new OneAtATime(() => this.#reloadOnce());
  readonly #stopping = new AbortController();

  constructor(parts: DaemonParts, loaded: LoadedConfiguration, config: Config) {
    const { kernel, log, clocks } = parts;
    this.#parts = parts;
    this.#loaded = loaded;
    this.#startedAtMs = clocks.wallMs();
    this.#reload = this.#reloadStatus('loaded', loaded);
    const packets = kernel.openPacketSocket();
    if (!packets.ok) log.error(`gratuitous ARP cannot be sent: ${packets.failure.message}`);
    const socket = packets.ok ? packets.value : { send: () => 0, close: () => {} };
    const announcer = new Announcer(socket, this.#interfaces, forwardsIpv6);
    const observer = {
      notify: (action: NotifyAction) => this.#onNotify(action),
      address: this.#onAddress.bind(this),
      stalled: (lateMs: number) => this.#onStall(lateMs),
    };
    const interfaces = this.#interfaces;
    const ahSequenceStart = Math.floor(clocks.wallMs() / 1000);
    const settingsRecord = join(parts.runDir, 'settings.json');
    const runtime = { kernel, log, interfaces, announcer, observer, settingsRecord, ahSequenceStart };
    this.runtime = new VrrpRuntime(runtime, config);
    this.scripts = parts.makeScripts(config, event => this.runtime.deliver(event));
  }

  get clocks(): Clocks {
    return this.#parts.clocks;
  }

  /** Takes up work; returns why it cannot. */
  start(): string | undefined {
    const { kernel, log, runDir, service } = this.#parts;
    const { runtime } = this;
    const failure = runtime.observeHost();
    if (failure) return `the host's interfaces cannot be read: ${failure.message}`;
    const absent = this.#absentInterface();
    if (absent !== undefined) return absent;
    const record = vipRecord(runDir);
    if (wasKilled(record)) runtime.takeOver();
    removeForeignLeftovers(record, runtime.engine.config, kernel.tables, this.#interfaces, log);
    recordVips(record, runtime.engine.config, log);
    for (const event of readInitialFiles(runtime.engine.config, log)) runtime.deliver(event);
    runtime.start(kernel.nowMs());
    service.ready(this.#summary());
    return undefined;
  }

  /** Sends everything that happens from now on to `publish`; `close` is called when the daemon stops. */
  publishTo(publish: (event: () => DaemonEvent) => void, close: () => void): void {
    this.#publish = publish;
    this.#closeControl = close;
  }

  /**
   * Loads the file again, in slices, so that adverts go on. A bad one is reported, and everything stays as it is.
   * Rejects when the daemon stops before it is done.
   */
  reload(): Promise<ReloadStatus> {
    return this.#reloads.run();
  }

  async #reloadOnce(): Promise<ReloadStatus> {
    const { kernel, log, service, read } = this.#parts;
    service.reloading(kernel.nowMs());
    log.notice('Reloading ...');
    const pace = { ...RELOAD_PACE, nowMs: () => kernel.nowMs() };
    try {
      const loaded = await whileReading(this.#reloadFile(), log, () =>
        inSlices(read(), pace, this.#stopping.signal),
      );
      this.#takeUp(loaded);
    } catch (error) {
      if (!this.#stopping.signal.aborted) log.error(`Reload failed: ${messageOf(error)}`);
      throw error;
    } finally {
      if (!this.#stopping.signal.aborted) service.ready(this.#summary());
    }
    return this.#reload;
  }

  #takeUp(loaded: LoadedConfiguration): void {
    const { log, runDir } = this.#parts;
    const { config } = loaded;
    const { reloadCheckConfigLog } = this.runtime.engine.config.globalDefs;
    if (reloadCheckConfigLog !== undefined) this.#writeFile(reloadCheckConfigLog, linesOf(loaded));
    const outcome = loaded.hasErrors ? 'rejected' : 'loaded';
    for (const diagnostic of loaded.diagnostics) log.warning(formatDiagnostic(diagnostic));
    if (outcome === 'loaded') {
      this.#warnOfFixedSettings(config);
      this.#loaded = loaded;
      recordVips(vipRecord(runDir), config, log);
      const before = this.runtime.engine.config;
      this.runtime.reconfigure(config);
      for (const event of readInitialFiles(config, log, before)) this.runtime.deliver(event);
      this.scripts.reconfigure(config, loaded);
      this.scripts.repeatStates(this.runtime.engine);
      log.notice(`Reload finished: ${config.vrrpInstances.length} instances`);
    } else {
      log.error(`Reload rejected: ${this.#loaded.file} has errors; the running configuration stays in place`);
    }
    this.#reload = this.#reloadStatus(outcome, loaded);
    this.#publish?.(() => ({ type: 'reload', atMs: this.#reload.atMs, outcome }));
  }

  /** Gives everything up in good order. `onStopped` is called when the scripts have run, too. */
  stop(onStopped: () => void): void {
    const { log, service, runDir, kernel } = this.#parts;
    this.#stopping.abort(new Error('tandemd is stopping'));
    service.stopping();
    this.#closeControl();
    log.notice('Stopping');
    this.runtime.stop(this.#parts.keepVips);
    if (!this.#parts.keepVips) forgetVips(vipRecord(runDir));
    const startedAtMs = kernel.nowMs();
    this.scripts.slot.stop(SCRIPTS_STOP_MS, () => {
      log.notice(`Stopped Tandem (scripts took ${Math.round(kernel.nowMs() - startedAtMs)} ms)`);
      service.close();
      onStopped();
    });
  }

  /** Tells subscribers that the worker's state is another one. */
  workerChanged(): void {
    this.#publish?.(() => ({
      type: 'worker',
      atMs: this.clocks.wallMs(),
      state: this.scripts.slot.status.state,
    }));
  }

  status(): DaemonStatus {
    const { version, release, clocks } = this.#parts;
    const { scheduling } = this;
    const { engine } = this.runtime;
    return {
      version,
      release,
      pid: process.pid,
      startedAtMs: this.#startedAtMs,
      routerId: engine.config.globalDefs.routerId,
      configurationFile: this.#loaded.file,
      configurationSha256: this.#loaded.sha256(),
      reload: this.#reload,
      scheduling,
      stalls: { count: this.runtime.stalls.count, longestMs: this.runtime.stalls.longestMs },
      worker: this.scripts.slot.status,
      instances: reportInstances(engine, clocks, (name, address) => this.runtime.isPresent(name, address)),
      syncGroups: reportGroups(engine),
    };
  }

  metrics(): string {
    return metricsText(this.runtime.engine, this.runtime.stalls);
  }

  /** Writes what USR1 (`keepalived.data`) or USR2 (`keepalived.stats`) asks for into the run directory. */
  dump(what: 'data' | 'stats'): void {
    const { runDir, log } = this.#parts;
    const path = join(runDir, `keepalived.${what}`);
    const text = what === 'data' ? `${JSON.stringify(this.status(), undefined, 2)}\n` : this.metrics();
    if (this.#writeFile(path, text)) log.notice(`Wrote ${path}`);
  }

  findRouter(name: string): VirtualRouter | undefined {
    return this.runtime.engine.routers.find(router => router.config.name === name);
  }

  #writeFile(path: string, text: string): boolean {
    try {
      writeFileSync(path, text, { mode: 0o600 });
      return true;
    } catch (error) {
      this.#parts.log.error(`cannot write ${path}: ${messageOf(error)}`);
      return false;
    }
  }

  #reloadFile(): string | undefined {
    const { reloadFile } = this.runtime.engine.config.globalDefs;
    if (reloadFile === false) return undefined;
    return reloadFile === true ? join(this.#parts.runDir, 'keepalived.reload') : reloadFile;
  }

  #onStall(lateMs: number): void {
    const { kernel, log } = this.#parts;
    const settings = this.runtime.engine.config.globalDefs.process;
    this.scheduling = raisePriority(kernel, settings, this.scheduling, lateMs, log);
  }

  /** Without `dynamic_interfaces` keepalived does not start when an instance's interface is not there. */
  #absentInterface(): string | undefined {
    const { globalDefs, vrrpInstances } = this.runtime.engine.config;
    if (globalDefs.dynamicInterfaces !== 'off') return undefined;
    for (const { name, interface: dev, position } of vrrpInstances)
      if (dev !== undefined && !this.#interfaces.byName(dev))
        return `${position.file}:${position.line}: vrrp_instance ${name}: interface ${dev} does not exist; with dynamic_interfaces in global_defs tandemd waits for it`;
    return undefined;
  }

  #onNotify(action: NotifyAction): void {
    this.scripts.notify(action);
    if (action.kind !== 'notify' || action.type !== 'INSTANCE') return;
    const { router, reason } = action;
    const to = keepalivedState(router.state);
    const from = this.#lastStates.get(router) ?? 'INIT';
    this.#lastStates.set(router, to);
    if (from === to) return;
    this.#publish?.(() => {
      const atMs = wallTimeOf(this.#parts.clocks.monotonicMs(), this.#parts.clocks);
      return { type: 'state', atMs, instance: router.config.name, from, to, reason };
    });
    this.#scheduleStatus();
  }

  #onAddress(
    router: VirtualRouter,
    address: string,
    change: 'added' | 'removed' | 'failed',
    reason: string,
  ): void {
    this.#publish?.(() => {
      const atMs = wallTimeOf(this.#parts.clocks.monotonicMs(), this.#parts.clocks);
      return { type: 'vip', atMs, instance: router.config.name, address, change, reason };
    });
  }

  /** Once per turn of the event loop, after what is urgent. */
  #scheduleStatus(): void {
    if (this.#statusScheduled) return;
    this.#statusScheduled = true;
    setImmediate(() => {
      this.#statusScheduled = false;
      this.#parts.service.status(this.#summary());
    });
  }

  #summary(): string {
    const { routers } = this.runtime.engine;
    if (routers.length <= NAMED_INSTANCES_MAX)
      return routers.map(router => `${router.config.name} ${keepalivedState(router.state)}`).join(', ');
    const states = ['MASTER', 'BACKUP', 'FAULT', 'INIT'] as const;
    return states
      .map(state => `${routers.filter(router => keepalivedState(router.state) === state).length} ${state}`)
      .join(', ');
  }

  #reloadStatus(outcome: ReloadStatus['outcome'], loaded: LoadedConfiguration): ReloadStatus {
    const atMs = this.#parts.clocks.wallMs();
    return { atMs, outcome, diagnostics: loaded.diagnostics.map(formatDiagnostic) };
  }

  #warnOfFixedSettings(config: Config): void {
    const before = this.runtime.engine.config.globalDefs;
    const after = config.globalDefs;
    if (before.netNamespace !== after.netNamespace || before.instance !== after.instance)
      this.#parts.log.warning('net_namespace and instance are not reloadable: restart tandemd');
  }
}

/** How long notifications of the stop may take before the worker is killed. */
const SCRIPTS_STOP_MS = 5000;

function linesOf({ diagnostics }: LoadedConfiguration): string {
  return diagnostics.map(each => `${formatDiagnostic(each)}\n`).join('');
}

function vipRecord(runDir: string): string {
  return join(runDir, 'vips.json');
}

/** Whether the host routes IPv6 on the interface, which its neighbour advertisements must say (RFC 4861 §4.4). */
function forwardsIpv6(interfaceName: string): boolean {
  try {
    return readFileSync(`/proc/sys/net/ipv6/conf/${interfaceName}/forwarding`, 'utf8').trim() === '1';
  } catch {
    return false;
  }
}
