import { readFileSync, writeFileSync } from 'node:fs';
import { messageOf } from '#base/errors.ts';
import type { Config } from '#conf/model.ts';
import type { Log } from './log.ts';

/**
 * `promote_secondaries`: when the first IPv4 address of a subnet is removed from an interface, Linux removes the others too,
 * unless this setting is on. It is set while an instance asks for it, and what the host had is put back.
 */
export class PromoteSecondaries {
  readonly #log: Log;
  /** What the host had, by interface. */
  readonly #before = new Map<string, string>();

  constructor(log: Log) {
    this.#log = log;
  }

  apply(config: Config): void {
    const wanted = new Set(
      config.vrrpInstances.flatMap(each =>
        each.promoteSecondaries && each.interface !== undefined ? [each.interface] : [],
      ),
    );
    for (const name of wanted) if (!this.#before.has(name)) this.#set(name);
    for (const [name, before] of this.#before) if (!wanted.has(name)) this.#restore(name, before);
  }

  close(): void {
    for (const [name, before] of this.#before) this.#restore(name, before);
  }

  #set(name: string): void {
    try {
      const before = readFileSync(pathOf(name), 'utf8').trim();
      if (before === '1') return;
      writeFileSync(pathOf(name), '1');
      this.#before.set(name, before);
    } catch (error) {
      this.#log.warning(`promote_secondaries of ${name} cannot be set: ${messageOf(error)}`);
    }
  }

  #restore(name: string, before: string): void {
    this.#before.delete(name);
    try {
      writeFileSync(pathOf(name), before);
    } catch {
      // The interface is gone, and its settings with it.
    }
  }
}

function pathOf(name: string): string {
  return `/proc/sys/net/ipv4/conf/${name}/promote_secondaries`;
}
