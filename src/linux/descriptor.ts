import { kernelFailure, outcomeOf } from './failure.ts';
import type { Native, PollHandle } from './native.ts';
import type { Closable, KernelFailure, Result } from './ports.ts';

/** A file descriptor that is ours to close, and its place on the event loop once `poll` was called. */
export class Descriptor implements Closable {
  readonly fd: number;
  readonly #native: Native;
  #handle: PollHandle | undefined;
  #closed = false;

  constructor(native: Native, fd: number) {
    this.#native = native;
    this.fd = fd;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Calls `onReady` from the event loop whenever there is something to read. */
  poll(onReady: () => void): KernelFailure | undefined {
    const handle = this.#native.pollStart(this.fd, onReady);
    if (typeof handle === 'number') return kernelFailure('poll', -handle);
    this.#handle = handle;
    return undefined;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#handle) this.#native.pollStop(this.#handle);
    this.#native.close(this.fd);
  }
}

/** Opens a socket and prepares it; closes it again if a step of `prepare` is refused. */
export function openSocket(
  native: Native,
  [domain, type, protocol]: readonly [domain: number, type: number, protocol: number],
  call: string,
  prepare: (fd: number) => KernelFailure | undefined,
): Result<Descriptor> {
  const opened = outcomeOf(call, native.socket(domain, type, protocol));
  if (!opened.ok) return opened;
  const descriptor = new Descriptor(native, opened.value);
  const failure = prepare(opened.value);
  if (!failure) return { ok: true, value: descriptor };
  descriptor.close();
  return {
    ok: false,
    failure: { ...failure, call: `${call}: ${failure.call}`, message: `${call}: ${failure.message}` },
  };
}

export const SOCK_STREAM = 1;
export const SOCK_DGRAM = 2;
export const SOCK_RAW = 3;
