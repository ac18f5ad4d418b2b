import { formatIp } from '#base/address.ts';
import type { Address, KernelEvent, KernelFailure, KernelWatch, Link, NetworkTables } from '#linux/ports.ts';
import type { AddressEvent, LinkEvent } from '#vrrp/event.ts';
import { type Interfaces, isUsable } from './interfaces.ts';
import type { LinkDelays } from './link-delays.ts';

/** Whom the watch tells. */
export interface HostListener {
  event(event: LinkEvent | AddressEvent): void;
  /** A link appeared, or came back under its name with another index. Told before its `event`. */
  appeared(link: Link): void;
  /** A link is gone. Told before its `event`. */
  vanished(link: Link): void;
  /** Everything that the kernel tells, after the rest. */
  noticed(event: KernelEvent): void;
}

/**
 * Keeps the engine's view of links and addresses: first everything that is there, then every change. Notifications that
 * the kernel had to drop are made up for by comparing with a dump.
 */
export class HostWatch {
  readonly #tables: NetworkTables;
  readonly #interfaces: Interfaces;
  readonly #listener: HostListener;
  readonly #delays: LinkDelays | undefined;
  readonly #usableAddresses = new Map<number, Map<string, Uint8Array>>();
  #watch: KernelWatch | undefined;

  constructor(tables: NetworkTables, interfaces: Interfaces, listener: HostListener, delays?: LinkDelays) {
    this.#delays = delays;
    this.#tables = tables;
    this.#interfaces = interfaces;
    this.#listener = listener;
  }

  /** Subscribes, then tells all links and addresses; returns why that is not possible. */
  start(): KernelFailure | undefined {
    // Subscribed first: what changes during the dump is then told twice, never lost.
    const watch = this.#tables.watch(event => this.#onKernelEvent(event));
    if (!watch.ok) return watch.failure;
    this.#watch = watch.value;
    return this.#compare();
  }

  /** True if the kernel has told that `address` can be used on the interface. */
  isPresent(interfaceName: string, address: Uint8Array): boolean {
    const ifindex = this.#interfaces.byName(interfaceName)?.ifindex ?? 0;
    return this.#usableAddresses.get(ifindex)?.has(formatIp(address)) ?? false;
  }

  /** Delivers notifications that wait, now. */
  drain(): void {
    this.#watch?.drain();
  }

  close(): void {
    this.#watch?.close();
  }

  #onKernelEvent(event: KernelEvent): void {
    switch (event.type) {
      case 'linkChanged':
        this.#putLink(event.link);
        break;
      case 'linkRemoved':
        this.#removeLink(event.link);
        break;
      case 'addressAdded':
        this.#putAddress(event.address);
        break;
      case 'addressRemoved':
        this.#removeAddress(event.address.ifindex, formatIp(event.address.address));
        break;
      case 'resync':
        this.#compare();
        break;
      case 'routeRemoved':
      case 'ruleRemoved':
      case 'rpFilterChanged':
        break;
    }
    this.#listener.noticed(event);
  }

  #compare(): KernelFailure | undefined {
    const links = this.#tables.links();
    if (!links.ok) return links.failure;
    const addresses = this.#tables.addresses();
    if (!addresses.ok) return addresses.failure;
    const indexes = new Set(links.value.map(link => link.ifindex));
    for (const link of this.#interfaces.all()) if (!indexes.has(link.ifindex)) this.#removeLink(link);
    for (const link of links.value) this.#putLink(link);
    const there = new Set(addresses.value.map(found => `${found.ifindex} ${formatIp(found.address)}`));
    for (const [ifindex, known] of this.#usableAddresses)
      for (const text of known.keys())
        if (!there.has(`${ifindex} ${text}`)) this.#removeAddress(ifindex, text);
    for (const address of addresses.value) this.#putAddress(address);
    return undefined;
  }

  #putLink(link: Link): void {
    const before = this.#interfaces.put(link);
    if (before && before.name !== link.name) {
      this.#delays?.forget(before.name);
      this.#listener.event({ kind: 'linkChanged', interface: before.name, exists: false, up: false });
    }
    if (!before || before.name !== link.name) this.#listener.appeared(link);
    const tell = (up: boolean): void =>
      this.#listener.event({ kind: 'linkChanged', interface: link.name, exists: true, up });
    if (this.#delays) this.#delays.settle(link.name, isUsable(link), tell);
    else tell(isUsable(link));
    if (before && before.name !== link.name) this.#retellAddresses(link);
  }

  #removeLink(link: Link): void {
    for (const text of this.#usableAddresses.get(link.ifindex)?.keys() ?? [])
      this.#removeAddress(link.ifindex, text);
    this.#usableAddresses.delete(link.ifindex);
    this.#interfaces.remove(link);
    this.#delays?.forget(link.name);
    this.#listener.vanished(link);
    this.#listener.event({ kind: 'linkChanged', interface: link.name, exists: false, up: false });
  }

  #putAddress(found: Address): void {
    const name = this.#interfaces.byIndex(found.ifindex)?.name;
    // A tentative address cannot be used yet; the kernel tells again when it can.
    if (name === undefined || found.tentative || found.dadFailed) return;
    let known = this.#usableAddresses.get(found.ifindex);
    if (!known) {
      known = new Map();
      this.#usableAddresses.set(found.ifindex, known);
    }
    const text = formatIp(found.address);
    if (known.has(text)) return;
    // Copied: the event's buffers are the kernel's.
    const address = Uint8Array.from(found.address);
    known.set(text, address);
    this.#listener.event({ kind: 'addressAdded', interface: name, address, ours: found.ours });
  }

  #removeAddress(ifindex: number, text: string): void {
    const known = this.#usableAddresses.get(ifindex);
    const address = known?.get(text);
    const name = this.#interfaces.byIndex(ifindex)?.name;
    if (!known || !address) return;
    known.delete(text);
    if (name !== undefined) this.#listener.event({ kind: 'addressRemoved', interface: name, address });
  }

  #retellAddresses(link: Link): void {
    for (const address of this.#usableAddresses.get(link.ifindex)?.values() ?? [])
      this.#listener.event({ kind: 'addressAdded', interface: link.name, address });
  }
}
