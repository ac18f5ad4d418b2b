import {
  type Acknowledgement,
  NetlinkWriter,
  type NetlinkMessage,
  NLM_F,
  NLMSG_DONE,
  NLMSG_ERROR,
  parseAcknowledgement,
  parseMessages,
} from '#wire/netlink.ts';
import { ERRNO, kernelFailure } from './failure.ts';
import type { Native } from './native.ts';
import { type Descriptor, openSocket, SOCK_RAW } from './descriptor.ts';
import type { Closable, KernelFailure, Result } from './ports.ts';
import { AF_NETLINK, netlinkSocketAddress } from './socket-address.ts';
import { enlargeReceiveQueue, setOption } from './socket-options.ts';

const NETLINK_ROUTE = 0;
/** Larger than any single message that the kernel builds for a dump (32 KiB). */
export const NETLINK_BUFFER_BYTES = 64 * 1024;
/** Keeps a batch well inside the default send buffer (208 KiB), and its refusals inside the receive queue. */
const BATCH_MESSAGES = 256;
const REQUEST_QUEUE_BYTES = 1024 * 1024;
const DUMP_ATTEMPTS = 5;

/** One message of a batch. */
export interface NetlinkRequest {
  readonly type: number;
  /** `NLM_F` bits besides `request`. */
  readonly flags: number;
  /** For messages: the command in the terms of `ip`. Called only if the kernel refuses. */
  readonly describe: () => string;
  write(writer: NetlinkWriter): void;
}

/**
 * Requests to rtnetlink, synchronous: the kernel works during send and its answers wait when send returns, so an empty
 * receive queue means a lost answer, not a late one.
 */
export class NetlinkConnection implements Closable {
  readonly #native: Native;
  readonly #descriptor: Descriptor;
  readonly #writer = new NetlinkWriter();
  readonly #buffer = new Uint8Array(NETLINK_BUFFER_BYTES);
  #sequence = 0;

  private constructor(native: Native, descriptor: Descriptor) {
    this.#native = native;
    this.#descriptor = descriptor;
  }

  /** `protocol`: rtnetlink unless given. */
  static open(native: Native, protocol = NETLINK_ROUTE): Result<NetlinkConnection> {
    const opened = openNetlinkSocket(native, 0, REQUEST_QUEUE_BYTES, protocol);
    return opened.ok ? { ok: true, value: new NetlinkConnection(native, opened.value) } : opened;
  }

  close(): void {
    this.#descriptor.close();
  }

  /** Sends all requests, in order and pipelined; the answer at index i is for request i. A refusal stops nothing. */
  batch(requests: readonly NetlinkRequest[]): (KernelFailure | undefined)[] {
    const answers: (KernelFailure | undefined)[] = [];
    for (let at = 0; at < requests.length; at += BATCH_MESSAGES)
      answers.push(...this.#batch(requests.slice(at, at + BATCH_MESSAGES)));
    return answers;
  }

  /** Refusals always come back; only the last message asks for an acknowledgement, which says that all are done. */
  #batch(requests: readonly NetlinkRequest[]): (KernelFailure | undefined)[] {
    const first = this.#nextSequence(requests.length);
    const last = requests.length - 1;
    this.#writer.clear();
    for (const [i, request] of requests.entries()) {
      const flags = NLM_F.request | request.flags | (i === last ? NLM_F.ack : 0);
      this.#writer.begin(request.type, flags, first + i);
      request.write(this.#writer);
      this.#writer.end();
    }
    const refusals: (Acknowledgement | undefined)[] = requests.map(() => undefined);
    let lost = this.#send();
    while (!refusals[last] && lost === 0) {
      const received = this.#receive();
      if (typeof received === 'number') {
        lost = received;
        break;
      }
      for (const message of received) {
        const index = message.sequence - first;
        if (index >= 0 && index <= last) refusals[index] ??= parseAcknowledgement(message);
      }
    }
    return requests.map((request, i) => {
      const { errno, reason } = refusals[i] ?? { errno: lost, reason: 'the kernel did not answer' };
      return errno === 0 ? undefined : kernelFailure(request.describe(), errno, reason);
    });
  }

  /**
   * Reads a table: every message of the answer is handed to `parse`, whose results are collected. Repeated, up to a limit, if the
   * table changed meanwhile; `EINTR` when it never held still.
   */
  dump<T>(
    type: number,
    request: Uint8Array | ((writer: NetlinkWriter) => void),
    parse: (message: NetlinkMessage) => T | undefined,
    call = `netlink dump ${type}`,
  ): Result<T[]> {
    for (let attempt = 0; attempt < DUMP_ATTEMPTS; attempt++) {
      const sequence = this.#nextSequence(1);
      this.#writer.clear();
      this.#writer.begin(type, NLM_F.request | NLM_F.dump, sequence);
      if (request instanceof Uint8Array) this.#writer.struct(request);
      else request(this.#writer);
      this.#writer.end();
      const sent = this.#send();
      if (sent !== 0) return { ok: false, failure: kernelFailure(call, sent) };
      const found: T[] = [];
      const ended = this.#collect(sequence, message => {
        const value = parse(message);
        if (value !== undefined) found.push(value);
      });
      if (ended.errno !== 0) return { ok: false, failure: kernelFailure(call, ended.errno, ended.reason) };
      if (!ended.interrupted) return { ok: true, value: found };
    }
    return { ok: false, failure: kernelFailure(call, ERRNO.EINTR, 'the table kept changing') };
  }

