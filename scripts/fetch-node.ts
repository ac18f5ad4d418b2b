/** The pinned Node of another architecture: npm's package, checked against the lock's integrity, kept under build/. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

interface Lock {
  readonly packages: Readonly<Record<string, { readonly version: string; readonly integrity: string }>>;
}

/** Path of the binary, which is fetched if need be. Throws with npm's words, or if it is not what the lock names. */
export function fetchNode(root: string, arch: string): string {
  const name = `node-linux-${arch}`;
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as Lock;
  const entry = lock.packages[`node_modules/${name}`];
  if (!entry) throw new Error(`package-lock.json has no ${name}`);
  const place = join(root, 'build', `${name}-${entry.version}`);
  const binary = join(place, 'bin', 'node');
  if (existsSync(binary)) return binary;
  mkdirSync(join(root, 'build'), { recursive: true });
  const folder = mkdtempSync(join(tmpdir(), 'tandem-node-'));
  try {
    const spec = `${name}@${entry.version}`;
    const tarball = join(
      folder,
      run('npm', ['pack', spec, '--silent', '--pack-destination', folder]).toString().trim(),
    );
    checkIntegrity(spec, readFileSync(tarball), entry.integrity);
    const staged = `${place}.${process.pid}`;
    rmSync(staged, { recursive: true, force: true });
    mkdirSync(staged);
    run('tar', ['-xzf', tarball, '-C', staged, '--strip-components=1']);
    if (existsSync(place)) rmSync(place, { recursive: true });
    renameSync(staged, place);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return binary;
}

/** `sha512-BASE64` of the tarball, as locks have it. */
export function checkIntegrity(spec: string, tarball: Uint8Array, integrity: string): void {
  const found = `sha512-${createHash('sha512').update(tarball).digest('base64')}`;
  if (found !== integrity)
    throw new Error(`${spec} is not what package-lock.json names: ${found} instead of ${integrity}`);
}

function run(command: string, args: readonly string[]): Buffer {
  const { status, stdout, stderr, error } = spawnSync(command, args, { maxBuffer: 1 << 28 });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${error?.message ?? stderr.toString()}`);
  return stdout;
}
