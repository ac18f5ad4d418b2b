import { type Family, formatIp } from '#base/address.ts';
import { decodeEchoReply, type EchoKey, encodeEchoRequest } from '#wire/icmp.ts';
import { AF_INET, AF_INET6 } from '#wire/rtnetlink.ts';
import { type Descriptor, openSocket, SOCK_RAW } from './descriptor.ts';
import { ERRNO, kernelFailure } from './failure.ts';
import { markOptions, type SocketMarks } from './inet-socket.ts';
import { loadNative, type Native } from './native.ts';
import type { Closable, KernelFailure, Result } from './ports.ts';
import { inetSocketAddress, readInetSocketAddress } from './socket-address.ts';
import { type OptionSetting, setOptions } from './socket-options.ts';

const PROTOCOL: Readonly<Record<Family, number>> = { 4: 1, 6: 58 };
/** As many in one turn of the event loop; the rest waits for the next. */
const BURST_MAX = 256;
const PACKET_LENGTH_MAX = 512;

/** ICMP_FILTER and ICMPV6_FILTER: bits of the types that are not delivered; all but echo replies (0, and 129). */
const FILTER: Readonly<Record<Family, OptionSetting>> = {
  4: ['ICMP_FILTER', words(~1)],
  6: ['ICMPV6_FILTER', words(~0, ~0, ~0, ~0, ~2, ~0, ~0, ~0)],
};

/** Sends echo requests and tells the replies; one serves any number of destinations. */
export interface EchoSocket extends Closable {
  send(destination: Uint8Array, key: EchoKey): KernelFailure | undefined;
}

/**
 * Opens a raw ICMP or ICMPv6 socket, bound to `bindto` if there is one. Raw, because unprivileged ICMP sockets depend on
 * `net.ipv4.ping_group_range`, which keepalived changes for the whole host. `onReply` gets every echo reply to this
 * host, with its sender in text.
 */
export function openEchoSocket(
  family: Family,
  bindto: Uint8Array | undefined,
  marks: SocketMarks,
  onReply: (sender: string, key: EchoKey) => void,
): Result<EchoSocket> {
  const native = loadNative();
  const type = [family === 4 ? AF_INET : AF_INET6, SOCK_RAW, PROTOCOL[family]] as const;
  const opened = openSocket(native, type, 'ICMP socket', fd => {
    const refused = setOptions(native, fd, [FILTER[family], ...markOptions(marks)]);
    if (refused || !bindto) return refused;
    const bound = native.bind(fd, inetSocketAddress(bindto, 0));
    return bound < 0 ? kernelFailure('bind', -bound) : undefined;
  });
  if (!opened.ok) return opened;
  const socket = new RawEchoSocket(native, opened.value, family, onReply);
  const failure = opened.value.poll(() => socket.drain());
  if (!failure) return { ok: true, value: socket };
  socket.close();
  return { ok: false, failure };
}

class RawEchoSocket implements EchoSocket {
  readonly #native: Native;
  readonly #descriptor: Descriptor;
  readonly #family: Family;
  readonly #onReply: (sender: string, key: EchoKey) => void;
  readonly #bytes = new Uint8Array(PACKET_LENGTH_MAX);
  readonly #source = new Uint8Array(28);

  constructor(
    native: Native,
    descriptor: Descriptor,
    family: Family,
    onReply: (sender: string, key: EchoKey) => void,
  ) {
    this.#native = native;
    this.#descriptor = descriptor;
    this.#family = family;
    this.#onReply = onReply;
  }

  send(destination: Uint8Array, key: EchoKey): KernelFailure | undefined {
    const message = encodeEchoRequest(this.#family, key);
    const address = inetSocketAddress(destination, 0);
    const sent = this.#native.send(this.#descriptor.fd, message, message.length, address, null);
    return sent < 0 ? kernelFailure('send', -sent) : undefined;
  }

  drain(): void {
    for (let i = 0; i < BURST_MAX && !this.#descriptor.closed; i++) {
      const received = this.#native.receive(this.#descriptor.fd, this.#bytes, this.#source, null);
      // Errors are of earlier requests, which end by their time limit.
      if (received === -ERRNO.EAGAIN) return;
      if (received < 0) continue;
      const packet = this.#bytes.subarray(0, received);
      const start = this.#family === 4 ? ((packet[0] ?? 0) & 0x0f) * 4 : 0;
      const key = decodeEchoReply(this.#family, packet.subarray(start));
      if (key) this.#onReply(formatIp(readInetSocketAddress(this.#source).address), key);
    }
  }

  close(): void {
    this.#descriptor.close();
  }
}

function words(...values: number[]): Uint8Array {
  return new Uint8Array(Int32Array.from(values).buffer);
}
