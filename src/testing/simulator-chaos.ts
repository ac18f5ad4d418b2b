import { assert } from '#base/assert.ts';
import type { VrrpInstance } from '#conf/model.ts';
import { RESTORE_INTERVAL_MS } from '#vrrp/timers.ts';
import { config, instance, script, syncGroup, tracker, vip } from './scenario-config.ts';
import type { SimulatedHost } from './simulator-host.ts';
import { checkHost, checkMembers, sendersOf } from './simulator-invariants.ts';
import { Simulation } from './simulator.ts';

/**
 * Random clusters under random misfortune. After each misfortune the cluster gets the time that its timers allow, and
 * then there must be exactly one master per virtual router wherever a host can be one, and two only for as long as a
 * packet travels. Everything follows from the seed.
 */
export interface ChaosResult {
  /** Times that a mastership moved to another host. */
  readonly failovers: number;
  readonly misfortunes: number;
}

/** One cluster from `seed` through `misfortunes`; throws with seed, time and what went before when an invariant breaks. */
export function runChaos(seed: number, misfortunes: number): ChaosResult {
  const chaos = new Chaos(seed);
  try {
    chaos.run(misfortunes);
  } catch (error) {
    const past = chaos.history.slice(-8).join('; ');
    throw new Error(`seed ${seed} at ${chaos.simulation.clock.nowMs.toFixed(3)} ms after ${past}`, {
      cause: error,
    });
  }
  return { failovers: chaos.failovers, misfortunes };
}

/** Misfortunes on a LAN that works: even in their course there may be no two masters, nor none for long. */
const CALM = ['kill', 'stop', 'link', 'handover', 'script', 'meddle'] as const;
/** Those that the protocol cannot but suffer from until they end. */
const ROUGH = ['stall', 'partition', 'noise', 'refuse', 'mute'] as const;

function electionsOf(host: SimulatedHost): number {
  return host.routers.reduce((sum, router) => sum + router.counters.becomeMaster, 0);
}

class Chaos {
  readonly simulation: Simulation;
  readonly history: string[] = [];
  failovers = 0;
  readonly #vrids: number[];
  readonly #intervalMs: number;
  readonly #version: 2 | 3;
  /** What addresses that were taken away or refused need to come back. */
  #restoreMs = 0;
  readonly #preempts: boolean;
  readonly #lastMaster = new Map<number, string>();
  /** Since when a VRID has had two senders, in a time without misfortune. */
  readonly #doubleSinceMs = new Map<number, number>();
  /** Since when a VRID has had no master although a backup waits. */
  readonly #emptySinceMs = new Map<number, number>();
  #quietSinceMs = 0;
  #isQuiet = false;

  constructor(seed: number) {
    this.simulation = new Simulation(seed);
    const { random, lan } = this.simulation;
    const version = random.pick([2, 3] as const);
    this.#version = version;
    this.#intervalMs = version === 2 ? 1000 : random.pick([10, 100, 1000, 2500]);
    this.#preempts = random.chance(0.7);
    lan.faults.maxDelayMs = Math.min(1, this.#intervalMs / 40);
    const family = version === 3 && random.chance(0.3) ? 6 : 4;
    this.#vrids = random.chance(0.3) ? [51, 52] : [51];
    const isGrouped = this.#vrids.length > 1 && random.chance(0.5);
    const hasTies = random.chance(0.3);
    const count = random.integer(2, 4);
    for (let i = 0; i < count; i++) {
      const draw = () => (hasTies ? random.integer(100, 101) : random.integer(1, 254));
      const priority = draw();
      const instances = this.#vrids.map(vrid =>
        this.#instance(vrid, isGrouped ? priority : draw(), version, family),
      );
      const groups = isGrouped
        ? [
            syncGroup(
              'G',
              instances.map(each => each.name),
            ),
          ]
        : [];
      const host = this.simulation.addHost(
        config(instances, { vrrpSyncGroups: groups, vrrpScripts: [script('chk')] }),
        family,
      );
      host.clockOffsetMs = random.between(0, 1e6);
      host.clockRate = random.between(0.9998, 1.0002);
      host.onSettled = settled => this.#observe(settled);
    }
  }

