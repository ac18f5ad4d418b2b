import type { Config } from '#conf/model.ts';
import type { Kernel, KernelEvent } from '#linux/ports.ts';
import type { Interfaces } from './interfaces.ts';
import type { Log } from './log.ts';
import { PromoteSecondaries } from './promote-secondaries.ts';
import { StaticNetwork } from './static-network.ts';
import { Vmacs } from './vmacs.ts';

/** What the daemon keeps on the host whatever the state of the instances: macvlans, settings, static objects. */
export class HostObjects {
  readonly #vmacs: Vmacs;
  readonly #promotion: PromoteSecondaries;
  readonly #static: StaticNetwork;

  constructor(kernel: Kernel, interfaces: Interfaces, log: Log) {
    this.#vmacs = new Vmacs(kernel.tables, interfaces, log);
    this.#promotion = new PromoteSecondaries(log);
    this.#static = new StaticNetwork(kernel, interfaces, log);
  }

  /** Makes the interfaces that are wanted; true if the kernel has something to tell of them. */
  makeInterfaces(config: Config): boolean {
    return this.#vmacs.apply(config);
  }

  /** Everything that needs interfaces to be known. */
  apply(config: Config): void {
    this.#promotion.apply(config);
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
    this.#promotion.close();
    this.#vmacs.close();
  }
}
