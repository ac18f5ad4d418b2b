import { write } from 'node:fs';
import type { UnixDatagram } from '#linux/ports.ts';
import type { LogSink } from './log.ts';

/** Bytes that wait for a slow reader of stderr; what comes beyond is dropped and counted. */
const QUEUE_BYTES_MAX = 256 * 1024;

/** How long the last lines may take. */
const FINISH_MS = 500;

/**
 * Writes lines to a file descriptor from Node's thread pool, so that a full pipe or a stalled journal never holds
 * up the VRRP process. `prefixed`: `<N>` before each line, which journald reads as the severity (sd-daemon(3)).
 */
export class DescriptorSink implements LogSink {
  readonly #descriptor: number;
  readonly #prefix: (severity: number) => string;
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  #inFlight: Buffer | undefined;
  #dropped = 0;
  #onEmpty: (() => void) | undefined;

  constructor(descriptor: number, prefix: (severity: number) => string) {
    this.#descriptor = descriptor;
    this.#prefix = prefix;
  }

  write(severity: number, line: string): void {
    if (this.#waitingBytes > QUEUE_BYTES_MAX) {
      this.#dropped++;
      return;
    }
    const prefix = this.#prefix(severity);
    if (this.#dropped > 0) {
      this.#enqueue(`${prefix}${this.#dropped} lines were dropped because nobody read the log\n`);
      this.#dropped = 0;
    }
    this.#enqueue(
      line
        .split('\n')
        .map(part => `${prefix}${part}\n`)
        .join(''),
    );
    if (!this.#inFlight) this.#flush();
  }

  /** Calls `onDone` once everything is written, or after a moment if nobody reads. */
  finish(onDone: () => void): void {
    const timer = setTimeout(onDone, FINISH_MS);
    this.#onEmpty = () => {
      clearTimeout(timer);
      onDone();
    };
    if (!this.#inFlight) this.#onEmpty();
  }

  #enqueue(text: string): void {
    const bytes = Buffer.from(text);
    this.#waiting.push(bytes);
    this.#waitingBytes += bytes.length;
  }

  #flush(): void {
    const bytes = Buffer.concat(this.#waiting.splice(0));
    this.#waitingBytes = 0;
    this.#inFlight = bytes;
    this.#writeFrom(bytes, 0);
  }

  #writeFrom(bytes: Buffer, offset: number): void {
    write(this.#descriptor, bytes, offset, (error, written) => {
      if (!error && offset + written < bytes.length) {
        this.#writeFrom(bytes, offset + written);
        return;
      }
      this.#inFlight = undefined;
      if (this.#waiting.length > 0) this.#flush();
      else this.#onEmpty?.();
    });
  }
}

/** Sends lines to the local syslog daemon (RFC 3164 as /dev/log understands it); never waits, a full socket loses the line. */
export class SyslogSink implements LogSink {
  readonly #datagram: UnixDatagram;
  readonly #facility: number;
  readonly #tag: string;

  constructor(datagram: UnixDatagram, facility: number, tag: string) {
    this.#datagram = datagram;
    this.#facility = facility;
    this.#tag = tag;
  }

  write(severity: number, line: string): void {
    for (const part of line.split('\n'))
      this.#datagram.send('/dev/log', Buffer.from(`<${this.#facility * 8 + severity}>${this.#tag}: ${part}`));
  }
}

/** Hands each line to several sinks. */
export class TeeSink implements LogSink {
  readonly #sinks: readonly LogSink[];

  constructor(sinks: readonly LogSink[]) {
    this.#sinks = sinks;
  }

  write(severity: number, line: string): void {
    for (const sink of this.#sinks) sink.write(severity, line);
  }
}
