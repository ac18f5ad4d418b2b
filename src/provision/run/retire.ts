/** Hosts leave their directors, or come back: what is done around the directors' turns, under their locks. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Departure, DepartureOrders, LeavingService } from '#provision/model/departures.ts';
import type { RunContext } from './api.ts';
import type { LockedScene, LockedWork } from './cluster-run.ts';
import { Connections, type DirectorSight, notServing, outage, stillServing } from './leaving.ts';
import type { RollingUnit } from './rolling.ts';
import { Yielding } from './yielding.ts';

/** Who leaves, or comes back. */
export interface RetireOptions {
  /** `remove`: drained, then out of the directors' files, then let go of. */
  readonly what: 'drain' | 'remove' | 'undrain';
  readonly hosts: readonly string[];
  /** Those of them that run instances, and are to be MASTER of none. */
  readonly directors: readonly string[];
  /** What they serve for on a director. */
  readonly services: (director: string) => readonly LeavingService[];
  /** How long connections may take to end, milliseconds. */
  readonly timeoutMs: number;
  /** Go on although clients will be refused, or not every director can be asked. */
  readonly force: (clusters: readonly string[]) => boolean;
}

/** How often directors are asked. */
const POLL_MS = 500;
/** How long a director may take to do in the kernel what its file says, milliseconds. */
const CARRIED_OUT_MS = 30_000;
/** However long an answer takes. */
const ASKED_AT_LEAST = 3;

/** Everybody of `hosts` leaves, in `state`. */
export function leaveOrders(
  hosts: readonly string[],
  departure: Pick<Departure, 'state' | 'cause' | 'owner' | 'atMs'>,
): DepartureOrders {
  return { leave: hosts.map(host => ({ host, ...departure })), returns: () => false, nothingElse: true };
}

/**
 * The work around one cluster's turns. `letGo` is called once its members send nothing to the hosts and have forgotten
 * them; their locks are held until what it gives is done.
 */
export function retireWork(
  unit: RollingUnit,
  context: RunContext,
  options: RetireOptions,
  letGo: () => Promise<void>,
): LockedWork {
  return new Retiring(unit, context, options, letGo);
}

class Retiring implements LockedWork {
  readonly #unit: RollingUnit;
  readonly #context: RunContext;
  readonly #options: RetireOptions;
  readonly #letGo: () => Promise<void>;
  readonly #who: string;
  readonly #yielding: Yielding;

  constructor(unit: RollingUnit, context: RunContext, options: RetireOptions, letGo: () => Promise<void>) {
    this.#unit = unit;
    this.#context = context;
    this.#options = options;
    this.#letGo = letGo;
    this.#who = options.hosts.join(', ');
    this.#yielding = new Yielding(unit, context, options.what === 'undrain' ? [] : options.directors);
  }

