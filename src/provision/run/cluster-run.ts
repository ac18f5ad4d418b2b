/** The turns of one cluster: locks on all members, one host after the other, masters last and after a switchover. */
import type { LiveStatus } from '#control/server-status.ts';
import type { DaemonStatus } from '#control/status.ts';
import { sh } from '#provision/model/shell.ts';
import { type ApartParts, reportWire, rollApart } from './apart-roll.ts';
import type { RunContext } from './api.ts';
import { calmOrder, type MasterChange } from './elections.ts';
import type { HostRun } from './host-run.ts';
import { departureLines } from './leaving.ts';
import { lockHosts } from './lock-hosts.ts';
import {
  mastered,
  representatives,
  rivalsOf,
  rollingOrder,
  turnRestarts,
  unprotected,
  type RollingUnit,
} from './rolling.ts';
import { awaitMaster, canHandOver, endHandover, handOver } from './switchover.ts';
import { wireRoll, type WireRoll } from './wire-roll.ts';

/** What a roll may do to a cluster. */
export interface RollPolicy {
  /** Disturb though a member is missing or nobody could take over. */
  readonly forceDegraded: boolean;
  /** How long a cluster may be without redundancy for a change that its routers cannot speak across. */
  readonly allowUnprotectedSeconds: number;
  /**
   * The hosts are taken down for good: a clean stop gives the VIPs away by itself, no redundancy is to be kept, and a
   * missing member holds nobody up; but a host that serves only goes with its cluster's name in `yes`.
   */
  readonly teardown: { readonly yes: readonly string[] } | undefined;
  /** What is done besides, while all members are locked. */
  readonly work?: LockedWork;
}

/** Work around a cluster's turns. Neither part throws. */
export interface LockedWork {
  /** Before the first turn. False, and said, if there shall be none. */
  readonly before: (scene: LockedScene) => Promise<boolean>;
  /** After the turns; `completed`: none stopped. */
  readonly after: (scene: LockedScene, completed: boolean) => Promise<void>;
}

/** A cluster whose members are locked. */
export interface LockedScene {
  readonly members: readonly HostRun[];
  /** What every member's tandemd says now. */
  readonly livePicture: () => Promise<ReadonlyMap<string, LiveStatus | undefined>>;
  /** Plans anew and takes the members in turn once more. False if that stopped. */
  readonly rollAgain: () => Promise<boolean>;
}

/** Nothing of ours is left on a host without a ledger: not even the place where locks lie. */
const REMOVE_RUN_DIRECTORY = sh`[ -e "$t_state" ] || rm -rf "$t_run"`;

/** How often who is MASTER is asked again. */
const RIVALRY_RETRY_MS = 250;

export class ClusterRun {
  readonly #unit: RollingUnit;
  readonly #members: readonly HostRun[];
  readonly #context: RunContext;
  readonly #policy: RollPolicy;
  #stays: string | undefined;

  /** `members` in order of preference. */
  constructor(unit: RollingUnit, members: readonly HostRun[], context: RunContext, policy: RollPolicy) {
    this.#unit = unit;
    this.#members = members;
    this.#context = context;
    this.#policy = policy;
  }

  /** A teardown: whether it will go, as far as is known before its turns, so that its real servers may go before. */
  mayGo(): boolean {
    const { clusters } = this.#unit;
    const { teardown } = this.#policy;
    if (clusters.every(name => teardown?.yes.includes(name))) return true;
    const serves = this.#members.some(host => mastered(host.live).length > 0);
    return !serves && this.#members.every(host => host.selected && !host.remote.failure);
  }

  /** Nothing of the unit is done in this run. */
  stay(reason: string): void {
    this.#stays = reason;
  }

