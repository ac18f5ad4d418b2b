import { execFileSync } from 'node:child_process';
import { closeSync, constants, existsSync, openSync, statSync, writeSync } from 'node:fs';
import { messageOf } from '#base/errors.ts';

/**
 * Writes event lines to FIFOs. Opened for reading too, so that a reader that comes late finds the lines that a pipe
 * holds (64 KiB); beyond that they are lost and it is said.
 */
export class FifoWriters {
  readonly #descriptors = new Map<string, number>();
  readonly #warn: (line: string) => void;

  constructor(warn: (line: string) => void) {
    this.#warn = warn;
  }

  write(path: string, line: string): void {
    try {
      writeSync(this.#descriptor(path), `${line}\n`);
    } catch (error) {
      this.#warn(`notify_fifo ${path}: the line "${line}" was lost: ${messageOf(error)}`);
      this.#forget(path);
    }
  }

  #descriptor(path: string): number {
    const known = this.#descriptors.get(path);
    if (known !== undefined) return known;
    // As keepalived does: whoever reads need not make it first.
    if (!existsSync(path)) execFileSync('mkfifo', ['-m', '600', path]);
    if (!statSync(path).isFIFO()) throw new Error('it is not a FIFO');
    const opened = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
    this.#descriptors.set(path, opened);
    return opened;
  }

  #forget(path: string): void {
    const known = this.#descriptors.get(path);
    if (known !== undefined) closeSync(known);
    this.#descriptors.delete(path);
  }
}
