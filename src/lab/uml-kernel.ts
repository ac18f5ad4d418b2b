import { mkdir, mkdtemp, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '#base/errors.ts';
import { cacheDirectory, lockFile } from './cache.ts';
import { must0, run } from './command.ts';
import { LabError } from './lab-error.ts';

/** A kernel that runs as a process, and its modules. */
export interface UmlKernel {
  readonly program: string;
  /** Holds one directory, named as the kernel's release. */
  readonly modules: string;
}

const PACKAGE = 'user-mode-linux';
const FETCH_TIMEOUT_MS = 300_000;
const APT = ['apt-get', '-q', '-o', 'APT::Sandbox::User=root'] as const;

/**
 * Debian's user-mode-linux, unpacked in the cache and not installed. Fetched once (46 MB); of several processes one
 * fetches and the others wait.
 *
 * @throws {LabError} where it cannot be fetched, or this processor has none.
 */
export async function ensureUmlKernel(onProgress: (line: string) => void): Promise<UmlKernel> {
  if (process.arch !== 'x64')
    throw new LabError(`Debian has no ${PACKAGE} for ${process.arch}, only for amd64`);
  const home = join(cacheDirectory('uml'), 'kernel');
  if (!(await exists(home))) {
    await mkdir(cacheDirectory('uml'), { recursive: true });
    const release = await lockFile(`${home}.lock`, FETCH_TIMEOUT_MS, onProgress);
    try {
      if (!(await exists(home))) await fetchPackage(home, onProgress);
    } finally {
      await release();
    }
  }
  return { program: join(home, 'usr/bin/linux.uml'), modules: join(home, 'usr/lib/uml/modules') };
}

async function fetchPackage(home: string, onProgress: (line: string) => void): Promise<void> {
  onProgress(`${PACKAGE}: fetching (once; kept in ${home})`);
  const scratch = await mkdtemp(`${home}.fetching-`);
  try {
    await download(scratch);
    const archive = (await readdir(scratch)).find(name => name.endsWith('.deb'));
    if (archive === undefined) throw new LabError(`apt-get download ${PACKAGE} left no package`);
    await must0(['dpkg', '-x', join(scratch, archive), join(scratch, 'root')], { timeoutMs: 120_000 });
    await rename(join(scratch, 'root'), home);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

async function download(into: string): Promise<void> {
  const argv = ['sh', '-c', 'cd "$1" && shift && exec "$@"', 'sh', into, ...APT, 'download', PACKAGE];
  const options = { timeoutMs: FETCH_TIMEOUT_MS };
  try {
    if ((await run(argv, options)).code === 0) return;
    // The index is absent, or older than the mirror.
    await must0([...APT, 'update'], options);
    await must0(argv, options);
  } catch (cause) {
    throw new LabError(`cannot fetch ${PACKAGE}: ${messageOf(cause)}`, {
      hint: 'this machine’s apt must know a Debian mirror; elsewhere there is no kernel with IPVS to test on',
      cause,
    });
  }
}

async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined;
}
