import { execFileSync } from 'node:child_process';
import { chownSync, closeSync, constants, existsSync, openSync, rmSync, statSync, writeSync } from 'node:fs';
import { messageOf } from '#base/errors.ts';
import { resolveAccount } from './accounts.ts';
import { FifoReader, type ReaderCommand } from './fifo-reader.ts';

/** How long readers may take to read the rest when the FIFO ends. */
const READERS_END_MS = 1000;

/**
 * Writes event lines to FIFOs and runs their readers. Opened for reading too, so that a reader that comes late finds the
 * lines that a pipe holds (64 KiB); beyond that they are lost and it is said.
 */
export class FifoWriters {
  readonly #descriptors = new Map<string, number>();
  readonly #readers = new Map<string, { readonly command: string; readonly reader: FifoReader }>();
  readonly #made = new Set<string>();
  readonly #warn: (line: string) => void;

  constructor(warn: (line: string) => void) {
    this.#warn = warn;
  }

  /** Makes the FIFO for its owner unless it is there, and starts its reader unless it runs already. */
  open(
    path: string,
    owner: { readonly user: string; readonly group: string },
    command?: ReaderCommand,
  ): void {
    try {
      this.#make(path, owner);
      this.#descriptor(path);
      if (!command || this.#readers.get(path)?.command === JSON.stringify(command)) return;
      this.#readers.get(path)?.reader.stop(0, () => {});
      const reader = new FifoReader(command, this.#warn);
      this.#readers.set(path, { command: JSON.stringify(command), reader });
    } catch (error) {
      this.#warn(`notify_fifo ${path}: ${messageOf(error)}`);
    }
  }

  write(path: string, line: string): void {
    try {
      writeSync(this.#descriptor(path), `${line}\n`);
    } catch (error) {
      this.#warn(`notify_fifo ${path}: the line "${line}" was lost: ${messageOf(error)}`);
      this.#forget(path);
    }
  }

  /** Ends the FIFOs, so that readers see their end, waits for ours, and removes what we made. */
  close(onClosed: () => void): void {
    for (const path of this.#descriptors.keys()) this.#forget(path);
    for (const path of this.#made) rmSync(path, { force: true });
    let remaining = this.#readers.size;
    if (remaining === 0) onClosed();
    for (const { reader } of this.#readers.values())
      reader.stop(READERS_END_MS, () => {
        if (--remaining === 0) onClosed();
      });
  }

  #make(path: string, { user, group }: { readonly user: string; readonly group: string }): void {
    if (existsSync(path)) return;
    const { uid, gid } = resolveAccount(user, group);
    execFileSync('mkfifo', ['-m', '600', path]);
    this.#made.add(path);
    if (uid !== 0 || gid !== 0) chownSync(path, uid, gid);
  }

  #descriptor(path: string): number {
    const known = this.#descriptors.get(path);
    if (known !== undefined) return known;
    // As keepalived does: whoever reads need not make it first.
    this.#make(path, { user: '0', group: '0' });
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
