/**
 * `node scripts/build.ts [--if-changed] [--arch x64|arm64] [--only release|cli]`: bundles the programs into dist/. Without
 * `--arch` the release is built for this machine and for what it was built for before.
 *
 *     dist/release/ARCH/   exactly what is shipped to a target: bin/tandemd, tandemd.mjs (loader), tandemd.js (bundle),
 *                          tandemd.cache (V8's code cache), worker.mjs, tandem.node, manifest.json
 *     dist/cli/            the provisioner, npm packages included
 *
 * Each is built beside its place and moved there, so that nobody runs half a build.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join, relative } from 'node:path';
import { parseArgs } from 'node:util';
import { build, type BuildOptions } from 'rolldown';
import { buildNative, type NativeArch, nativePath } from './build-native.ts';
import { fetchNode } from './fetch-node.ts';
import { asFunction, RELEASE_LOADER } from './release-loader.ts';
import { NODE_FLAGS, releaseLauncher } from './release-launcher.ts';

const ROOT = join(import.meta.dirname, '..');
const DIST = join(ROOT, 'dist');

/** V8's compiled code of the bundle. */
const CODE_CACHE = 'tandemd.cache';

/** One file of a release, as the manifest lists it. */
interface ManifestFile {
  readonly sha256: string;
  readonly bytes: number;
  /** Octal, such as `0755`. */
  readonly mode: string;
}

function sha256(bytes: Uint8Array | string): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function filesUnder(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath, entry.name))
    .sort();
}

/** A hash of everything that a build depends on. */
function sourcesHash(): string {
  const hash = createHash('sha256');
  const sources = ['src', 'native', 'scripts'].flatMap(folder => filesUnder(join(ROOT, folder)));
  const inputs = [...sources.filter(file => !file.endsWith('.test.ts')), join(ROOT, 'package-lock.json')];
  for (const file of inputs)
    hash.update(relative(ROOT, file)).update('\0').update(readFileSync(file)).update('\0');
  return hash.digest('hex');
}

/** The pinned Node of an architecture: npm installs the machine's own, the other one is fetched. */
function pinnedNode(arch: NativeArch): string {
  const path = join(ROOT, 'node_modules', `node-linux-${arch}`, 'bin', 'node');
  return existsSync(path) ? path : fetchNode(ROOT, arch);
}

/** The pinned Node's SHA-256 is cached by size and time: hashing 120 MB takes longer than the whole build. */
function nodeSha256(path: string): string {
  const cache = join(ROOT, 'build', `node-sha256-${sha256(path).slice(0, 16)}`);
  const { size, mtimeMs } = statSync(path);
  const key = `${size} ${mtimeMs}`;
  const [cachedKey, cached] = existsSync(cache) ? readFileSync(cache, 'utf8').split('\n') : [];
  if (cachedKey === key && cached) return cached;
  const hash = sha256(readFileSync(path));
  mkdirSync(join(ROOT, 'build'), { recursive: true });
  writeFileSync(cache, `${key}\n${hash}`);
  return hash;
}

/** Puts `staged` at `place`; what was there before is gone. */
function moveIntoPlace(staged: string, place: string): void {
  const old = `${place}.old-${process.pid}`;
  mkdirSync(join(place, '..'), { recursive: true });
  if (existsSync(place)) renameSync(place, old);
  renameSync(staged, place);
  rmSync(old, { recursive: true, force: true });
}

const COMMON: BuildOptions = {
  cwd: ROOT,
  platform: 'node',
  external: [/\.node$/],
  logLevel: 'warn',
  transform: { target: 'node24' },
};
const MINIFY = { compress: true, mangle: false, codegen: { removeWhitespace: true } } as const;

/** ES modules, with a chunk for everything that is imported when needed. */
async function bundleModules(
  inputs: Readonly<Record<string, string>>,
  folder: string,
  banner = '',
): Promise<void> {
  const names = { entryFileNames: '[name].mjs', chunkFileNames: '[name]-[hash].mjs' };
  const output = { dir: folder, format: 'esm', minify: MINIFY, banner, ...names } as const;
  await build({ ...COMMON, input: { ...inputs }, output });
}

/** One function in one file: what the release's loader runs. */
async function bundleFunction(input: string, file: string): Promise<void> {
  const places = { dirname: '__dirname', filename: '__filename' };
  await build({
    ...COMMON,
    transform: {
      ...COMMON.transform,
      define: { 'import.meta.dirname': places.dirname, 'import.meta.filename': places.filename },
    },
    input,
    output: { file, format: 'cjs', minify: MINIFY, codeSplitting: false },
  });
  writeFileSync(file, asFunction(readFileSync(file, 'utf8')));
}

