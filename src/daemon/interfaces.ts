import type { Link } from '#linux/ports.ts';

/** Network interfaces by name and by index, as the kernel last told. */
export class Interfaces {
  readonly #byName = new Map<string, Link>();
  readonly #byIndex = new Map<number, Link>();

  /** Takes a new or changed link; returns the one that it replaces. A rename forgets the old name. */
  put(link: Link): Link | undefined {
    const before = this.#byIndex.get(link.ifindex);
    if (before && before.name !== link.name) this.#byName.delete(before.name);
    this.#byIndex.set(link.ifindex, link);
    this.#byName.set(link.name, link);
    return before;
  }

  remove(link: Link): void {
    this.#byIndex.delete(link.ifindex);
    if (this.#byName.get(link.name)?.ifindex === link.ifindex) this.#byName.delete(link.name);
  }

  byName(name: string): Link | undefined {
    return this.#byName.get(name);
  }

  byIndex(ifindex: number): Link | undefined {
    return this.#byIndex.get(ifindex);
  }

  all(): Iterable<Link> {
    return this.#byIndex.values();
  }
}

/** Whether an instance can run on it: set up, and with carrier (RFC 5798 has no word for it; keepalived's rule). */
export function isUsable(link: Link): boolean {
  return link.up && link.running;
}
