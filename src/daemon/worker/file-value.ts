import { closeSync, constants, openSync, readSync, writeFileSync } from 'node:fs';
import type { TrackFile } from '#conf/model.ts';

/** keepalived reads no more of a `track_file`. */
const READ_BYTES = 127;
const VALUE_MIN = -0x8000_0000;
const VALUE_MAX = 0x7fff_ffff;

/** The content of a `track_file`. */
export type FileContent = 'absent' | 'empty' | { readonly text: string };

/** Reads the beginning of a file; what cannot be read counts as absent. A FIFO without a writer does not hold us up. */
export function readTrackFile(path: string): FileContent {
  let descriptor: number | undefined;
  try {
    descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const buffer = new Uint8Array(READ_BYTES);
    const length = readSync(descriptor, buffer);
    return length === 0 ? 'empty' : { text: new TextDecoder('latin1').decode(buffer.subarray(0, length)) };
  } catch {
    return 'absent';
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

/**
 * The number of a `track_file`, as strtol(3) with base 0 reads it: decimal, `0x` hexadecimal or `0` octal, after blanks
 * and before anything. No number is 0. undefined: it does not fit in 32 bits, and the file's last number goes on.
 */
export function valueOf(content: FileContent): number | undefined {
  if (typeof content === 'string') return 0;
  const match = /^\s*([+-]?)(?:0x([0-9a-f]+)|0([0-7]*)|([1-9]\d*))/i.exec(content.text);
  if (!match) return 0;
  const [, sign, hexadecimal, octal, decimal = '0'] = match;
  const digits =
    hexadecimal !== undefined
      ? Number.parseInt(hexadecimal, 16)
      : octal !== undefined
        ? Number.parseInt(`0${octal}`, 8)
        : Number(decimal);
  const value = sign === '-' && digits !== 0 ? -digits : digits;
  return value >= VALUE_MIN && value <= VALUE_MAX ? value : undefined;
}

/** `init_file`: writes the value if the file does not exist, or in any case with `overwrite`. Throws system errors. */
export function initialiseTrackFile({ file, initFile }: TrackFile): void {
  if (!initFile) return;
  try {
    writeFileSync(file, `${initFile.value}\n`, { flag: initFile.overwrite ? 'w' : 'wx', mode: 0o644 });
  } catch (error) {
    const isThere = error instanceof Error && 'code' in error && error.code === 'EEXIST';
    if (!isThere) throw error;
  }
}
