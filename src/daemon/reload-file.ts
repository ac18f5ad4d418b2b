import { rmSync, writeFileSync } from 'node:fs';
import { messageOf } from '#base/errors.ts';
import type { Log } from './log.ts';

/**
 * `reload_file`: `path` is there, and empty, while `read` reads the configuration; who writes configurations waits until
 * it is gone. undefined: nobody asked for it.
 */
export async function whileReading<T>(
  path: string | undefined,
  log: Log,
  read: () => Promise<T>,
): Promise<T> {
  if (path === undefined) return read();
  try {
    writeFileSync(path, '', { mode: 0o644 });
  } catch (error) {
    log.warning(`reload_file ${path} cannot be written: ${messageOf(error)}`);
  }
  try {
    return await read();
  } finally {
    rmSync(path, { force: true });
  }
}