  #instance(vrid: number, priority: number, version: 2 | 3, family: 4 | 6): VrrpInstance {
    return instance({
      name: `VI_${vrid}`,
      virtualRouterId: vrid,
      priority,
      version,
      family,
      advertIntervalMs: this.#intervalMs,
      preempt: this.#preempts ? 'preempt' : 'nopreempt',
      virtualAddresses: [vip(family === 4 ? `192.0.2.${vrid + 100}` : `fe80::${vrid}:100`)],
      trackScripts: [tracker('chk')],
    });
  }

  run(misfortunes: number): void {
    for (const host of this.simulation.hosts) this.#start(host);
    this.#settle();
    for (let i = 0; i < misfortunes; i++) {
      const { kind, victim } = this.#misfortune();
      const elections = victim.engine ? electionsOf(victim) : 0;
      const wasBackup = victim.routers.every(router => router.state === 'Backup');
      this.#settle();
      // A backup that had no CPU finds its master's advertisements in its sockets.
      if (kind === 'stall' && wasBackup)
        assert(electionsOf(victim) === elections, `${victim.name} took over after a stall`);
    }
  }

  #start(host: SimulatedHost): void {
    host.start();
    host.tell({ kind: 'scriptResult', script: 'chk', success: true });
  }

  /** Ends every misfortune that has an end, and waits as long as the protocol may need. */
  #settle(): void {
    const { lan, hosts, random } = this.simulation;
    this.simulation.run(random.between(0, 4 * this.#intervalMs));
    lan.heal();
    lan.faults.loss = 0;
    lan.faults.duplication = 0;
    lan.faults.corruption = 0;
    for (const host of hosts) {
      host.resume();
      host.faults.sendError = undefined;
      host.faults.addError = undefined;
    }
    this.#isQuiet = true;
    this.#quietSinceMs = this.simulation.clock.nowMs;
    this.#emptySinceMs.clear();
    this.#doubleSinceMs.clear();
    for (const vrid of this.#vrids) this.#observeVrid(vrid);
    this.simulation.run(this.#longestElectionMs() + 1.05 * this.#restoreMs);
    this.#restoreMs = 0;
    this.#check();
  }

  #misfortune(): { kind: string; victim: SimulatedHost } {
    const { random, hosts } = this.simulation;
    const [first, ...rest] = hosts;
    assert(first, 'a cluster has hosts');
    const host = random.pick([first, ...rest]);
    const master = hosts.find(each => sendersOf([each], 51).length > 0) ?? host;
    const victim = random.chance(0.6) ? master : host;
    const kind = victim.engine ? random.pick(random.chance(0.5) ? CALM : ROUGH) : 'start';
    this.history.push(`${kind} ${victim.name}`);
    this.#isQuiet = kind === 'start' || (CALM as readonly string[]).includes(kind);
    if (kind === 'meddle' || kind === 'refuse') this.#restoreMs = RESTORE_INTERVAL_MS;
    this.#afflict(kind, victim);
    return { kind, victim };
  }

  #afflict(kind: string, host: SimulatedHost): void {
    const { lan, random, hosts } = this.simulation;
    const other = hosts.find(each => each !== host);
    switch (kind) {
      case 'start':
        this.#start(host);
        break;
      case 'kill':
        host.kill();
        break;
      case 'stop':
        host.stop();
        break;
      case 'link':
        host.setLink(!host.linkUp);
        break;
      case 'stall':
        host.stall();
        break;
      case 'partition':
        for (const each of hosts) {
          if (random.chance(0.8)) lan.cut(host.name, each.name);
          if (random.chance(0.8)) lan.cut(each.name, host.name);
        }
        break;
      case 'noise':
        lan.faults.loss = random.between(0, 0.6);
        lan.faults.duplication = random.between(0, 0.3);
        lan.faults.corruption = random.between(0, 0.3);
        break;
      case 'handover':
        host.tell({ kind: 'handover', router: host.router('VI_51') });
        break;
      case 'script':
        host.tell({ kind: 'scriptResult', script: 'chk', success: random.chance(0.3) });
        break;
      case 'meddle':
        for (const text of host.addressTexts) host.meddle('addressRemoved', text);
        break;
      case 'refuse':
        host.faults.addError = 'EPERM';
        other?.kill();
        break;
      case 'mute':
        host.faults.sendError = 'ENOBUFS';
        break;
      default:
        break;
    }
  }

  #observe(host: SimulatedHost): void {
    if (!host.stalled) {
      checkHost(host);
      checkMembers(host);
    }
    for (const vrid of this.#vrids) this.#observeVrid(vrid);
  }

  #observeVrid(vrid: number): void {
    const senders = sendersOf(this.simulation.hosts, vrid);
    const [only] = senders;
    if (only && senders.length === 1) {
      const last = this.#lastMaster.get(vrid);
      if (last !== undefined && last !== only.name) this.failovers++;
      this.#lastMaster.set(vrid, only.name);
    }
    if (!this.#isQuiet) return;
    const { nowMs } = this.simulation.clock;
    this.#observeEmptiness(vrid, nowMs);
    if (senders.filter(host => host.linkUp).length < 2) {
      this.#doubleSinceMs.delete(vrid);
      return;
    }
    const sinceMs = this.#doubleSinceMs.get(vrid) ?? nowMs;
    this.#doubleSinceMs.set(vrid, sinceMs);
    // Masters left by the misfortune meet within an interval; new ones as soon as the first advertisement travels.
    const inherited = sinceMs === this.#quietSinceMs;
    const allowedMs = 3 * this.simulation.lan.faults.maxDelayMs + (inherited ? 1.01 * this.#intervalMs : 0);
    const names = senders.map(each => each.name).join(' and ');
    assert(nowMs - sinceMs <= allowedMs, `VRID ${vrid}: two masters, ${names}, for ${nowMs - sinceMs} ms`);
  }

  /** Two masters meet within an interval, a backup waits for three and its skew, a sync group for one more. */
  #longestElectionMs(): number {
    const skewMs = this.#version === 2 ? 1000 : this.#intervalMs;
    return 1.01 * (5 * this.#intervalMs + skewMs) + 2;
  }

  /** A backup waits for at most three intervals and its skew, and in a sync group for one more interval. */
  #observeEmptiness(vrid: number, nowMs: number): void {
    const routers = this.simulation.hosts
      .filter(host => host.linkUp && !host.stalled)
      .flatMap(host => host.routers.filter(router => router.config.virtualRouterId === vrid));
    const isHeld = routers.some(router => router.state === 'Master' || router.state === 'Releasing');
    if (isHeld || routers.every(router => router.state !== 'Backup')) {
      this.#emptySinceMs.delete(vrid);
      return;
    }
    const sinceMs = this.#emptySinceMs.get(vrid) ?? nowMs;
    this.#emptySinceMs.set(vrid, sinceMs);
    const allowedMs = this.#longestElectionMs();
    assert(nowMs - sinceMs <= allowedMs, `VRID ${vrid}: no master for ${nowMs - sinceMs} ms`);
  }

  #check(): void {
    for (const vrid of this.#vrids) {
      const name = `VI_${vrid}`;
      const able = this.simulation.hosts.filter(
        host => host.engine && host.linkUp && host.router(name).state !== 'Fault',
      );
      const senders = sendersOf(this.simulation.hosts, vrid);
      const states = this.simulation.hosts
        .map(host => `${host.name} ${host.engine ? host.router(name).state : 'dead'}`)
        .join(', ');
      assert(
        senders.length === Math.min(1, able.length),
        `VRID ${vrid}: ${senders.length} masters: ${states}`,
      );
      for (const host of able) checkHost(host);
      const [master] = senders;
      if (master && this.#preempts) checkBest(master, able, name);
    }
  }
}

/** With preemption the master is the best of those that may preempt. */
function checkBest(master: SimulatedHost, able: readonly SimulatedHost[], name: string): void {
  const { effectivePriority: priority } = master.router(name);
  for (const host of able) {
    const router = host.router(name);
    assert(
      router.handedOver || router.effectivePriority <= priority,
      `${name}: ${host.name} is better than the master, ${master.name}`,
    );
  }
}
