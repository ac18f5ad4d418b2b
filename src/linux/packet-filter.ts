import { NetlinkWriter, parseAcknowledgement, parseMessages } from '#wire/netlink.ts';
import { NftTransaction } from '#wire/nftables.ts';
import type { Descriptor } from './descriptor.ts';
import { ERRNO, kernelFailure } from './failure.ts';
import type { Native } from './native.ts';
import { NETLINK_BUFFER_BYTES, openNetlinkSocket } from './netlink.ts';
import type { KernelFailure, PacketFilter, Result } from './ports.ts';

const NETLINK_NETFILTER = 12;
const QUEUE_BYTES = 1024 * 1024;

/** Opens the table `inet NAME`; a leftover of that name is removed. */
export function openPacketFilter(native: Native, table: string): Result<PacketFilter> {
  const opened = openNetlinkSocket(native, 0, QUEUE_BYTES, NETLINK_NETFILTER);
  if (!opened.ok) return opened;
  const filter = new NftFilter(native, opened.value, table);
  const refused = filter.clear();
  if (!refused) return { ok: true, value: filter };
  filter.close();
  return { ok: false, failure: refused };
}

/** A table that exists while something is dropped. Owned by the socket where the kernel can: it dies with us. */
class NftFilter implements PacketFilter {
  readonly #native: Native;
  readonly #descriptor: Descriptor;
  readonly #table: string;
  readonly #writer = new NetlinkWriter();
  readonly #buffer = new Uint8Array(NETLINK_BUFFER_BYTES);
  /** How many want traffic to an address dropped: one address can be a VIP on two interfaces. */
  readonly #dropped = new Map<string, { readonly address: Uint8Array; users: number }>();
  /** The table that is there belongs to the socket. */
  #owned = false;
  #sequence = 1;

  constructor(native: Native, descriptor: Descriptor, table: string) {
    this.#native = native;
    this.#descriptor = descriptor;
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
    return this.#commit('delete', transaction => transaction.removeTable(this.#owned));
  }

  close(): void {
    this.#descriptor.close();
  }

  /** What cannot be changed, because somebody else has flushed our table, is made anew. */
  #change(write: (transaction: NftTransaction) => NftTransaction): KernelFailure | undefined {
    return this.#commit('change', write) && this.#rebuild();
  }

  #rebuild(): KernelFailure | undefined {
    const addresses = [...this.#dropped.values()].map(each => each.address);
    const build = (owned: boolean): KernelFailure | undefined =>
      this.#commit('add', transaction =>
        transaction
          .removeTable(owned && this.#owned)
          .addTable(owned)
          .addElements(addresses),
      );
    this.#owned = !build(true);
    // Linux before 5.12 knows no owner.
    return this.#owned ? undefined : build(false);
  }

  #commit(verb: string, write: (transaction: NftTransaction) => NftTransaction): KernelFailure | undefined {
    const call = `nft ${verb} table inet ${this.#table}`;
    const transaction = new NftTransaction(this.#writer, this.#table, this.#sequence);
    this.#sequence += write(transaction).finish();
    const bytes = this.#writer.written;
    const sent = this.#native.send(this.#descriptor.fd, bytes, bytes.length, null, null);
    if (sent < 0) return kernelFailure(call, -sent);
    let failure: KernelFailure | undefined;
    for (;;) {
      const received = this.#native.receive(this.#descriptor.fd, this.#buffer, null, null);
      if (received === -ERRNO.EAGAIN) return failure;
      if (received < 0) return failure ?? kernelFailure(call, -received);
      for (const message of parseMessages(this.#buffer.subarray(0, received))) {
        const answer = parseAcknowledgement(message);
        if (answer && answer.errno !== 0) failure ??= kernelFailure(call, answer.errno, answer.reason);
      }
    }
  }
}
