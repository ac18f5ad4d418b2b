import { formatIp } from '#base/address.ts';
import { must } from '#base/assert.ts';
import type { Config, VirtualAddress } from '#conf/model.ts';
import type { Action } from '#vrrp/action.ts';
import { createEngine, nextDeadline, preparePackets, receive, reconfigure, step } from '#vrrp/engine.ts';
import type { EngineEvent } from '#vrrp/event.ts';
import type { SendAdvertisement, VirtualRouter, VrrpEngine } from '#vrrp/state.ts';
import type { Appointment, FakeClock } from './clock.ts';
import type { Arrival, FakeLan, Port } from './lan.ts';

/** How the kernel of a simulated host answers. */
export interface HostFaults {
  /** Adding an address fails with this. */
  addError: string | undefined;
  /** Sending fails with this. */
  sendError: string | undefined;
}

/**
 * A host that runs the engine as a daemon would: one timer, sockets with a queue, a kernel that holds addresses and
 * tells of changes a little later. Killing it leaves its addresses behind; a stall freezes everything but the queue.
 */
export class SimulatedHost implements Port {
  readonly name: string;
  readonly source: Uint8Array;
  readonly faults: HostFaults = { addError: undefined, sendError: undefined };
  /** Addresses on eth0 besides the source, as text. */
  readonly addressTexts = new Set<string>();
  /** Sees every action that is executed. */
  onAction: (host: SimulatedHost, action: Action) => void = () => {};
  /** Called when the engine has settled after an event. */
  onSettled: (host: SimulatedHost) => void = () => {};
  engine: VrrpEngine | undefined;
  config: Config;
  linkUp = true;
  /** Kernel notifications on their way. */
  echoesPending = 0;
  stalled = false;
  /** This host's monotonic clock: where it started, and how fast it runs. */
  clockOffsetMs = 0;
  clockRate = 1;
  readonly #clock: FakeClock;
  readonly #lan: FakeLan;
  readonly #actions: Action[] = [];
  #queue: Arrival[] = [];
  #timer: Appointment | undefined;

  constructor(name: string, source: Uint8Array, config: Config, clock: FakeClock, lan: FakeLan) {
    this.name = name;
    this.source = source;
    this.config = config;
    this.#clock = clock;
    this.#lan = lan;
    lan.attach(this);
  }

  get nowMs(): number {
    return this.#localMs(this.#clock.nowMs);
  }

