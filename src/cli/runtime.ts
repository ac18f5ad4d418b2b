/** The pinned Node as it is streamed to hosts: compressed once per version, and fetched for another architecture. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { Refusal } from '#provision/model/module.ts';

/** A Node binary by content, as a release names it. */
export interface RuntimeName {
  /** As npm's package has it: `x64`, `arm64`. */
  readonly arch: string;
  readonly version: string;
  /** Of the binary. */
  readonly sha256: string;
}

/**
 * The compressed binary's path. `root`: the package's own directory. If npm has not installed that architecture's, its
 * package is fetched with npm, which takes the time of a download: nothing else goes on meanwhile. Throws Refusal.
 */
export function compressedRuntime(root: string, name: RuntimeName): string {
  const folder = join(root, 'dist', 'runtime');
  const file = join(folder, `node-${name.sha256}.gz`);
  if (existsSync(file)) return file;
  const installed = join(root, 'node_modules', `node-linux-${name.arch}`, 'bin', 'node');
  const binary = existsSync(installed) ? readFileSync(installed) : fetchRuntime(name);
  const found = createHash('sha256').update(binary).digest('hex');
  if (found !== name.sha256)
    throw new Refusal(
      `Node ${name.version} for ${name.arch} is not the one that the release was built with: SHA-256 ${found} instead of ${name.sha256}`,
    );
  const partial = `${file}.${process.pid}`;
  mkdirSync(folder, { recursive: true });
  // Level 1: hosts are a fast network away, and a first apply waits for this.
  writeFileSync(partial, gzipSync(binary, { level: 1, chunkSize: 1 << 20 }));
  renameSync(partial, file);
  return file;
}

function fetchRuntime({ arch, version }: RuntimeName): Buffer {
  const folder = mkdtempSync(join(tmpdir(), 'tandem-runtime-'));
  try {
    const spec = `node-linux-${arch}@${version}`;
    const pack = ['pack', spec, '--silent', '--pack-destination', folder];
    const packed = succeed(spec, 'npm', pack).toString().trim();
    return succeed(spec, 'tar', ['-xzOf', join(folder, packed), 'package/bin/node']);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function succeed(spec: string, command: string, args: readonly string[]): Buffer {
  const { status, stdout, stderr, error } = spawnSync(command, args, { maxBuffer: 1 << 28 });
  if (status === 0) return stdout;
  const said = error?.message ?? stderr.toString().trim();
  throw new Refusal(
    `${spec}, which hosts of that architecture need, could not be fetched: ${command}: ${said}. Where there is a registry, \`node scripts/build.ts --arch ARCH\` fetches it, too`,
  );
}
