import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Architectures in Node's words; each has a file of its own. */
export type NativeArch = 'x64' | 'arm64';

const ROOT = join(import.meta.dirname, '..');
const SOURCE = join(ROOT, 'native', 'tandem.c');

const COMPILERS: Readonly<Record<NativeArch, { readonly command: string; readonly debianPackages: string }>> =
  {
    x64: {
      command: process.arch === 'x64' ? 'gcc' : 'x86_64-linux-gnu-gcc',
      debianPackages: process.arch === 'x64' ? 'gcc libc6-dev' : 'gcc-x86-64-linux-gnu libc6-dev-amd64-cross',
    },
    arm64: {
      command: process.arch === 'arm64' ? 'gcc' : 'aarch64-linux-gnu-gcc',
      debianPackages:
        process.arch === 'arm64' ? 'gcc libc6-dev' : 'gcc-aarch64-linux-gnu libc6-dev-arm64-cross',
    },
  };

// No library is named (see tandem.c), so nothing may need one: no stack protector, no fortified calls, no outlined atomics.
const FLAGS = [
  '-std=c17 -O2 -fPIC -shared -nostdlib -fno-stack-protector -U_FORTIFY_SOURCE -fvisibility=hidden',
  '-Wall -Wextra -Werror -Wl,--build-id=none -Wl,-z,relro,-z,now -s',
].flatMap(line => line.split(' '));
const ARCH_FLAGS: Readonly<Record<NativeArch, readonly string[]>> = {
  x64: [],
  arm64: ['-mno-outline-atomics'],
};

/** Where the build leaves the addon of an architecture; `src/linux/native.ts` finds it there in a checkout. */
export function nativePath(arch: NativeArch): string {
  return join(ROOT, 'build', 'native', `tandem-${arch}.node`);
}

/** True if this machine has a compiler for `arch`. */
export function canBuildNative(arch: NativeArch): boolean {
  return compilerVersion(COMPILERS[arch].command) !== undefined;
}

/**
 * Compiles native/tandem.c for `arch` to `outFile`, unless what is there was made of the same source, headers, compiler
 * and flags. Returns true if it compiled. Throws with the compiler's words if it fails, and with the package to install
 * if there is no compiler.
 */
export function buildNative(arch: NativeArch, outFile: string = nativePath(arch)): boolean {
  const { command, debianPackages } = COMPILERS[arch];
  const version = compilerVersion(command);
  if (version === undefined)
    throw new Error(
      `the native addon for ${arch} needs the compiler ${command}, which is not here (Debian: apt-get install ${debianPackages})`,
    );
  const includes = headers();
  const flags = [...FLAGS, ...ARCH_FLAGS[arch]];
  const hash = createHash('sha256');
  for (const part of [
    readFileSync(SOURCE),
    readFileSync(join(includes, 'node_version.h')),
    version,
    flags.join(' '),
  ])
    hash.update(part).update('\0');
  const stamp = hash.digest('hex');
  const stampFile = `${outFile}.stamp`;
  if (existsSync(outFile) && existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp) return false;

  mkdirSync(dirname(outFile), { recursive: true });
  // Renamed into place: a running daemon or a test may have the old file mapped.
  const partial = `${outFile}.${process.pid}`;
  const built = spawnSync(command, [...flags, '-I', includes, '-o', partial, SOURCE], { encoding: 'utf8' });
  if (built.status !== 0) throw new Error(`${command} failed on native/tandem.c:\n${built.stderr}`);
  renameSync(partial, outFile);
  writeFileSync(stampFile, stamp);
  return true;
}

/** The headers of the pinned Node; both architectures' packages carry the same ones. */
function headers(): string {
  const found = ['x64', 'arm64']
    .map(arch => join(ROOT, 'node_modules', `node-linux-${arch}`, 'include', 'node'))
    .find(path => existsSync(path));
  if (!found) throw new Error('the pinned Node is not installed: run `npm run setup`');
  return found;
}

function compilerVersion(command: string): string | undefined {
  try {
    return execFileSync(command, ['--version'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  } catch {
    return undefined;
  }
}

if (import.meta.main) {
  const arch = process.arch === 'arm64' ? 'arm64' : 'x64';
  console.log(`${nativePath(arch)}: ${buildNative(arch) ? 'built' : 'up to date'}`);
}
