import { NetlinkWriter, parseAcknowledgement, parseMessages } from '#wire/netlink.ts';
import { NftTransaction } from '#wire/nftables.ts';
import type { Descriptor } from './descriptor.ts';
import { ERRNO, kernelFailure } from './failure.ts';
import type { Native } from './native.ts';
import { NETLINK_BUFFER_BYTES, openNetlinkSocket } from './netlink.ts';
import type { Closable, KernelFailure, Result } from './ports.ts';

const NETLINK_NETFILTER = 12;
const QUEUE_BYTES = 1024 * 1024;

/** What is asked for in one transaction. */
type Write = (transaction: NftTransaction) => NftTransaction;

/** A table of nftables that is ours. Owned by the socket where the kernel can (Linux 5.12): it dies with us. */
export class NftTable implements Closable {
  readonly #native: Native;
  readonly #descriptor: Descriptor;
  readonly #name: string;
  readonly #writer = new NetlinkWriter();
  readonly #buffer = new Uint8Array(NETLINK_BUFFER_BYTES);
  /** The table that is there belongs to the socket. */
  #owned = false;
  #sequence = 1;

  private constructor(native: Native, descriptor: Descriptor, name: string) {
    this.#native = native;
    this.#descriptor = descriptor;
    this.#name = name;
  }

  /** Connects for the table `inet NAME`, which is not made yet; a leftover of that name is removed. */
  static open(native: Native, name: string): Result<NftTable> {
    const opened = openNetlinkSocket(native, 0, QUEUE_BYTES, NETLINK_NETFILTER);
    if (!opened.ok) return opened;
    const table = new NftTable(native, opened.value, name);
    const refused = table.remove();
    if (!refused) return { ok: true, value: table };
    table.close();
    return { ok: false, failure: refused };
  }

  /** Makes the table anew, with what `fill` puts into it. */
  rebuild(fill: Write): KernelFailure | undefined {
    const build = (owned: boolean): KernelFailure | undefined =>
      this.commit('add', transaction => fill(transaction.removeTable(owned && this.#owned).addTable(owned)));
    this.#owned = !build(true);
    // Linux before 5.12 knows no owner.
    return this.#owned ? undefined : build(false);
  }

  /** Removes the table, if it is there. */
  remove(): KernelFailure | undefined {
    return this.commit('delete', transaction => transaction.removeTable(this.#owned));
  }

  close(): void {
    this.#descriptor.close();
  }

  /** Does all of it or nothing. `verb` is for the message. */
  commit(verb: string, write: Write): KernelFailure | undefined {
    const call = `nft ${verb} table inet ${this.#name}`;
    const transaction = new NftTransaction(this.#writer, this.#name, this.#sequence);
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
