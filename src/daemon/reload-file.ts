import { rmSync, writeFileSync } from 'node:fs';
import { messageOf } from '#base/errors.ts';
import type { Log } from './log.ts';

/**
 * `reload_file`: `path` is there, and empty, while `read` reads the configuration; who writes configurations waits until
 * it is gone. undefined: nobody asked for it.
 */
export function whileReading<T>(path: string | undefined, log: Log, read: () => T): T {
  if (path === undefined) return read();
  try {
    writeFileSync(path, '', { mode: 0o644 });
    return read();
  } catch (error) {
    log.warning(`reload_file ${path} cannot be written: ${messageOf(error)}`);
    return read();
  } finally {
    rmSync(path, { force: true });
  }
}
