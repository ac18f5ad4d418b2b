import type { NftTransaction } from '#wire/nftables.ts';
import { NftTable } from './nft-table.ts';
import type { Native } from './native.ts';
import type { KernelFailure, PacketFilter, Result } from './ports.ts';

/** Opens the table `inet NAME`; a leftover of that name is removed. */
export function openPacketFilter(native: Native, name: string): Result<PacketFilter> {
  const opened = NftTable.open(native, name);
  return opened.ok ? { ok: true, value: new NftFilter(opened.value) } : opened;
}

/** A table that exists while something is dropped. */
class NftFilter implements PacketFilter {
  readonly #table: NftTable;
  /** How many want traffic to an address dropped: one address can be a VIP on two interfaces. */
  readonly #dropped = new Map<string, { readonly address: Uint8Array; users: number }>();

  constructor(table: NftTable) {
    this.#table = table;
  }

  drop(addresses: readonly Uint8Array[]): KernelFailure | undefined {
    const wasEmpty = this.#dropped.size === 0;
    const added: Uint8Array[] = [];
    for (const address of addresses) {
      const known = this.#dropped.get(address.join());
      if (known) known.users++;
      else this.#dropped.set(address.join(), { address: address.slice(), users: 1 });
      if (!known) added.push(address);
    }
    if (added.length === 0) return undefined;
    return wasEmpty ? this.#rebuild() : this.#change(transaction => transaction.addElements(added));
  }

  accept(addresses: readonly Uint8Array[]): KernelFailure | undefined {
    const removed: Uint8Array[] = [];
    for (const address of addresses) {
      const known = this.#dropped.get(address.join());
      if (!known || --known.users > 0) continue;
      this.#dropped.delete(address.join());
      removed.push(address);
    }
    if (removed.length === 0) return undefined;
    return this.#dropped.size === 0
      ? this.clear()
      : this.#change(transaction => transaction.removeElements(removed));
  }

  clear(): KernelFailure | undefined {
    this.#dropped.clear();
    return this.#table.remove();
  }

  close(): void {
    this.#table.close();
  }

  /** What cannot be changed, because somebody else has flushed our table, is made anew. */
  #change(write: (transaction: NftTransaction) => NftTransaction): KernelFailure | undefined {
    return this.#table.commit('change', write) && this.#rebuild();
  }

  #rebuild(): KernelFailure | undefined {
    const addresses = [...this.#dropped.values()].map(each => each.address);
    return this.#table.rebuild(transaction => transaction.addAddressFilter().addElements(addresses));
  }
}