  /** A question with one message as its answer. */
  ask<T>(request: NetlinkRequest, parse: (message: NetlinkMessage) => T | undefined): Result<T> {
    const sequence = this.#nextSequence(1);
    this.#writer.clear();
    this.#writer.begin(request.type, NLM_F.request | NLM_F.ack | request.flags, sequence);
    request.write(this.#writer);
    this.#writer.end();
    const sent = this.#send();
    if (sent !== 0) return { ok: false, failure: kernelFailure(request.describe(), sent) };
    let value: T | undefined;
    const { errno, reason } = this.#collect(sequence, message => {
      value ??= parse(message);
    });
    if (errno === 0 && value !== undefined) return { ok: true, value };
    return { ok: false, failure: kernelFailure(request.describe(), errno || ERRNO.EBADMSG, reason) };
  }

  #collect(
    sequence: number,
    onMessage: (message: NetlinkMessage) => void,
  ): Acknowledgement & { interrupted: boolean } {
    let interrupted = false;
    for (;;) {
      const received = this.#receive();
      if (typeof received === 'number')
        return { errno: received, reason: 'the answer was cut off', interrupted };
      for (const message of received) {
        if (message.sequence !== sequence) continue;
        if (message.flags & NLM_F.dumpInterrupted) interrupted = true;
        if (message.type === NLMSG_DONE || message.type === NLMSG_ERROR)
          return { ...(parseAcknowledgement(message) ?? { errno: ERRNO.EBADMSG, reason: '' }), interrupted };
        onMessage(message);
      }
    }
  }

  /** 0, or a positive errno. */
  #send(): number {
    const batch = this.#writer.written;
    const sent = this.#native.send(this.#descriptor.fd, batch, batch.length, null, null);
    return sent < 0 ? -sent : 0;
  }

  /** The next messages, or a positive errno. */
  #receive(): NetlinkMessage[] | number {
    const received = this.#native.receive(this.#descriptor.fd, this.#buffer, null, null);
    return received < 0 ? -received : parseMessages(this.#buffer.subarray(0, received));
  }

  #nextSequence(count: number): number {
    if (this.#sequence + count > 0x7fffffff) this.#sequence = 0;
    const first = this.#sequence + 1;
    this.#sequence += count;
    return first;
  }
}

/** A netlink socket that hears `groups` (`RTM_GROUP` bits; 0: only answers). */
export function openNetlinkSocket(
  native: Native,
  groups: number,
  queueBytes: number,
  protocol = NETLINK_ROUTE,
): Result<Descriptor> {
  return openSocket(native, [AF_NETLINK, SOCK_RAW, protocol], 'netlink socket', fd => {
    enlargeReceiveQueue(native, fd, queueBytes);
    // Both exist since Linux 4.12; without them errors lack words and acknowledgements are longer.
    setOption(native, fd, 'NETLINK_EXT_ACK', 1);
    setOption(native, fd, 'NETLINK_CAP_ACK', 1);
    const bound = native.bind(fd, netlinkSocketAddress(groups));
    return bound < 0 ? kernelFailure('bind', -bound) : undefined;
  });
}
