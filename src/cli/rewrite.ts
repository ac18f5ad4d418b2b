/** A file's new content, in place by one rename: what is there is always one of the two, and whole. */
import { randomBytes } from 'node:crypto';
import {
  closeSync,
  fchmodSync,
  fchownSync,
  fsyncSync,
  openSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Replaces a file, or makes it with mode 0600. Mode and owner stay; `private` takes the rights of group and others.
 * A link's target is what is replaced. Throws what the file system throws, and leaves nothing behind then.
 */
export function rewriteFile(
  path: string,
  content: Uint8Array,
  more: { readonly private?: boolean } = {},
): void {
  const before = statSync(path, { throwIfNoEntry: false });
  const target = before ? realpathSync(path) : path;
  const temporary = join(dirname(target), `.${basename(target)}.${randomBytes(6).toString('hex')}`);
  // A signal waits for these milliseconds: it must not leave a half-written copy.
  const wait = (): void => undefined;
  for (const signal of SIGNALS) process.on(signal, wait);
  try {
    const file = openSync(temporary, 'wx', 0o600);
    try {
      for (let at = 0; at < content.length;) at += writeSync(file, content, at);
      if (before) {
        if (before.uid !== process.geteuid?.() || before.gid !== process.getegid?.())
          fchownSync(file, before.uid, before.gid);
        fchmodSync(file, before.mode & (more.private ? 0o700 : 0o7777));
      }
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(temporary, target);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  } finally {
    for (const signal of SIGNALS) process.off(signal, wait);
  }
}
