const DEBIAN_LOADER = '/lib64/ld-linux-x86-64.so.2\0';

/**
 * An x86-64 program that is loaded by another dynamic loader (the segment PT_INTERP, elf(5)).
 *
 * @param loader no longer than the one it names; relative to the directory that the program is started in.
 */
export function withLoader(program: Uint8Array, loader: string): Uint8Array {
  const at = Buffer.from(program.buffer, program.byteOffset, program.byteLength).indexOf(DEBIAN_LOADER);
  if (at < 0) throw new Error('it does not name Debian’s dynamic loader for x86-64');
  if (loader.length >= DEBIAN_LOADER.length) throw new Error(`no room for the loader ${loader}`);
  const changed = Buffer.from(program);
  changed.write(loader.padEnd(DEBIAN_LOADER.length, '\0'), at, 'latin1');
  return changed;
}
