/** The release that `dist/` holds, as the planner ships it to hosts: the daemon's files and a compressed runtime. */
import { createHash } from 'node:crypto';
import { createReadStream, existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { bytesPart } from '#provision/model/shell.ts';
import { compressedRuntime } from './runtime.ts';
import type { ReleaseArtefact, ReleaseFile } from '#provision/model/release.ts';

interface Manifest {
  readonly id: string;
  readonly version: string;
  readonly arch: string;
  readonly node: { readonly sha256: string; readonly version: string };
  readonly files: Readonly<Record<string, { readonly sha256: string; readonly mode: string }>>;
}

/** Every architecture that `dist/release` has been built for. `root`: the package's own directory. */
export function loadReleases(root: string): ReadonlyMap<string, ReleaseArtefact> {
  const releases = new Map<string, ReleaseArtefact>();
  for (const architecture of ['x64', 'arm64']) {
    const dir = join(root, 'dist', 'release', architecture);
    if (!existsSync(join(dir, 'manifest.json'))) continue;
    releases.set(architecture, loadRelease(root, dir));
  }
  return releases;
}

function loadRelease(root: string, dir: string): ReleaseArtefact {
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
  // Found, or fetched, when a host turns out to lack it.
  const runtime = (): string => compressedRuntime(root, { arch: manifest.arch, ...manifest.node });
  return {
    id: manifest.id,
    version: manifest.version,
    architecture: manifest.arch,
    node: {
      sha256: manifest.node.sha256,
      version: manifest.node.version,
      part: {
        label: `Node ${manifest.node.version}`,
        get length() {
          return statSync(runtime()).size;
        },
        open: () => createReadStream(runtime(), { highWaterMark: 1 << 18 }),
      },
    },
    files: [...listed, own],
  };
}