  /** Runs the turns that are due, once every member is prepared. Never throws. */
  async roll(): Promise<void> {
    this.#reportDepartures();
    const { work } = this.#policy;
    const due = this.#members.filter(host => host.selected && host.due && !this.#maintained(host));
    if (this.#stays !== undefined) for (const host of due) host.postpone(this.#stays);
    else if (this.#withheld()) for (const host of due) host.postpone(`an earlier roll-out stopped: --resume`);
    else if ((due.length > 0 || work) && this.#permitted(due)) {
      await Promise.all(this.#members.filter(host => !host.selected).map(host => host.look()));
      const missing = this.#members.filter(host => host.remote.failure);
      const tolerated = this.#policy.forceDegraded || this.#policy.teardown !== undefined;
      if (missing.length > 0 && !tolerated) this.#postponeAll(due, missing);
      else await this.#rollLocked(due);
    }
    await Promise.all(this.#members.map(host => host.finish()));
  }

  /** True, and said, if a member has handlers of a roll-out that stopped. */
  #withheld(): boolean {
    const hosts = this.#policy.teardown
      ? []
      : this.#members.filter(host => host.selected && host.plan?.withheld);
    for (const host of hosts) host.reportWithheld();
    return hosts.length > 0;
  }

  /** A teardown of what serves must have been meant. */
  #permitted(due: readonly HostRun[]): boolean {
    const { teardown } = this.#policy;
    const unnamed = this.#unit.clusters.filter(cluster => teardown?.yes.includes(cluster) === false);
    const serving = due.filter(host => mastered(host.live).length > 0);
    if (!teardown || unnamed.length === 0 || serving.length === 0) return true;
    for (const host of serving) {
      const message = `it serves: it is MASTER of ${mastered(host.live).join(', ')}. If that shall end, give --yes ${unnamed.join(',')}`;
      host.remote.fail(host.remote.error('teardown', message), 'teardown');
    }
    for (const host of due)
      host.postpone(`${serving.map(each => each.name).join(', ')} of ${this.#unit.name} serves`);
    return false;
  }

  #maintained(host: HostRun): boolean {
    const mark = host.maintenance;
    if (!mark || !host.due) return false;
    const message = `under maintenance by ${mark.owner}: ${mark.reason}; it is not started, reloaded or restarted`;
    this.#context.emit({ type: 'warning', host: host.name, message });
    host.postpone(message);
    return true;
  }

  #postponeAll(due: readonly HostRun[], missing: readonly HostRun[]): void {
    const names = missing.map(host => host.name).join(', ');
    const reason = `${names} of ${this.#unit.name} cannot take over: only what disturbs nothing was done`;
    this.#context.emit({ type: 'warning', message: `${reason} (--force-degraded does it all the same)` });
    for (const host of due) host.postpone(reason);
  }

  async #rollLocked(due: readonly HostRun[]): Promise<void> {
    const reachable = this.#members.filter(host => host.remote.connected);
    try {
      const locked = await this.#lockAll(reachable, due);
      const planned = this.#policy.work ? reachable : due;
      if (locked === 'after-waiting') await Promise.all(planned.map(host => host.planAgain()));
      if (locked !== 'no') await this.#underLocks(planned.filter(host => host.due));
    } finally {
      await Promise.all(reachable.map(host => this.#unlock(host)));
    }
  }

  async #underLocks(due: readonly HostRun[]): Promise<void> {
    const { work } = this.#policy;
    const scene: LockedScene = {
      members: this.#members,
      livePicture: () => this.#livePicture(),
      rollAgain: () => this.#rollAgain(),
    };
    if (work && !(await work.before(scene))) {
      for (const host of due) host.postpone('it was refused');
      return;
    }
    const completed = await this.#rollInOrder(due);
    await work?.after(scene, completed);
  }

