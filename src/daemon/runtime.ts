import type { Config } from '#conf/model.ts';
import type { DeadlineTimer, Kernel, KernelFailure, Link, ReceivedPacket } from '#linux/ports.ts';
import type { Action, AddressesAction, Announce, NotifyAction } from '#vrrp/action.ts';
import { createEngine, nextDeadline, receive, reconfigure, step } from '#vrrp/engine.ts';
import type { EngineEvent } from '#vrrp/event.ts';
import { NEVER, type Segment, type VirtualRouter, type VrrpEngine } from '#vrrp/state.ts';
import { describeAddress } from './address-spec.ts';
import { AcceptFilter } from './accept-filter.ts';
import { pausesOn } from './announce-pauses.ts';
import type { Announcer } from './announcer.ts';
import { ExtraAnnouncements } from './extra-announcements.ts';
import { HostObjects } from './host-objects.ts';
import { type HostListener, HostWatch } from './host-watch.ts';
import type { Interfaces } from './interfaces.ts';
import { LeftoverRouting } from './leftover-routing.ts';
import { LinkDelays } from './link-delays.ts';
import type { Log } from './log.ts';
import { changeRoutes, changeRules } from './route-executor.ts';
import { VrrpSockets } from './sockets.ts';
import { StallMeter, type Stalls } from './stall-meter.ts';
import { changeAddresses } from './vip-executor.ts';
import { sendingVmac } from './vmac-config.ts';

/** What the runtime tells the rest of the daemon, while it works: observers must be quick. */
interface RuntimeObserver {
  notify(action: NotifyAction): void;
  /** A VIP was added or removed, or the kernel refused to. */
  address(
    router: VirtualRouter,
    address: string,
    change: 'added' | 'removed' | 'failed',
    reason: string,
  ): void;
  /** The process was late by this much. */
  stalled(lateMs: number): void;
}

/** What the runtime works with. */
export interface RuntimeParts {
  readonly kernel: Kernel;
  readonly log: Log;
  readonly interfaces: Interfaces;
  readonly announcer: Announcer;
  readonly observer: RuntimeObserver;
  /** Where the host's own kernel settings are written down while others are in place. */
  readonly settingsRecord: string;
  /** First AH sequence number: seconds since 1970. */
  readonly ahSequenceStart: number;
}

/** How often sockets that the kernel refused are tried again. */
const REOPEN_MS = 1000;

/** Made once: a wake-up allocates nothing. */
const DEADLINE = { kind: 'deadline', socketsDrained: false } as const;

/** Executes the engine's actions on the kernel and tells it what happens there. */
export class VrrpRuntime {
  readonly engine: VrrpEngine;
  readonly #parts: RuntimeParts;
  readonly #sockets: VrrpSockets;
  readonly #watch: HostWatch;
  readonly #filter: AcceptFilter;
  readonly #host: HostObjects;
  readonly #delays: LinkDelays;
  readonly #extra: ExtraAnnouncements;
  readonly #stallMeter = new StallMeter();
  readonly #timer: DeadlineTimer;
  readonly #actions: Action[] = [];
  readonly #settled = new Set<() => void>();
  /** Routers whose socket is not open, and whether the engine has been told that it failed. */
  readonly #unopened = new Map<VirtualRouter, { told: boolean }>();
  #reopenTimer: DeadlineTimer | undefined;
  #leftovers: LeftoverRouting | undefined;
  #executing = false;
  #keepVips = false;
  #armedAtMs = NEVER;
  #armedAtCpuMs = 0;

