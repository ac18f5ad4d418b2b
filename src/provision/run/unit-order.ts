/** Which units wait for which: real servers and the clusters in front of them. */
import type { RunCluster } from './ports.ts';
import type { RollingUnit } from './rolling.ts';

/** Something that one part of a run waits for and another one brings about; the first word counts. */
class Word {
  readonly #given = Promise.withResolvers<boolean>();

  give(value: boolean): void {
    this.#given.resolve(value);
  }

  get heard(): Promise<boolean> {
    return this.#given.promise;
  }
}

interface Place {
  readonly unit: RollingUnit;
  /** All that was to be done in the unit was done. */
  readonly done: Word;
  /** A cluster's word that its real servers may be torn down. */
  readonly released: Word;
}

/**
 * An apply makes real servers ready before their directors send to them. A teardown takes them down before their
 * directors, and when those have said so.
 */
export class UnitOrder {
  readonly #places: ReadonlyMap<RollingUnit, Place>;
  readonly #fronts: ReadonlyMap<RollingUnit, readonly RollingUnit[]>;

  /** `alsoMembers`: members of a cluster may be real servers of another that are waited for too. */
  constructor(units: readonly RollingUnit[], clusters: readonly RunCluster[], alsoMembers: boolean) {
    this.#places = new Map(units.map(unit => [unit, { unit, done: new Word(), released: new Word() }]));
    const realServersOf = (unit: RollingUnit): ReadonlySet<string> =>
      new Set(
        clusters
          .filter(({ name }) => unit.clusters.includes(name))
          .flatMap(({ realServers }) => realServers ?? []),
      );
    const fronts = units.map(unit => ({ unit, realServers: realServersOf(unit) }));
    // Waiting in a circle would never end, and a circle needs a member of a cluster.
    const behind = units.filter(unit => alsoMembers || unit.clusters.length === 0);
    this.#fronts = new Map(
      behind.map(unit => [
        unit,
        fronts
          .filter(front => front.unit !== unit && unit.members.some(host => front.realServers.has(host)))
          .map(front => front.unit),
      ]),
    );
  }

  done(unit: RollingUnit, completely: boolean): void {
    this.#places.get(unit)?.done.give(completely);
    this.#places.get(unit)?.released.give(false);
  }

  release(cluster: RollingUnit, may: boolean): void {
    this.#places.get(cluster)?.released.give(may);
  }

  /** Waits for the clusters in front of the unit; true if all let their real servers go. */
  async released(unit: RollingUnit): Promise<boolean> {
    const fronts = this.#fronts.get(unit) ?? [];
    const words = fronts.map(async front => (await this.#places.get(front)?.released.heard) === true);
    return (await Promise.all(words)).every(Boolean);
  }

  /** Waits for the units behind a cluster; gives the hosts of those that did not do all. */
  async behind(cluster: RollingUnit): Promise<readonly string[]> {
    const waited = [...this.#fronts]
      .filter(([, fronts]) => fronts.includes(cluster))
      .map(async ([unit]) => ((await this.#places.get(unit)?.done.heard) === true ? [] : unit.members));
    return (await Promise.all(waited)).flat();
  }
}
