import { expect, vi } from 'vitest';
import { type Advert, record, type Recording } from './adverts.ts';
import { makePeer, type Peer, type PeerState, type Program } from './peer.ts';
import { type RouterSpec, timersOf } from './router-spec.ts';
import { addSecondNetwork, makeSegment, type Segment } from './segment.ts';
import { longestDoubleMs, takeoverMs } from './senders.ts';

/** What a busy machine may add to a bound. */
const MARGIN_MS = 700;
/** Time stamps are the switch's: a backup's timer starts a little later, never earlier. */
const EARLY_MS = 2;
/** FRR reckons in hundredths of a second and cuts off the rest. */
const FRR_EARLY_MS = 12;
/** What a busy machine may add to the interval in which two routers agree. */
const LATE_MS = 60;

/** RFC 9568 §7.3, both families. */
const VMAC_PREFIX = '00:00:5e:00:';

const WAIT = { timeout: 5000, interval: 20 };

/** One program and what it is configured with. */
export interface Entrant {
  readonly program: Program;
  readonly spec: RouterSpec;
}

type OnTestFinished = (end: () => Promise<void>) => void;

/** Daemons on a segment of their own, and what passes its switch. Nobody is started. */
export class Course {
  readonly peers: readonly Peer[];
  readonly switchNamespace: Segment['switchNamespace'];
  readonly #recordings: readonly Recording[];
  readonly #running = new Set<Peer>();

  private constructor(segment: Segment, peers: readonly Peer[], recordings: readonly Recording[]) {
    this.switchNamespace = segment.switchNamespace;
    this.peers = peers;
    this.#recordings = recordings;
  }

  /** The first entrant is the preferred one; addresses ascend, or descend for `descending`. */
  static async make(
    onTestFinished: OnTestFinished,
    entrants: readonly Entrant[],
    descending = false,
  ): Promise<Course> {
    const segment = await makeSegment(entrants.length);
    const hasSecond = entrants.some(({ spec }) => spec.secondVips);
    if (hasSecond) addSecondNetwork(segment);
    const hosts = descending ? segment.hosts.toReversed() : segment.hosts;
    const peers = hosts.flatMap((host, i) => {
      const entrant = entrants[i];
      return entrant ? [makePeer(entrant.program, host, entrant.spec)] : [];
    });
    const bridges = hasSecond ? ['br0', 'br1'] : ['br0'];
    const recordings = await Promise.all(bridges.map(bridge => record(segment, bridge)));
    onTestFinished(async () => {
      await Promise.all([...peers.map(peer => peer.remove()), ...recordings.map(each => each.stop())]);
      segment.remove();
    });
    return new Course(segment, peers, recordings);
  }

  adverts(network = 0): Advert[] {
    return this.#recordings[network]?.adverts() ?? [];
  }

  peer(index: number): Peer {
    const peer = this.peers[index];
    if (!peer) throw new Error(`no peer ${index}`);
    return peer;
  }

  /** How often a peer has said priority 0. */
  farewells(index: number, fromMs: number, network = 0): number {
    const { sources } = this.peer(index);
    return this.adverts(network).filter(
      ({ from, atMs, priority }) => sources.includes(from) && atMs >= fromMs && priority === 0,
    ).length;
  }

  /** Starts peers one after the other. */
  async start(...indexes: readonly number[]): Promise<void> {
    for (const index of indexes) {
      await this.peer(index).start();
      this.#running.add(this.peer(index));
    }
  }