  constructor(parts: RuntimeParts, config: Config) {
    const { kernel, interfaces, log } = parts;
    this.#parts = parts;
    this.#filter = new AcceptFilter(kernel, log, config.globalDefs.nftables);
    this.#host = new HostObjects(kernel, interfaces, log, parts.settingsRecord, missing =>
      this.deliver({ kind: 'staticsMissing', missing }),
    );
    this.#sockets = new VrrpSockets(
      kernel,
      interfaces,
      (segment, packet) => this.#receive(segment, packet),
      (segment, { message }) =>
        log.warning(`${segment.interface}: receiving failed: ${message}`, `receive ${segment.interface}`),
    );
    this.#delays = new LinkDelays(kernel, config.interfaceDelays);
    const listener: HostListener = {
      event: event => this.deliver(event),
      appeared: link => this.#reopen(link),
      vanished: link => this.#forgetInterface(link),
      noticed: event => this.#host.noticed(event),
    };
    this.#watch = new HostWatch(kernel.tables, interfaces, listener, this.#delays);
    this.#extra = new ExtraAnnouncements(
      kernel,
      (router, addresses) =>
        this.#announce({ kind: 'announce', router, addresses, repeat: 1, occasion: 'extraInterface' }),
      name => interfaces.byName(name)?.kind === 'macvlan',
    );
    this.#timer = kernel.timer(() => this.#onDeadline());
    this.engine = createEngine(config, kernel.nowMs(), this.#actions, {
      ahSequenceStart: parts.ahSequenceStart,
    });
  }

  /** Tells the engine what is on the host, and from then on what changes; returns why that is not possible. */
  observeHost(): KernelFailure | undefined {
    const failure = this.#watch.start();
    if (failure) return failure;
    // What was made is known only when the kernel has told it.
    if (this.#host.makeInterfaces(this.engine.config)) this.#watch.drain();
    this.#host.prune();
    this.#execute();
    return failure;
  }

  /** Recognises what a killed predecessor has left besides addresses. Between `observeHost` and `start`. */
  takeOver(): void {
    const { kernel, interfaces, log } = this.#parts;
    this.#filter.removeLeftover();
    this.#leftovers = new LeftoverRouting(this.engine.config, kernel.tables, interfaces, log);
  }

  /** Everything known has been told: instances may leave INIT. */
  start(sinceBootMs: number): void {
    this.#host.apply(this.engine.config);
    this.deliver({ kind: 'start', sinceBootMs });
  }

  /** True if the kernel has told that `address` is on the interface. */
  isPresent(interfaceName: string, address: Uint8Array): boolean {
    return this.#watch.isPresent(interfaceName, address);
  }

  /** Gives the engine one event and does what it asks for. */
  deliver(event: EngineEvent): void {
    step(this.engine, event, this.#parts.kernel.nowMs(), this.#actions);
    this.#execute();
  }

  /** Goes on with another configuration; instances that stay keep everything. */
  reconfigure(config: Config): void {
    if (this.#host.makeInterfaces(config)) this.#watch.drain();
    this.#delays.configure(config.interfaceDelays);
    this.#host.apply(config);
    reconfigure(this.engine, config, this.#parts.kernel.nowMs(), this.#actions);
    this.#execute();
    this.#host.prune();
    this.#extra.watch(this.engine.routers);
  }

  /** Masters send priority 0, and what is ours on the host is removed, unless VIPs are to be kept (`-V`). */
  stop(keepVips: boolean): void {
    this.#keepVips = keepVips;
    this.deliver({ kind: 'stop' });
    this.#timer.close();
    this.#reopenTimer?.close();
    this.#sockets.closeAll();
    this.#watch.close();
    this.#delays.close();
    this.#extra.close();
    this.#filter.close();
    this.#host.close();
  }

  /** Calls `check` after everything that happens, until the returned function is called. */
  afterEach(check: () => void): () => void {
    this.#settled.add(check);
    return () => this.#settled.delete(check);
  }

  #receive(segment: Segment, packet: ReceivedPacket): void {
    receive(this.engine, segment, packet, this.#parts.kernel.nowMs(), this.#actions);
    this.#execute();
  }

  /** Front to back; what an action's outcome makes the engine ask for is appended and done in its turn. */
  #execute(): void {
    if (this.#executing) return;
    this.#executing = true;
    const actions = this.#actions;
    for (let i = 0; i < actions.length; i++) {
      const action = actions[i];
      if (action) this.#perform(action);
    }
    // Setting `length` leaves compiled code for a runtime call, twice the price of this.
    while (actions.length > 0) actions.pop();
    this.#executing = false;
    this.#arm();
    if (this.#settled.size > 0) for (const check of this.#settled) check();
  }

  /** How often, and for how long, this process did not get to its work in time. */
  get stalls(): Stalls {
    return this.#stallMeter.stalls;
  }

  #onDeadline(): void {
    const nowMs = this.#parts.kernel.nowMs();
    this.#noteStall(nowMs);
    this.#armedAtMs = NEVER;
    step(this.engine, DEADLINE, nowMs, this.#actions);
    this.#execute();
  }

  #noteStall(nowMs: number): void {
    const lateMs = this.#stallMeter.served(this.#armedAtMs, nowMs);
    if (lateMs === 0) return;
    const busyMs = this.#parts.kernel.cpuMs() - this.#armedAtCpuMs;
    const why = busyMs >= 0.9 * lateMs ? 'busy with its own work' : 'stopped, or no CPU';
    this.#parts.log.warning(`the process was held up for ${Math.round(lateMs)} ms (${why})`, 'stall');
    this.#parts.observer.stalled(lateMs);
  }

  #arm(): void {
    const atMs = nextDeadline(this.engine);
    if (atMs === this.#armedAtMs) return;
    // A packet that was read before the timer has moved the deadline, however late that was.
    if (this.#armedAtMs !== NEVER) this.#noteStall(this.engine.turn.nowMs);
    this.#armedAtMs = atMs;
    this.#armedAtCpuMs = this.#parts.kernel.cpuMs();
    if (atMs === NEVER) this.#timer.disarm();
    else this.#timer.arm(atMs);
  }

  #perform(action: Action): void {
    const { kernel, interfaces, observer } = this.#parts;
    switch (action.kind) {
      case 'sendAdvertisement':
        this.#send(action.router, action.priority);
        break;
      case 'addAddresses':
      case 'removeAddresses':
        this.#changeAddresses(action);
        break;
      case 'addRoutes':
      case 'removeRoutes':
        this.#warnAll(changeRoutes(kernel.tables, interfaces, action));
        break;
      case 'addRules':
      case 'removeRules':
        this.#warnAll(changeRules(kernel.tables, action));
        break;
      case 'announce':
        this.#announce(action);
        break;
      case 'notify':
      case 'notifyPriority':
        observer.notify(action);
        this.#extra.watch(this.engine.routers);
        break;
      case 'openRouter':
      case 'reopenRouter':
        this.#open(action.router);
        break;
      case 'closeRouter':
        this.#unopened.delete(action.router);
        this.#sockets.close(action.router);
        break;
      case 'drainSockets':
        this.#watch.drain();
        this.#sockets.drain();
        this.deliver({ kind: 'deadline', socketsDrained: true });
        break;
      case 'setAccept':
        this.#filter.set(action.router, action.dropping);
        break;
      case 'log':
        this.#logLine(action.severity, `(${action.subject}) ${inKeepalivedsWords(action.message)}`);
        break;
    }
  }

  #send(router: VirtualRouter, priority: number): void {
    const outcome = this.#sockets.send(router, priority);
    if (outcome < 0) this.deliver({ kind: 'sendFailed', router, error: errnoName(outcome) });
  }

  #changeAddresses(action: AddressesAction): void {
    const { kernel, interfaces, observer, log } = this.#parts;
    const { router } = action;
    const add = action.kind === 'addAddresses';
    if (!add && this.#keepVips) return;
    if (add) {
      this.#leftovers?.keep(router);
      this.#filter.follow(router);
    } else {
      this.#dropLeftoverRouting(router);
    }
    const done = changeAddresses(kernel.tables, interfaces, router, action.addresses, add);
    if (!add) this.#filter.follow(router);
    for (const { address, error } of done.outcomes) {
      const shown = describeAddress(address);
      const change = error === undefined ? (add ? 'added' : 'removed') : 'failed';
      if (error !== undefined)
        log.error(
          `(${router.config.name}) cannot ${add ? 'add' : 'remove'} ${shown}: ${error}`,
          `vip ${shown}`,
        );
      observer.address(router, shown, change, error ?? router.reason);
    }
    for (const event of done.events) this.deliver(event);
  }

  #dropLeftoverRouting(router: VirtualRouter): void {
    const left = this.#leftovers?.drop(router);
    if (!left) return;
    const { kernel, interfaces } = this.#parts;
    this.#warnAll(changeRules(kernel.tables, { kind: 'removeRules', router, rules: left.rules }));
    this.#warnAll(
      changeRoutes(kernel.tables, interfaces, { kind: 'removeRoutes', router, routes: left.routes }),
    );
  }

  #announce(action: Announce): void {
    const { engine } = this;
    const { announcer, log } = this.#parts;
    const { router, addresses, repeat, occasion } = action;
    const { name } = router.config;
    const { frames, outcome } = announcer.announce(addresses, router.segment.interface, repeat, on =>
      pausesOn(engine.config, on),
    );
    if (outcome < 0)
      log.warning(`(${name}) sending gratuitous ARP failed: ${errnoName(outcome)}`, `garp ${name}`);
    else
      log.info(`(${name}) Sending gratuitous ARPs on ${router.segment.interface}: ${frames} (${occasion})`);
  }

  #open(router: VirtualRouter): void {
    const outcome = this.#sockets.open(router);
    const failed = this.#unopened.get(router);
    if (outcome === 'open') {
      this.#unopened.delete(router);
      if (failed?.told) this.deliver({ kind: 'socketOpened', router });
      return;
    }
    if (!failed) this.#unopened.set(router, { told: false });
    if (outcome === 'waiting') return;
    this.#reopenLater();
    // It is being made, or made again: only one that stays away is a fault.
    if (outcome === 'vmacMissing' && !failed) return;
    const { name, vmac } = router.config;
    const message =
      outcome === 'vmacMissing' ? `its macvlan ${vmac?.interface ?? ''} is not there` : outcome.message;
    this.#parts.log.error(`(${name}) cannot open a socket: ${message}`, `socket ${name}`);
    if (failed?.told) return;
    this.#unopened.set(router, { told: true });
    this.deliver({ kind: 'socketFailed', router, error: message });
  }

  #reopenLater(): void {
    const { kernel } = this.#parts;
    this.#reopenTimer ??= kernel.timer(() => {
      for (const waiting of this.#unopened.keys()) this.#open(waiting);
    });
    this.#reopenTimer.arm(kernel.nowMs() + REOPEN_MS);
  }

  /** An interface appeared: what waited for it can be opened. */
  #reopen(link: Link): void {
    for (const router of this.#unopened.keys()) if (isUsedBy(link, router)) this.#open(router);
  }

  #forgetInterface(link: Link): void {
    for (const router of this.engine.routers)
      if (isUsedBy(link, router) && this.#sockets.isOpen(router)) this.#unopened.set(router, { told: false });
    this.#sockets.closeInterface(link.ifindex);
    if (this.#unopened.size > 0) this.#reopenLater();
  }

  #warnAll(lines: readonly string[]): void {
    for (const line of lines) this.#parts.log.warning(line, line);
  }

  #logLine(severity: 'info' | 'warning' | 'error', line: string): void {
    const { log } = this.#parts;
    if (severity === 'error') log.error(line, line);
    else if (severity === 'warning') log.warning(line, line);
    else log.notice(line, line);
  }
}

/** Whether its adverts pass the link. */
function isUsedBy({ name }: Link, { segment, config }: VirtualRouter): boolean {
  return segment.interface === name || sendingVmac(config) === name;
}

/** `ENOBUFS (-105)`, without a table of names for what hardly ever happens. */
function errnoName(outcome: number): string {
  return `errno ${-outcome}`;
}

/** The lines that runbooks and log watchers of keepalived look for: `Entering MASTER STATE`. */
function inKeepalivedsWords(message: string): string {
  return message.replace(/^entering ([A-Z]+): (.*)$/s, 'Entering $1 STATE ($2)');
}