  async #rollAgain(): Promise<boolean> {
    const hosts = this.#members.filter(host => host.remote.connected);
    await Promise.all(hosts.map(host => host.planAgain()));
    if (hosts.some(host => host.remote.failure)) return false;
    return this.#rollInOrder(hosts.filter(host => host.due));
  }

  async #unlock(host: HostRun): Promise<void> {
    await host.remote.unlock();
    if (!this.#policy.teardown || !host.selected || !host.remote.connected) return;
    await host.remote.ask(REMOVE_RUN_DIRECTORY, 'remove /run/tandem').catch(() => undefined);
  }

  async #lockAll(
    reachable: readonly HostRun[],
    due: readonly HostRun[],
  ): Promise<'no' | 'at-once' | 'after-waiting'> {
    const locked = await lockHosts(reachable.map(host => host.remote));
    if (typeof locked === 'string') return locked;
    for (const other of due) other.postpone(`${locked.failed.name} could not be locked`);
    return 'no';
  }

  /** False if it was refused or stopped. */
  async #rollInOrder(due: readonly HostRun[]): Promise<boolean> {
    const live = await this.#livePicture();
    const wire = this.#wireRoll(due, live);
    if (wire === 'refused') return false;
    if (!wire) return this.#rollTogether(due, live);
    await rollApart({ unit: this.#unit, context: this.#context, due, live, roll: wire, ...this.#parts() });
    return due.every(host => !host.remote.failure);
  }

  #parts(): ApartParts {
    return {
      turns: (due, order) => this.#turns(due, order),
      handOver: (host, instances, status) => this.#handOver(host, instances, status),
      livePicture: () => this.#livePicture(),
    };
  }

  async #rollTogether(
    due: readonly HostRun[],
    live: ReadonlyMap<string, DaemonStatus | undefined>,
  ): Promise<boolean> {
    const names = due.map(host => host.name);
    const plans = new Map(due.map(host => [host.name, host.plan]));
    const elected = calmOrder(rollingOrder(names, this.#unit.members, live), plans, live);
    if ('refused' in elected) {
      this.#context.emit({ type: 'warning', message: `${this.#unit.name}: ${elected.refused}` });
      for (const host of due) host.postpone(elected.refused);
      return false;
    }
    const stoppedBy = await this.#turns(due, elected.order);
    if (stoppedBy !== undefined) return false;
    for (const change of elected.changes) await this.#prefer(change);
    return due.every(host => !host.remote.failure);
  }

  /** The preferred master has changed: it takes over now, and not when its timer has run out. */
  async #prefer({ from, to, instances }: MasterChange): Promise<void> {
    const [giver, taker] = [from, to].map(name => this.#members.find(host => host.name === name));
    if (!giver?.remote.connected || !taker?.remote.connected) return;
    const live = await this.#livePicture();
    const left = instances.filter(name => mastered(live.get(from)).includes(name));
    if (left.length > 0) {
      this.#context.emit({ type: 'switchover', cluster: this.#unit.name, from, instances: left });
      const asked = representatives(live.get(from), left);
      if (!(await this.#handOver(giver, asked, live.get(from)))) return;
      await endHandover(giver.remote, asked);
    }
    await awaitMaster(taker.remote, instances, 'become the preferred master', live.get(to));
  }

  /** One host after the other; gives the one at which it stopped. */
  async #turns(due: readonly HostRun[], order: readonly string[]): Promise<string | undefined> {
    let stoppedBy: string | undefined;
    for (const name of order) {
      const host = due.find(candidate => candidate.name === name);
      if (!host) continue;
      if (stoppedBy !== undefined)
        host.postpone(`the roll-out of ${this.#unit.name} stopped at ${stoppedBy}`);
      else if (!(await this.#turnOf(host))) stoppedBy = name;
    }
    return stoppedBy;
  }

  /** Says which real servers the members do without, and until when. */
  #reportDepartures(): void {
    if (this.#policy.work) return;
    const found = this.#members
      .filter(host => host.selected)
      .map(host => ({ director: host.name, departures: host.plan?.departures?.inForce ?? [] }));
    for (const message of departureLines(found)) this.#context.emit({ type: 'warning', message });
  }

  /** Check mode: says how a change would be rolled that the routers cannot speak across. */
  foretell(): void {
    this.#reportDepartures();
    const due = this.#members.filter(host => host.selected && host.due);
    const live = new Map(this.#members.map(host => [host.name, host.live]));
    if (!this.#withheld()) this.#wireRoll(due, live, true);
  }

  /** How to roll a change that the routers cannot speak across; undefined if it is none. */
  #wireRoll(
    due: readonly HostRun[],
    live: ReadonlyMap<string, DaemonStatus | undefined>,
    check = false,
  ): WireRoll | 'refused' | undefined {
    if (this.#policy.teardown) return undefined;
    const members = this.#members.map(host => ({
      name: host.name,
      due: due.includes(host),
      plan: host.plan,
      live: live.get(host.name),
    }));
    const roll = wireRoll(members);
    if (!roll) return undefined;
    if ('refused' in roll) {
      this.#context.emit({ type: 'warning', message: `${this.#unit.name}: ${roll.refused}` });
      if (!check) for (const host of due) host.postpone(roll.refused);
      return 'refused';
    }
    const { expectedSeconds } = roll;
    if (expectedSeconds <= this.#policy.allowUnprotectedSeconds) {
      if (check) reportWire(this.#context, this.#unit, roll, 'planned');
      return roll;
    }
    reportWire(this.#context, this.#unit, roll, 'refused');
    const reason = `the routers of ${this.#unit.name} would not understand each other: --allow-unprotected ${expectedSeconds}`;
    if (!check) for (const host of due) host.postpone(reason);
    return 'refused';
  }

  async #turnOf(host: HostRun): Promise<boolean> {
    const handedOver = await this.#switchOver(host);
    if (handedOver === 'refused') return false;
    const restarts = host.plan !== undefined && turnRestarts(host.plan);
    const done = await host.turn();
    if (!done && handedOver.length > 0) await endHandover(host.remote, handedOver);
    return done && (!restarts || this.#policy.teardown !== undefined || (await this.#isHeard(host)));
  }

  /** After a start: nobody else goes on as MASTER beside it, which would mean that they do not hear each other. */
  async #isHeard(host: HostRun): Promise<boolean> {
    const deadlineAtMs = performance.now() + this.#context.settings.rivalryMs;
    for (;;) {
      const live = await this.#livePicture();
      const [rivalry] = rivalsOf(host.name, live);
      if (!rivalry) return true;
      if (performance.now() > deadlineAtMs) {
        const message = `${host.name} and ${rivalry.rival} are MASTER of ${rivalry.instance} at the same time: they do not hear each other (a firewall? another password?)`;
        host.remote.fail(host.remote.error('one master', message), 'one master');
        return false;
      }
      await new Promise(resolve => setTimeout(resolve, RIVALRY_RETRY_MS));
    }
  }

  /** Before a master's daemon is stopped another one takes over. Gives the instances that it gave away. */
  async #switchOver(host: HostRun): Promise<readonly string[] | 'refused'> {
    if (this.#policy.teardown || this.#members.length < 2) return [];
    if (!host.plan || !turnRestarts(host.plan)) return [];
    const live = await this.#livePicture();
    const instances = mastered(live.get(host.name));
    if (instances.length === 0) return [];
    const exposed = unprotected(host.name, live);
    if (exposed.length > 0 && !this.#policy.forceDegraded) {
      const reason = `nobody could take over ${exposed.join(', ')} from it (--force-degraded restarts it all the same)`;
      this.#context.emit({ type: 'warning', host: host.name, message: `${reason}; it was left alone` });
      host.postpone(reason);
      return 'refused';
    }
    const covered = instances.filter(name => !exposed.includes(name));
    if (covered.length === 0) return [];
    this.#context.emit({ type: 'switchover', cluster: this.#unit.name, from: host.name, instances: covered });
    const asked = representatives(live.get(host.name), covered);
    return (await this.#handOver(host, asked, live.get(host.name))) ? asked : 'refused';
  }

  /** What every member's tandemd says now: the probe may be a minute old, and turns start daemons. */
  async #livePicture(): Promise<Map<string, LiveStatus | undefined>> {
    const asked = this.#members.map(async (host): Promise<[string, LiveStatus | undefined]> => [
      host.name,
      host.remote.connected ? await host.remote.live().catch(() => undefined) : undefined,
    ]);
    return new Map(await Promise.all(asked));
  }

  /** A daemon that cannot be asked gives everything away when it is stopped, or when it hears a better one. */
  async #handOver(
    host: HostRun,
    instances: readonly string[],
    status: DaemonStatus | undefined,
  ): Promise<boolean> {
    if (!canHandOver(status, instances)) return true;
    if (await handOver(host.remote, instances, status)) return true;
    host.postpone('the switchover failed');
    return false;
  }
}
