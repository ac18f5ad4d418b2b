import type { Kernel, KernelFailure, PacketFilter } from '#linux/ports.ts';
import type { VirtualRouter } from '#vrrp/state.ts';
import type { Log } from './log.ts';

/**
 * `no_accept`: while an instance is MASTER and not the owner, traffic to its VIPs is dropped (RFC 9568 §6.4.3). The table
 * is `inet NAME`, where NAME is that of the keyword `nftables`; it is made when first needed.
 */
export class AcceptFilter {
  readonly #kernel: Kernel;
  readonly #log: Log;
  readonly #table: string;
  readonly #dropped = new Map<VirtualRouter, readonly Uint8Array[]>();
  #filter: PacketFilter | undefined;

  constructor(kernel: Kernel, log: Log, table: string) {
    this.#kernel = kernel;
    this.#log = log;
    this.#table = table;
  }

  /** Removes the table of a predecessor that was killed on a kernel that did not do it. */
  removeLeftover(): void {
    this.#open();
  }

  /** Drops or accepts traffic to all addresses of the router. */
  set(router: VirtualRouter, dropping: boolean): void {
    this.#replace(router, dropping ? router.addresses.map(each => each.address.address) : []);
  }

  /** The router's addresses have changed. */
  follow(router: VirtualRouter): void {
    if (this.#dropped.has(router)) this.set(router, true);
  }

  close(): void {
    if (this.#dropped.size > 0) this.#filter?.clear();
    this.#filter?.close();
  }

  #replace(router: VirtualRouter, wanted: readonly Uint8Array[]): void {
    const before = this.#dropped.get(router) ?? [];
    if (wanted.length > 0) this.#dropped.set(router, wanted);
    else this.#dropped.delete(router);
    if (before.map(String).join(' ') === wanted.map(String).join(' ')) return;
    const filter = this.#open();
    if (!filter) return;
    // What both lists have is never accepted in between.
    const refused = filter.drop(wanted);
    this.#complain(router, filter.accept(before) ?? refused);
  }

  #open(): PacketFilter | undefined {
    if (this.#filter) return this.#filter;
    const opened = this.#kernel.openPacketFilter(this.#table);
    if (opened.ok) this.#filter = opened.value;
    else
      this.#log.error(`traffic to VIPs cannot be dropped (no_accept): ${opened.failure.message}`, 'filter');
    return this.#filter;
  }

  #complain({ config }: VirtualRouter, failure: KernelFailure | undefined): void {
    if (failure) this.#log.error(`(${config.name}) no_accept: ${failure.message}`, `filter ${config.name}`);
  }
}
