import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '#base/errors.ts';
import { cacheDirectory, lockFile } from './cache.ts';
import { must0, run } from './command.ts';
import { debianMirror } from './debian-mirror.ts';
import { LabError } from './lab-error.ts';
import { withLoader } from './uml-loader.ts';

/** A kernel that runs as a process, and its modules. */
export interface UmlKernel {
  /** What its parameters are added to. */
  readonly argv: readonly string[];
  /** Holds one directory, named as the kernel's release. */
  readonly modules: string;
  /** Starts a process in some 3 ms, and not in 20. */
  readonly quick: boolean;
}

const PACKAGE = 'user-mode-linux';
const FETCH_TIMEOUT_MS = 300_000;
const APT = ['apt-get', '-q', '-o', 'APT::Sandbox::User=root'] as const;
/** Its kernel starts a process in a sixth of the time that 6.1 takes: since 6.16 processes are held by seccomp, not by ptrace. */
const NEWER = 'sid';
const LOADER = 'usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2';
const MODULES = 'usr/lib/uml/modules';
const PROGRAM = 'usr/bin/linux.uml';

/**
 * Debian's user-mode-linux, unpacked in the cache and not installed: that of unstable with the C library that it needs
 * or, where that cannot be fetched or `attempt` rejects it, that of this machine's release. Fetched once (36 to 46 MB); of several
 * processes one fetches and the others wait.
 *
 * @param attempt tries the kernel that was just fetched; rejects if it is of no use here.
 * @throws {LabError} where none can be fetched, or this processor has none.
 */
export async function ensureUmlKernel(
  attempt: (kernel: UmlKernel) => Promise<void>,
  onProgress: (line: string) => void,
): Promise<UmlKernel> {
  if (process.arch !== 'x64')
    throw new LabError(`Debian has no ${PACKAGE} for ${process.arch}, only for amd64`);
  const newer = join(cacheDirectory('uml'), NEWER);
  const own = join(cacheDirectory('uml'), 'kernel');
  try {
    await once(newer, onProgress, async scratch => {
      onProgress(`${PACKAGE}: fetching that of ${NEWER} (once; kept in ${newer})`);
      await unpackNewer(scratch);
      await attempt(newerKernel(scratch));
    });
    return newerKernel(newer);
  } catch (error) {
    onProgress(
      `${PACKAGE} of ${NEWER}: ${messageOf(error)}; taking that of this machine's release, which is slower`,
    );
  }
  await once(own, onProgress, async scratch => {
    onProgress(`${PACKAGE}: fetching (once; kept in ${own})`);
    await unpackOwn(scratch);
  });
  return { argv: [join(own, PROGRAM)], modules: join(own, MODULES), quick: false };
}

function newerKernel(home: string): UmlKernel {
  // It executes itself once more to be rid of address randomisation, so that the loader cannot be in front of it.
  const libraries = join(home, 'usr/lib/x86_64-linux-gnu');
  return {
    argv: ['env', '-C', home, `LD_LIBRARY_PATH=${libraries}`, join(home, PROGRAM)],
    modules: join(home, MODULES),
    quick: true,
  };
}

/** Lets one process fill `home`, all or nothing. */
async function once(
  home: string,
  onProgress: (line: string) => void,
  fill: (scratch: string) => Promise<void>,
): Promise<void> {
  if (await exists(home)) return;
  await mkdir(cacheDirectory('uml'), { recursive: true });
  const release = await lockFile(`${home}.lock`, FETCH_TIMEOUT_MS, onProgress);
  try {
    if (await exists(home)) return;
    const scratch = await mkdtemp(`${home}.fetching-`);
    try {
      await fill(scratch);
      await rename(scratch, home);
    } finally {
      await rm(scratch, { recursive: true, force: true });
    }
  } finally {
    await release();
  }
}

async function unpackNewer(into: string): Promise<void> {
  const { sources, transport } = await debianMirror(NEWER);
  const apt = join(into, 'apt');
  await mkdir(join(apt, 'lists/partial'), { recursive: true });
  await mkdir(join(apt, 'cache/archives/partial'), { recursive: true });
  await writeFile(join(apt, 'sources.list'), `${sources.join('\n')}\n`);
  await writeFile(join(apt, 'apt.conf'), `${transport.join('\n')}\n`);
  const settings = [
    `Dir::Etc::SourceList=${join(apt, 'sources.list')}`,
    'Dir::Etc::SourceParts=-',
    `Dir::State::Lists=${join(apt, 'lists')}`,
    `Dir::Cache=${join(apt, 'cache')}`,
    'Acquire::Languages=none',
  ].flatMap(setting => ['-o', setting]);
  const command = [...APT, '-c', join(apt, 'apt.conf'), ...settings];
  await must0([...command, 'update'], { timeoutMs: FETCH_TIMEOUT_MS });
  await must0(inDirectory(into, [...command, 'download', PACKAGE, 'libc6']), { timeoutMs: FETCH_TIMEOUT_MS });
  await rm(apt, { recursive: true });
  await unpackAll(into);
  await symlink(LOADER, join(into, 'ld.so'));
  const program = join(into, PROGRAM);
  await writeFile(program, withLoader(await readFile(program), 'ld.so'));
}

async function unpackOwn(into: string): Promise<void> {
  const argv = inDirectory(into, [...APT, 'download', PACKAGE]);
  const options = { timeoutMs: FETCH_TIMEOUT_MS };
  try {
    if ((await run(argv, options)).code !== 0) {
      // The index is absent, or older than the mirror.
      await must0([...APT, 'update'], options);
      await must0(argv, options);
    }
  } catch (cause) {
    throw new LabError(`cannot fetch ${PACKAGE}: ${messageOf(cause)}`, {
      hint: 'this machine’s apt must know a Debian mirror; elsewhere there is no kernel with IPVS to test on',
      cause,
    });
  }
  await unpackAll(into);
}

function inDirectory(directory: string, argv: readonly string[]): string[] {
  return ['env', '-C', directory, ...argv];
}

async function unpackAll(directory: string): Promise<void> {
  for (const archive of (await readdir(directory)).filter(name => name.endsWith('.deb'))) {
    await must0(['dpkg', '-x', join(directory, archive), directory], { timeoutMs: 120_000 });
    await rm(join(directory, archive));
  }
}

async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined;
}
