import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/**
 * Writes a file onto a host's disk with exactly this mode, and the directories above it with 0755 where they are
 * missing: what a host sees must not depend on the umask of whoever brings the lab up.
 *
 * @param root the directory that becomes the host's upper layer.
 * @param path absolute, as the host sees it.
 */
export async function putFile(root: string, path: string, text: string, mode = 0o644): Promise<void> {
  await putDirectory(root, dirname(path));
  const file = join(root, path);
  await writeFile(file, text);
  await chmod(file, mode);
}

/** Makes a directory on a host's disk with exactly this mode; those above it get 0755 where they are missing. */
export async function putDirectory(root: string, path: string, mode = 0o755): Promise<void> {
  const names = path.split('/').filter(Boolean);
  let at = root;
  for (const [index, name] of ['', ...names].entries()) {
    at = join(at, name);
    const made = await mkdir(at, { recursive: true });
    if (made !== undefined) await chmod(at, index === names.length ? mode : 0o755);
  }
}

/** Makes a symbolic link on a host's disk. */
export async function putLink(root: string, path: string, target: string): Promise<void> {
  await putDirectory(root, dirname(path));
  await symlink(target, join(root, path));
}
