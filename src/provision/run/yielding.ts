/** A director that leaves: others become MASTER of its instances before its priority falls, without a lost packet. */
import type { RunContext } from './api.ts';
import type { LockedScene } from './cluster-run.ts';
import type { HostRun } from './host-run.ts';
import { mastered, representatives, unprotected, type RollingUnit } from './rolling.ts';
import { endHandover, handOver } from './switchover.ts';

export class Yielding {
  readonly #unit: RollingUnit;
  readonly #context: RunContext;
  readonly #directors: readonly string[];
  readonly #asked = new Map<HostRun, readonly string[]>();

  constructor(unit: RollingUnit, context: RunContext, directors: readonly string[]) {
    this.#unit = unit;
    this.#context = context;
    this.#directors = directors;
  }

  /** Why somebody would be left without a MASTER; undefined if nobody would. */
  async exposed(scene: LockedScene): Promise<string | undefined> {
    const live = await scene.livePicture();
    for (const { name } of this.#members(scene)) {
      const left = live.get(name) ? unprotected(name, live) : [];
      if (left.length > 0) return `nobody could take over ${left.join(', ')} from ${name}`;
    }
    return undefined;
  }

  /** Gives away what can be taken over. False if that failed, which the host then says. */
  async begin(scene: LockedScene): Promise<boolean> {
    for (const host of this.#members(scene)) {
      const live = await scene.livePicture();
      const status = live.get(host.name);
      if (!status) continue;
      const exposed = new Set(unprotected(host.name, live));
      const instances = mastered(status).filter(name => !exposed.has(name));
      if (instances.length === 0) continue;
      this.#context.emit({ type: 'switchover', cluster: this.#unit.name, from: host.name, instances });
      const asked = representatives(status, instances);
      this.#asked.set(host, asked);
      if (!(await handOver(host.remote, asked, status))) return false;
    }
    return true;
  }

  /** The priority holds them back from now on, or the turn did not come. Never throws. */
  async end(): Promise<void> {
    for (const [host, instances] of this.#asked) await endHandover(host.remote, instances);
    this.#asked.clear();
  }

  /** What the directors are MASTER of though another router could be, one phrase each. */
  async left(scene: LockedScene): Promise<string[]> {
    const live = await scene.livePicture();
    return this.#members(scene).flatMap(({ name }) => {
      const status = live.get(name);
      if (!status) return [`${name} runs no VRRP daemon that answers`];
      const exposed = new Set(unprotected(name, live));
      const held = mastered(status).filter(instance => !exposed.has(instance));
      return held.length > 0 ? [`${name} is MASTER of ${held.join(', ')}`] : [];
    });
  }

  #members({ members }: LockedScene): HostRun[] {
    return members.filter(({ name, remote }) => this.#directors.includes(name) && remote.connected);
  }
}
