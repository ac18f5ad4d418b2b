import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '#base/errors.ts';

/**
 * The addon's functions (native/tandem.c). They answer a non-negative number or -errno, allocate nothing on the packet
 * path, and throw a TypeError for arguments of a wrong type only.
 */
export interface Native {
  /** A close-on-exec, non-blocking socket. */
  socket(domain: number, type: number, protocol: number): number;
  close(fd: number): number;
  bind(fd: number, address: Uint8Array): number;
  setOption(fd: number, level: number, name: number, value: Uint8Array): number;
  /** Sends `bytes[0..length)`; `address` is a sockaddr, `control` a sequence of cmsgs. */
  send(
    fd: number,
    bytes: Uint8Array,
    length: number,
    address: Uint8Array | null,
    control: Uint8Array | null,
  ): number;
  /** Fills `bytes`, the sender's sockaddr and `meta` (see {@link META}); -EAGAIN when nothing waits. */
  receive(fd: number, bytes: Uint8Array, address: Uint8Array | null, meta: Int32Array | null): number;
  /** Calls back, from the event loop, as long as `fd` is readable or in error. -errno, or a handle for `pollStop`. */
  pollStart(fd: number, onReady: () => void): PollHandle | number;
  /** To be called before `fd` is closed. */
  pollStop(handle: PollHandle): number;
  /** A timerfd on CLOCK_MONOTONIC. */
  timerCreate(): number;
  /** Fires once at the absolute `atMs`; a negative or huge one disarms. Also clears readability. */
  timerSet(fd: number, atMs: number): number;
  /** `out[0]` = CLOCK_MONOTONIC in milliseconds. */
  monotonic(out: Float64Array): void;
  threadCpu(out: Float64Array): void;
  /** SCHED_RR with SCHED_RESET_ON_FORK for this thread, priority 1–99. */
  setRealtime(priority: number): number;
  /** setns(CLONE_NEWNET) for this thread. */
  enterNetwork(fd: number): number;
}

/** A subscription made by `pollStart`. */
export interface PollHandle {
  readonly __brand: 'poll';
}

/** Where `receive` leaves what it learnt, as indices of an Int32Array of {@link META_WORDS}. */
export const META = { addressLength: 0, ttl: 1, ifindex: 2, flags: 3, destination: 4 } as const;
export const META_WORDS = 8;

let loaded: Native | undefined;

/** The addon; loaded at the first call. Throws, saying which file was looked for, if it is absent or does not load. */
export function loadNative(): Native {
  loaded ??= load(nativeFile(import.meta.filename));
  return loaded;
}

/**
 * `tandem.node` beside the running bundle; for a checkout, whose sources run as they are, what the build made. No
 * environment variable has a say: the daemon runs as root.
 */
export function nativeFile(runningFile: string): string {
  const folder = join(runningFile, '..');
  if (!runningFile.endsWith('.ts')) return join(folder, 'tandem.node');
  return join(folder, '..', '..', 'build', 'native', `tandem-${process.arch}.node`);
}

function load(file: string): Native {
  if (!existsSync(file))
    throw new Error(
      `${file} is missing: it is part of a release, and \`node scripts/build-native.ts\` makes it in a checkout`,
    );
  const module: { exports: unknown } = { exports: {} };
  try {
    process.dlopen(module, file);
  } catch (thrown) {
    throw new Error(`${file} does not load on Node ${process.version}: ${messageOf(thrown)}`, {
      cause: thrown,
    });
  }
  return module.exports as Native;
}