  #localMs(sharedMs: number): number {
    return this.clockOffsetMs + sharedMs * this.clockRate;
  }

  get routers(): readonly VirtualRouter[] {
    return this.engine?.routers ?? [];
  }

  addresses(): readonly Uint8Array[] {
    return [this.source];
  }

  /** Starts the daemon: links and addresses first, as a dump would tell them. */
  start(sinceBootMs?: number): void {
    this.engine = createEngine(this.config, this.nowMs, this.#actions);
    this.tell({ kind: 'linkChanged', interface: 'eth0', exists: true, up: this.linkUp });
    this.tell({ kind: 'addressAdded', interface: 'eth0', address: this.source });
    for (const text of this.addressTexts) this.#tellAddress('addressAdded', text);
    this.tell(sinceBootMs === undefined ? { kind: 'start' } : { kind: 'start', sinceBootMs });
  }

  /** SIGTERM. */
  stop(): void {
    this.tell({ kind: 'stop' });
    this.kill();
  }

  /** SIGKILL, or a crash: addresses stay. */
  kill(): void {
    this.engine = undefined;
    this.#queue = [];
    this.stalled = false;
    if (this.#timer) this.#timer.cancelled = true;
  }

  reload(config: Config): void {
    this.config = config;
    if (!this.engine) return;
    reconfigure(this.engine, config, this.nowMs, this.#actions);
    this.#settle();
  }

  setLink(up: boolean): void {
    this.linkUp = up;
    this.tell({ kind: 'linkChanged', interface: 'eth0', exists: true, up });
  }

  /** Someone else changes the addresses of eth0. */
  meddle(kind: 'addressAdded' | 'addressRemoved', text: string): void {
    if (kind === 'addressAdded') this.addressTexts.add(text);
    else this.addressTexts.delete(text);
    this.#echo(kind, text);
  }

  /** The process gets no CPU; packets wait in the socket. */
  stall(): void {
    this.stalled = true;
    if (this.#timer) this.#timer.cancelled = true;
  }

  /** Timers run before sockets, as in an event loop. */
  resume(): void {
    if (!this.stalled) return;
    this.stalled = false;
    this.#onTimer();
    this.#drain();
  }

  tell(event: EngineEvent): void {
    if (!this.engine) return;
    step(this.engine, event, this.nowMs, this.#actions);
    this.#settle();
  }

  receive(arrival: Arrival): void {
    if (!this.engine || !this.linkUp) return;
    this.#queue.push(arrival);
    if (!this.stalled) this.#drain();
  }

  #drain(): void {
    const queue = this.#queue;
    this.#queue = [];
    for (const arrival of queue) {
      if (!this.engine) return;
      for (const segment of this.engine.segments.values())
        if (segment.family === (arrival.source.length === 4 ? 4 : 6))
          receive(this.engine, segment, arrival, this.nowMs, this.#actions);
      this.#settle();
    }
  }

  #onTimer(): void {
    this.#timer = undefined;
    this.tell({ kind: 'deadline', socketsDrained: false });
  }

  #settle(): void {
    for (let i = 0; i < this.#actions.length; i++) {
      const action = this.#actions[i];
      if (action) this.#execute(action);
    }
    this.#actions.length = 0;
    this.#arm();
    this.onSettled(this);
  }

  #arm(): void {
    if (this.#timer) this.#timer.cancelled = true;
    this.#timer = undefined;
    if (!this.engine || this.stalled) return;
    const deadlineMs = nextDeadline(this.engine);
    if (deadlineMs === Number.POSITIVE_INFINITY) return;
    let atMs = (deadlineMs - this.clockOffsetMs) / this.clockRate;
    // Rounded down it would be a moment too early, again and again, in a time that stands still.
    while (this.#localMs(atMs) < deadlineMs) atMs += Math.abs(atMs) * Number.EPSILON;
    this.#timer = this.#clock.at(atMs, () => this.#onTimer());
  }

  #execute(action: Action): void {
    this.onAction(this, action);
    switch (action.kind) {
      case 'sendAdvertisement':
        this.#send(action);
        break;
      case 'addAddresses':
        for (const address of action.addresses) this.#add(action.router, address);
        break;
      case 'removeAddresses':
        for (const address of action.addresses) this.#remove(action.router, address);
        break;
      case 'drainSockets':
        // Later, not nested: the rest of this buffer comes first.
        this.#clock.after(0, () => {
          if (this.stalled) return;
          this.#drain();
          this.tell({ kind: 'deadline', socketsDrained: true });
        });
        break;
      default:
        break;
    }
  }

  #send(action: SendAdvertisement): void {
    if (this.faults.sendError !== undefined) {
      this.#outcome({ kind: 'sendFailed', router: action.router, error: this.faults.sendError });
      return;
    }
    if (!this.linkUp) return;
    for (const packet of preparePackets(action.router, action.priority)) {
      const { bytes: payload, source, destination, isAh } = packet;
      this.#lan.send(this, { payload, source, destination, isAh });
    }
  }

  #add(router: VirtualRouter, { address }: VirtualAddress): void {
    const error = this.faults.addError;
    if (error !== undefined) {
      this.#outcome({ kind: 'addressAddFailed', router, address, error });
      return;
    }
    const text = formatIp(address);
    if (this.addressTexts.has(text)) return;
    this.addressTexts.add(text);
    this.#echo('addressAdded', text);
  }

  #remove(router: VirtualRouter, { address }: VirtualAddress): void {
    const text = formatIp(address);
    if (this.addressTexts.delete(text)) this.#echo('addressRemoved', text);
    else this.#outcome({ kind: 'addressRemoveFailed', router, address, error: 'EADDRNOTAVAIL', gone: true });
  }

  /** Kernel notifications arrive a little later, in order. */
  #echo(kind: 'addressAdded' | 'addressRemoved', text: string): void {
    this.echoesPending++;
    this.#clock.after(0.05, () => {
      this.echoesPending--;
      this.#tellAddress(kind, text);
    });
  }

  #tellAddress(kind: 'addressAdded' | 'addressRemoved', text: string): void {
    const state = this.config.vrrpInstances
      .flatMap(each => [...each.virtualAddresses, ...each.virtualAddressesExcluded])
      .find(each => formatIp(each.address) === text);
    if (state) this.tell({ kind, interface: 'eth0', address: state.address });
  }

  #outcome(event: EngineEvent): void {
    this.#clock.after(0, () => this.tell(event));
  }

  /** The router of an instance. */
  router(name = 'VI_1'): VirtualRouter {
    return must(
      this.routers.find(router => router.config.name === name),
      `${this.name} runs no ${name}`,
    );
  }
}
