import type { Config } from '#conf/model.ts';
import type { Kernel, KernelEvent } from '#linux/ports.ts';
import type { Interfaces } from './interfaces.ts';
import { KernelSettings } from './kernel-settings.ts';
import type { Log } from './log.ts';
import { promotionSettings } from './promote-secondaries.ts';
import { type MissingStatics, StaticNetwork } from './static-network.ts';
import { Vmacs } from './vmacs.ts';

const PROMOTION = 'promotion';

/** What the daemon keeps on the host whatever the state of the instances: macvlans, settings, static objects. */
export class HostObjects {
  readonly #vmacs: Vmacs;
  readonly #settings: KernelSettings;
  readonly #static: StaticNetwork;

  /** `settingsRecord`: a file that outlives a killed daemon. `onMissing` hears what tracked static objects lack. */
  constructor(
    kernel: Kernel,
    interfaces: Interfaces,
    log: Log,
    settingsRecord: string,
    onMissing: (missing: MissingStatics) => void,
  ) {
    this.#settings = new KernelSettings(settingsRecord, log);
    this.#vmacs = new Vmacs(kernel, interfaces, log, this.#settings);
    this.#static = new StaticNetwork(kernel, interfaces, log, onMissing);
  }

  /** Makes the interfaces that are wanted; true if the kernel has something to tell of them. */
  makeInterfaces(config: Config): boolean {
    return this.#vmacs.apply(config);
  }

  /** Everything that needs interfaces to be known. */
  apply(config: Config): void {
    this.#settings.apply(PROMOTION, promotionSettings(config));
    this.#static.apply(config);
  }

  /** Removes interfaces that nobody uses any more. */
  prune(): void {
    this.#vmacs.prune();
  }

  noticed(event: KernelEvent): void {
    this.#vmacs.noticed(event);
    this.#static.noticed(event);
  }

  close(): void {
    this.#static.close();
    this.#settings.apply(PROMOTION, new Map());
    this.#vmacs.close();
  }
}
