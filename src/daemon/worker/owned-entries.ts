import { readFileSync, rmSync } from 'node:fs';
import { messageOf } from '#base/errors.ts';
import { destinationName, serviceName } from '#lvs/keys.ts';
import type { DestinationKey, ServiceKey } from '#lvs/ports.ts';
import type { DesiredService, Owned } from '#lvs/reconcile.ts';
import { replaceFile } from './replace-file.ts';

/** Names of services, and of the destinations of each. */
type Entries = Map<string, Set<string>>;

/**
 * What of the kernel's table is ours, remembered in a file: what a process does not find there it never removes. It
 * changes with the configuration, not with every real server that goes down.
 */
export class OwnedEntries implements Owned {
  readonly #path: string;
  readonly #warn: (line: string) => void;
  #entries: Entries;
  /** What is configured now; more is ours until it is gone. */
  #configured: Entries = new Map();
  #isSettled = false;

  constructor(path: string, warn: (line: string) => void) {
    this.#path = path;
    this.#warn = warn;
    this.#entries = readEntries(path, warn);
  }

  service(key: ServiceKey): boolean {
    return this.#entries.has(serviceName(key));
  }

  destination(service: ServiceKey, key: DestinationKey): boolean {
    return this.#entries.get(serviceName(service))?.has(destinationName(key)) ?? false;
  }

  /** All this is ours from now on, besides what was. */
  claim(configured: readonly DesiredService[]): void {
    this.#configured = new Map();
    for (const { service, destinations } of configured) {
      const name = serviceName(service.key);
      const names = destinations.map(destinationName);
      this.#configured.set(name, new Set(names));
      this.#entries.set(name, new Set([...(this.#entries.get(name) ?? []), ...names]));
    }
    this.#isSettled = false;
    this.#write();
  }

  /** What was ours and is not configured any more is gone. */
  settle(): void {
    if (this.#isSettled) return;
    this.#isSettled = true;
    this.#entries = this.#configured;
    this.#write();
  }

  /** Nothing is ours any more. */
  forget(): void {
    this.#entries = new Map();
    rmSync(this.#path, { force: true });
  }

  #write(): void {
    const plain = Object.fromEntries([...this.#entries].map(([name, names]) => [name, [...names]]));
    try {
      replaceFile(this.#path, JSON.stringify(plain));
    } catch (error) {
      this.#warn(`cannot remember which virtual services are ours: ${this.#path}: ${messageOf(error)}`);
    }
  }
}

function readEntries(path: string, warn: (line: string) => void): Entries {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    return new Map();
  }
  try {
    const plain = JSON.parse(text) as Record<string, string[]>;
    return new Map(Object.entries(plain).map(([name, names]) => [name, new Set(names)]));
  } catch (error) {
    warn(
      `${path} is not what we wrote (${messageOf(error)}): virtual services that are there count as foreign`,
    );
    return new Map();
  }
}