function versionOf(packageFolder: string): string {
  const text = readFileSync(join(packageFolder, 'package.json'), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

function manifestOf(folder: string, arch: NativeArch, node: string): string {
  const files: Record<string, ManifestFile> = {};
  for (const file of filesUnder(folder)) {
    const bytes = readFileSync(file);
    const mode = `0${(statSync(file).mode & 0o777).toString(8)}`;
    files[relative(folder, file)] = { sha256: sha256(bytes), bytes: bytes.length, mode };
  }
  // The code cache differs from build to build and says nothing that the bundle does not.
  const id = sha256(
    Object.entries(files)
      .filter(([name]) => name !== CODE_CACHE)
      .map(([name, file]) => `${file.sha256} ${file.mode} ${name}\n`)
      .join(''),
  );
  const version = versionOf(ROOT);
  // Both architectures' are pinned to one version.
  const runtime = { sha256: node, version: versionOf(join(ROOT, 'node_modules', `node-linux-${ours}`)) };
  return `${JSON.stringify({ schema: 1, id, version, arch, node: runtime, files }, undefined, 2)}\n`;
}

/** A configuration that makes the parser do most of what it can do. */
const SAMPLE = `global_defs { router_id a
  vrrp_mcast_group4 224.0.0.111
}
vrrp_sync_group G { group { V } }
vrrp_instance V {
  interface eth0
  virtual_router_id 1
  priority 254
  advert_int 1
  authentication { auth_type PASS
    auth_pass a }
  virtual_ipaddress { 192.0.2.1/24 dev eth0 label eth0:1 }
}
`;

/** Runs the program once for what V8 has compiled by then. Only on the architecture that we are. */
function writeCodeCache(node: string, folder: string): void {
  const sample = join(folder, 'sample.conf');
  const cache = join(folder, CODE_CACHE);
  writeFileSync(sample, SAMPLE);
  const env = { TANDEM_WRITE_CODE_CACHE: cache, PATH: process.env['PATH'] ?? '' };
  // It may well complain: this machine need not have the interface.
  spawnSync(node, [...NODE_FLAGS, join(folder, 'tandemd.mjs'), '-t', '-f', sample], { env, stdio: 'ignore' });
  if (!existsSync(cache)) throw new Error('the release does not run: try `tandemd -t` in dist/');
  rmSync(sample);
}

/** What is shipped to a target of `arch`. */
async function buildRelease(arch: NativeArch): Promise<void> {
  const node = pinnedNode(arch);
  const staged = join(DIST, `.release-${arch}-${process.pid}`);
  rmSync(staged, { recursive: true, force: true });
  await bundleFunction('src/daemon/main.ts', join(staged, 'tandemd.js'));
  await bundleModules({ worker: 'src/daemon/worker/main.ts' }, staged);
  writeFileSync(join(staged, 'tandemd.mjs'), RELEASE_LOADER);
  buildNative(arch);
  cpSync(nativePath(arch), join(staged, 'tandem.node'));
  chmodSync(join(staged, 'tandem.node'), 0o644);
  mkdirSync(join(staged, 'bin'));
  const hash = nodeSha256(node);
  writeFileSync(join(staged, 'bin', 'tandemd'), releaseLauncher(hash));
  chmodSync(join(staged, 'bin', 'tandemd'), 0o755);
  if (arch === ours) writeCodeCache(node, staged);
  writeFileSync(join(staged, 'manifest.json'), manifestOf(staged, arch, hash));
  moveIntoPlace(staged, join(DIST, 'release', arch));
}

/** The provisioner. */
async function buildCli(): Promise<void> {
  const staged = join(DIST, `.cli-${process.pid}`);
  rmSync(staged, { recursive: true, force: true });
  // ssh2 is CommonJS and asks where it is.
  const banner = 'var __dirname = import.meta.dirname, __filename = import.meta.filename;';
  await bundleModules({ tandem: 'src/cli/main.ts' }, staged, banner);
  moveIntoPlace(staged, join(DIST, 'cli'));
}

const ours: NativeArch = process.arch === 'arm64' ? 'arm64' : 'x64';
const { values } = parseArgs({
  options: {
    'if-changed': { type: 'boolean' },
    only: { type: 'string' },
    arch: { type: 'string', multiple: true },
  },
});
/** Ours, and what was built before: a release for another architecture does not fall behind. */
function usualArches(): NativeArch[] {
  const built = (['x64', 'arm64'] as const).filter(arch => existsSync(join(DIST, 'release', arch)));
  return [...new Set([ours, ...built])];
}

const arches = values.arch?.map((arch): NativeArch => (arch === 'arm64' ? 'arm64' : 'x64')) ?? usualArches();
const parts: Readonly<Record<string, () => Promise<void>>> = {
  release: async () => {
    for (const arch of arches) await buildRelease(arch);
  },
  cli: buildCli,
};

// Taken before the build: a source that changes meanwhile is newer than the stamp.
const startedAt = new Date();
const hash = `${sourcesHash()} ${arches.join(' ')}`;
for (const [name, make] of Object.entries(parts)) {
  if (values.only !== undefined && values.only !== name) continue;
  const stamp = join(DIST, `built-${name}`);
  if (!values['if-changed'] || !existsSync(stamp) || readFileSync(stamp, 'utf8') !== hash) await make();
  // One that was asked for by name says nothing of the usual ones.
  if (values.arch && name === 'release') continue;
  writeFileSync(stamp, hash);
  utimesSync(stamp, startedAt, startedAt);
}
