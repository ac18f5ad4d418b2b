/** The release that `dist/` holds, as the planner ships it to hosts: the daemon's files and a compressed runtime. */
import { createHash } from 'node:crypto';
import { createReadStream, existsSync, mkdirSync, readFileSync, renameSync, statSync } from 'node:fs';
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { bytesPart } from '#provision/model/shell.ts';
import type { ReleaseArtefact, ReleaseFile } from '#provision/model/release.ts';

interface Manifest {
  readonly id: string;
  readonly version: string;
  readonly arch: string;
  readonly node: { readonly sha256: string; readonly version: string };
  readonly files: Readonly<Record<string, { readonly sha256: string; readonly mode: string }>>;
}

/** Every architecture that `dist/release` has been built for. `root`: the package's own directory. */
export async function loadReleases(root: string): Promise<ReadonlyMap<string, ReleaseArtefact>> {
  const releases = new Map<string, ReleaseArtefact>();
  for (const architecture of ['x64', 'arm64']) {
    const dir = join(root, 'dist', 'release', architecture);
    if (!existsSync(join(dir, 'manifest.json'))) continue;
    releases.set(architecture, await loadRelease(root, dir));
  }
  return releases;
}

async function loadRelease(root: string, dir: string): Promise<ReleaseArtefact> {
  const text = readFileSync(join(dir, 'manifest.json'));
  const manifest = JSON.parse(text.toString()) as Manifest;
  const listed = Object.entries(manifest.files).map(([path, file]): ReleaseFile => {
    const bytes = readFileSync(join(dir, path));
    return {
      path,
      mode: file.mode === '0755' ? '0755' : '0644',
      sha256: file.sha256,
      part: bytesPart(path, bytes),
    };
  });
  const sha256 = createHash('sha256').update(text).digest('hex');
  const own: ReleaseFile = {
    path: 'manifest.json',
    mode: '0644',
    sha256,
    part: bytesPart('manifest.json', text),
  };
  const runtime = await compressedRuntime(root, manifest);
  const length = statSync(runtime).size;
  return {
    id: manifest.id,
    version: manifest.version,
    architecture: manifest.arch,
    node: {
      sha256: manifest.node.sha256,
      version: manifest.node.version,
      part: {
        label: `Node ${manifest.node.version}`,
        length,
        open: () => createReadStream(runtime, { highWaterMark: 1 << 18 }),
      },
    },
    files: [...listed, own],
  };
}

/** The runtime as it is streamed to hosts: compressed once per version, kept beside the release. */
async function compressedRuntime(root: string, manifest: Manifest): Promise<string> {
  const file = join(root, 'dist', 'runtime', `node-${manifest.node.sha256}.gz`);
  if (existsSync(file)) return file;
  const binary = join(root, 'node_modules', `node-linux-${manifest.arch}`, 'bin', 'node');
  const partial = `${file}.${process.pid}`;
  mkdirSync(join(root, 'dist', 'runtime'), { recursive: true });
  // Level 1: hosts are a fast network away, and a first apply waits for this.
  await pipeline(
    createReadStream(binary, { highWaterMark: 1 << 20 }),
    createGzip({ level: 1, chunkSize: 1 << 18 }),
    createWriteStream(partial),
  );
  renameSync(partial, file);
  return file;
}
