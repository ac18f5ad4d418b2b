import { compareIp, type Family, familyOf } from '#base/address.ts';
import { AF_INET, AF_INET6 } from '#wire/rtnetlink.ts';
import { type Descriptor, openSocket, SOCK_DGRAM } from './descriptor.ts';
import { ERRNO, kernelFailure } from './failure.ts';
import { markOptions, type SocketMarks } from './inet-socket.ts';
import { loadNative, type Native } from './native.ts';
import type { Closable, KernelFailure, Result } from './ports.ts';
import { inetSocketAddress, readInetSocketAddress } from './socket-address.ts';
import { type OptionSetting, setOptions } from './socket-options.ts';

const IPPROTO_UDP = 17;
/** As many in one turn of the event loop. */
const BURST_MAX = 16;

/** A place on the network. */
export interface Endpoint {
  readonly address: Uint8Array;
  readonly port: number;
}

/** What a datagram socket tells. */
export interface DatagramEvents {
  /** A datagram from the peer; `bytes` is overwritten by the next. It may be cut at the size that was asked for. */
  received(bytes: Uint8Array): void;
  /** An ICMP error came back for what was sent, or another error. */
  failed(failure: KernelFailure): void;
}

/** A UDP socket that speaks with one peer. */
export interface DatagramSocket extends Closable {
  send(bytes: Uint8Array): KernelFailure | undefined;
}

/**
 * Opens a UDP socket for `peer`, bound to `local` if there is one. Unlike Node's it hears of every ICMP error
 * (`IP_RECVERR`), host unreachable among them, which is what UDP_CHECK lives on.
 */
export function openDatagramSocket(
  peer: Endpoint,
  local: Partial<Endpoint>,
  marks: SocketMarks,
  receiveLength: number,
  events: DatagramEvents,
): Result<DatagramSocket> {
  const native = loadNative();
  const family = familyOf(peer.address);
  const domain = family === 4 ? AF_INET : AF_INET6;
  const opened = openSocket(native, [domain, SOCK_DGRAM, IPPROTO_UDP], 'UDP socket', fd =>
    prepare(native, fd, family, local, marks),
  );
  if (!opened.ok) return opened;
  const socket = new LinuxDatagramSocket(native, opened.value, peer, receiveLength, events);
  const failure = opened.value.poll(() => socket.drain());
  if (!failure) return { ok: true, value: socket };
  socket.close();
  return { ok: false, failure };
}

function prepare(
  native: Native,
  fd: number,
  family: Family,
  { address, port = 0 }: Partial<Endpoint>,
  marks: SocketMarks,
): KernelFailure | undefined {
  const errors: OptionSetting = family === 4 ? ['IP_RECVERR', 1] : ['IPV6_RECVERR', 1];
  const refused = setOptions(native, fd, [errors, ...markOptions(marks)]);
  if (refused || (!address && port === 0)) return refused;
  const any = new Uint8Array(family === 4 ? 4 : 16);
  const bound = native.bind(fd, inetSocketAddress(address ?? any, port));
  return bound < 0 ? kernelFailure('bind', -bound) : undefined;
}

class LinuxDatagramSocket implements DatagramSocket {
  readonly #native: Native;
  readonly #descriptor: Descriptor;
  readonly #peer: Endpoint;
  readonly #peerAddress: Uint8Array;
  readonly #events: DatagramEvents;
  readonly #bytes: Uint8Array;
  readonly #source = new Uint8Array(28);

  constructor(
    native: Native,
    descriptor: Descriptor,
    peer: Endpoint,
    receiveLength: number,
    events: DatagramEvents,
  ) {
    this.#native = native;
    this.#descriptor = descriptor;
    this.#peer = peer;
    this.#peerAddress = inetSocketAddress(peer.address, peer.port);
    this.#events = events;
    this.#bytes = new Uint8Array(receiveLength);
  }

  send(bytes: Uint8Array): KernelFailure | undefined {
    const sent = this.#native.send(this.#descriptor.fd, bytes, bytes.length, this.#peerAddress, null);
    return sent < 0 ? kernelFailure('send', -sent) : undefined;
  }

  drain(): void {
    for (let i = 0; i < BURST_MAX && !this.#descriptor.closed; i++) {
      const received = this.#native.receive(this.#descriptor.fd, this.#bytes, this.#source, null);
      if (received === -ERRNO.EAGAIN) return;
      if (received < 0) {
        this.#events.failed(kernelFailure('receive', -received));
        return;
      }
      const from = readInetSocketAddress(this.#source);
      const isPeer = from.port === this.#peer.port && compareIp(from.address, this.#peer.address) === 0;
      if (isPeer) this.#events.received(this.#bytes.subarray(0, received));
    }
  }

  close(): void {
    this.#descriptor.close();
  }
}