  before = async (scene: LockedScene): Promise<boolean> => {
    const { what, force } = this.#options;
    const marked = scene.members.find(host => host.maintenance);
    if (marked?.maintenance) {
      const { owner, reason } = marked.maintenance;
      this.#fail(scene, `${marked.name} is under maintenance by ${owner}: ${reason}; it is not reloaded`);
      return false;
    }
    const torn = scene.members
      .flatMap(({ plan }) => plan?.departures?.inForce ?? [])
      .find(({ host, cause }) => what === 'undrain' && cause === 'teardown' && this.#isOurs(host));
    if (torn) {
      this.#fail(scene, `${torn.host} was torn down: an apply of it and its directors puts it back`);
      return false;
    }
    if (what === 'undrain') return true;
    const sights = await this.#sightsOfAll(scene);
    const silent = silentIn(sights);
    if (silent.length > 0) {
      const names = silent.map(({ name }) => name).join(', ');
      this.#fail(scene, `${names} runs no VRRP daemon that answers: see tandem status, and apply first`);
      return false;
    }
    const reason = outage(sights) ?? (await this.#yielding.exposed(scene));
    const isForced = force(this.#unit.clusters);
    const way = what === 'remove' ? `--yes ${this.#unit.clusters.join(',')}` : '--force-degraded';
    if (reason !== undefined && !isForced) {
      this.#fail(scene, `${reason} (${way} does it all the same)`);
      return false;
    }
    if (reason !== undefined) this.#context.emit({ type: 'warning', message: reason });
    return this.#yielding.begin(scene);
  };

  after = async (scene: LockedScene, completed: boolean): Promise<void> => {
    await this.#yielding.end();
    if (!completed) return;
    try {
      if (this.#options.what === 'undrain') await this.#welcome(scene);
      else await this.#retire(scene);
    } catch (error) {
      this.#fail(scene, error);
    }
  };

  async #retire(scene: LockedScene): Promise<void> {
    if (!(await this.#carriedOut(scene, stillServing))) return;
    if (this.#options.directors.some(name => this.#unit.members.includes(name))) this.#emit('yielded', 0, 0);
    if (this.#serves(scene)) await this.#retireServers(scene);
  }

  async #retireServers(scene: LockedScene): Promise<void> {
    if (!(await this.#ended(scene)) && this.#options.what === 'drain') return;
    if (this.#options.what !== 'remove') return;
    const { hosts } = this.#options;
    const { owner } = this.#context.settings;
    const gone = leaveOrders(hosts, { state: 'removed', cause: 'teardown', owner, atMs: Date.now() });
    for (const host of scene.members) if (this.#options.services(host.name).length > 0) host.depart(gone);
    if (!(await scene.rollAgain()) || !(await this.#carriedOut(scene, stillServing))) return;
    this.#emit('removed', 0, 0);
    await this.#letGo();
  }

  async #welcome(scene: LockedScene): Promise<void> {
    const startedAtMs = performance.now();
    if (await this.#carriedOut(scene, notServing))
      this.#emit('undrained', 0, performance.now() - startedAtMs);
  }

  #serves({ members }: LockedScene): boolean {
    return members.some(({ name }) => this.#options.services(name).length > 0);
  }

  #isOurs(host: string): boolean {
    return this.#options.hosts.includes(host);
  }

  /** A busy host may be slow to tell, and is asked again. */
  async #sightsOfAll(scene: LockedScene): Promise<readonly DirectorSight[]> {
    for (let left = ASKED_AT_LEAST; ; left--) {
      const sights = await this.#sights(scene);
      if (left <= 1 || silentIn(sights).length === 0) return sights;
    }
  }

  async #sights({ members, livePicture }: LockedScene): Promise<readonly DirectorSight[]> {
    const live = await livePicture();
    return members
      .filter(({ remote }) => remote.connected)
      .map(({ name }) => ({ name, live: live.get(name), services: this.#options.services(name) }));
  }

  /** Waits until every director does what its file says. False, and said, if one does not. */
  async #carriedOut(
    scene: LockedScene,
    complaints: (sights: readonly DirectorSight[]) => readonly string[],
  ): Promise<boolean> {
    const deadlineAtMs = performance.now() + CARRIED_OUT_MS;
    for (let asked = 1; ; asked++) {
      const left = [...complaints(await this.#sights(scene)), ...(await this.#yielding.left(scene))];
      if (left.length === 0) return true;
      if (performance.now() > deadlineAtMs && asked >= ASKED_AT_LEAST) {
        this.#fail(scene, `${left.join('; ')}, ${CARRIED_OUT_MS / 1000} s after the reload`);
        return false;
      }
      await this.#pause(scene);
    }
  }

  /** Waits until no connection is open. False, and said, if time is up before. */
  async #ended(scene: LockedScene): Promise<boolean> {
    const { timeoutMs, what } = this.#options;
    const startedAtMs = performance.now();
    const connections = new Connections();
    let told = -1;
    for (;;) {
      const nowMs = performance.now();
      const open = connections.open(await this.#sights(scene), nowMs);
      const elapsedMs = Math.round(nowMs - startedAtMs);
      if (open === 0) {
        this.#emit('drained', 0, elapsedMs);
        return true;
      }
      if (open !== told) this.#emit('draining', open, elapsedMs);
      told = open;
      if (elapsedMs > timeoutMs) {
        const message = `${open} connections are left on ${this.#who} after ${Math.round(timeoutMs / 1000)} s; it gets no new ones`;
        if (what === 'drain') this.#fail(scene, `${message}: the same command waits on`);
        else this.#context.emit({ type: 'warning', message: `${message}, and those end now` });
        return false;
      }
      await this.#pause(scene);
    }
  }

  async #pause({ members: [first] }: LockedScene): Promise<void> {
    first?.remote.checkpoint(`wait for ${this.#who}`);
    await sleep(POLL_MS);
  }

  #emit(
    status: 'yielded' | 'draining' | 'drained' | 'removed' | 'undrained',
    connections: number,
    elapsedMs: number,
  ): void {
    const { hosts } = this.#options;
    const rounded = Math.round(elapsedMs);
    this.#context.emit({
      type: 'drain',
      cluster: this.#unit.name,
      hosts,
      status,
      connections,
      elapsedMs: rounded,
    });
  }

  /** The first director that can be asked says it. */
  #fail({ members }: LockedScene, reason: unknown): void {
    const host = members.find(({ remote }) => remote.connected) ?? members[0];
    if (!host) return;
    const step = `${this.#options.what === 'undrain' ? 'undrain' : 'drain'} ${this.#who}`;
    host.remote.fail(typeof reason === 'string' ? host.remote.error(step, reason) : reason, step);
  }
}

function silentIn(sights: readonly DirectorSight[]): DirectorSight[] {
  return sights.filter(({ live, services }) => services.length > 0 && !live);
}