  /** Waits until one is MASTER and every other that runs is BACKUP, and checks that they refuse nothing. */
  async settle(master: number, others: PeerState = 'BACKUP'): Promise<void> {
    await this.#expectStates(new Map([...this.#running].map(peer => [peer, others])), master);
    const refused = await Promise.all([...this.#running].map(peer => peer.refusals()));
    expect(refused.flat()).toEqual([]);
  }

  async #expectStates(states: Map<Peer, PeerState>, master: number): Promise<void> {
    states.set(this.peer(master), 'MASTER');
    await Promise.all([...states].map(([peer, state]) => peer.expectState(state)));
  }

  /** Starts a peer, which becomes MASTER after its whole master-down interval, whether somebody is or not. */
  async startAndWin(index: number, ...then: readonly number[]): Promise<void> {
    const { spec } = this.peer(index);
    const { masterDownMs } = timersOf(spec, spec.adverIntervalMs);
    const startedAtMs = Date.now();
    await this.start(index);
    const readyAtMs = Date.now();
    await this.start(...then);
    await this.settle(index);
    const firstAtMs = await this.#advertOf(index, startedAtMs);
    expect(firstAtMs - startedAtMs, 'time to MASTER').toBeGreaterThan(masterDownMs - FRR_EARLY_MS);
    expect(firstAtMs - readyAtMs, 'time to MASTER').toBeLessThan(masterDownMs + MARGIN_MS);
  }

  /** A clean stop: priority 0, then the successor's skew. */
  async stopAndHandOver(index: number, successor: number): Promise<void> {
    const stoppedAtMs = Date.now();
    await this.#end(index, 'SIGTERM');
    await this.settle(successor);
    await this.#expectTakeover('handover', index, successor, stoppedAtMs, ({ skewMs }) => skewMs);
    expect(this.farewells(index, stoppedAtMs), 'priority 0').toBeGreaterThan(0);
  }

  /** kill -9: the successor waits for its whole master-down interval. */
  async crashAndTakeOver(index: number, successor: number): Promise<void> {
    const crashedAtMs = Date.now();
    await this.#end(index, 'SIGKILL');
    await this.settle(successor);
    await this.#expectTakeover('crash', index, successor, crashedAtMs, ({ masterDownMs }) => masterDownMs);
  }

  /** The MASTER's cable is pulled and, once another is MASTER, plugged in again. */
  async cutAndHeal(index: number, successor: number): Promise<void> {
    const { host, spec } = this.peer(index);
    const cutAtMs = Date.now();
    host.cable(false);
    await this.#expectStates(new Map([[this.peer(index), 'FAULT']]), successor);
    await this.#expectTakeover('cut', index, successor, cutAtMs, ({ masterDownMs }) => masterDownMs);
    host.cable(true);
    await this.settle(index);
    // A unicast farewell waits in the kernel for its neighbour's address, and is sent late: keepalived's and ours.
    if (!spec.unicast) expect(this.farewells(index, cutAtMs), 'priority 0 after the cable is back').toBe(0);
  }

  /** The MASTER's frames are lost and nobody is told: two are MASTER, until `winner` is when all is well again. */
  async splitAndHeal(index: number, successor: number, winner = index): Promise<void> {
    const { host } = this.peer(index);
    const splitAtMs = Date.now();
    host.silentCable(false);
    await this.#expectStates(new Map([[this.peer(index), 'MASTER']]), successor);
    await this.#expectTakeover('split', index, successor, splitAtMs, ({ masterDownMs }) => masterDownMs);
    host.silentCable(true);
    await this.settle(winner);
  }

  /** Waits for ten adverts of the MASTER, and checks that nobody else has sent one. */
  async expectToStay(master: number): Promise<void> {
    const fromMs = Date.now();
    const { sources } = this.peer(master);
    const recent = () => this.adverts().filter(({ atMs }) => atMs > fromMs);
    await vi.waitFor(() => expect(recent().length).toBeGreaterThanOrEqual(10), WAIT);
    expect(recent().filter(({ from }) => !sources.includes(from))).toEqual([]);
    await this.settle(master);
  }

  /** What holds for every course: hardly ever two senders, each with its MAC address, and no complaint in any log. */
  expectOrder(): void {
    for (const network of this.#recordings.keys()) {
      const intervalMs = Math.max(...this.peers.map(({ spec }) => spec.adverIntervalMs));
      const doubleMs = longestDoubleMs(this.adverts(network));
      expect(doubleMs, `two senders on network ${network}`).toBeLessThanOrEqual(intervalMs + LATE_MS);
    }
    for (const { program, host, spec, sources } of this.peers) {
      const macs = this.adverts().flatMap(({ from, mac }) => (sources.includes(from) ? [mac] : []));
      const isVirtual = spec.vmac === true || program === 'frr';
      expect(new Set(macs.map(mac => mac.startsWith(VMAC_PREFIX))), host.name).toEqual(new Set([isVirtual]));
    }
    const complaints = this.peers.flatMap(peer =>
      peer.complaints().map(line => `${peer.host.name} (${peer.program}): ${line}`),
    );
    expect(complaints).toEqual([]);
  }

  async #end(index: number, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const peer = this.peer(index);
    this.#running.delete(peer);
    await peer.end(signal);
  }

  async #advertOf(index: number, fromMs: number): Promise<number> {
    const { sources } = this.peer(index);
    return vi.waitFor(() => {
      const first = this.adverts().find(({ from, atMs }) => sources.includes(from) && atMs >= fromMs);
      if (!first) throw new Error(`no advert of ${sources.join(' or ')}`);
      return first.atMs;
    }, WAIT);
  }

  async #expectTakeover(
    occasion: string,
    old: number,
    successor: number,
    sinceMs: number,
    boundMs: (timers: ReturnType<typeof timersOf>) => number,
  ): Promise<void> {
    const [from, to] = [this.peer(old), this.peer(successor)];
    const tookMs = await vi.waitFor(() => {
      const tookMs = takeoverMs(this.adverts(), from.sources, to.sources, sinceMs);
      if (Number.isNaN(tookMs)) throw new Error(`${to.host.name} has not sent`);
      return tookMs;
    }, WAIT);
    const expectedMs = boundMs(timersOf(to.spec, from.spec.adverIntervalMs));
    const earlyMs = to.program === 'frr' ? FRR_EARLY_MS : EARLY_MS;
    expect(tookMs, `${occasion}: takeover by ${to.program}`).toBeGreaterThan(expectedMs - earlyMs);
    expect(tookMs, `${occasion}: takeover by ${to.program}`).toBeLessThan(expectedMs + MARGIN_MS);
  }
}
