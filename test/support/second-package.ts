/** A package of Tandem whose release of tandemd is another one, as after an upgrade of the controller. */
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './tandem.ts';

interface Manifest {
  id: string;
  readonly files: Record<string, { sha256: string; bytes: number; readonly mode: string }>;
}

/** Without sources, as npm installs it: it runs what is built, and builds nothing. */
const COPIED = ['bin', 'dist/cli', 'dist/release', 'roles', 'playbooks', 'inventory', 'package.json'];

/**
 * Copies the checkout's package below `directory` and changes tandemd in it by a comment. Gives the package's path and
 * the new release's id.
 */
export function secondPackage(directory: string): { readonly root: string; readonly release: string } {
  const root = join(directory, 'package');
  for (const path of COPIED) cpSync(join(ROOT, path), join(root, path), { recursive: true });
  symlinkSync(join(ROOT, 'node_modules'), join(root, 'node_modules'));
  // 45 MB, and the same one.
  mkdirSync(join(ROOT, 'dist/runtime'), { recursive: true });
  symlinkSync(join(ROOT, 'dist/runtime'), join(root, 'dist/runtime'));
  const releases = ['x64', 'arm64'].filter(arch => existsSync(join(root, 'dist/release', arch)));
  const [release] = releases.map(arch => changeRelease(join(root, 'dist/release', arch)));
  if (release === undefined) throw new Error(`nothing is built in ${ROOT}dist/release`);
  return { root, release };
}

function changeRelease(folder: string): string {
  const program = join(folder, 'tandemd.mjs');
  const text = `${readFileSync(program, 'utf8')}\n// another release\n`;
  writeFileSync(program, text);
  const file = join(folder, 'manifest.json');
  const manifest = JSON.parse(readFileSync(file, 'utf8')) as Manifest;
  const entry = manifest.files['tandemd.mjs'];
  if (!entry) throw new Error(`${file} lists no tandemd.mjs`);
  entry.sha256 = sha256(text);
  entry.bytes = Buffer.byteLength(text);
  const lines = Object.entries(manifest.files).map(([name, one]) => `${one.sha256} ${one.mode} ${name}\n`);
  manifest.id = sha256(lines.join(''));
  writeFileSync(file, `${JSON.stringify(manifest, undefined, 2)}\n`);
  return manifest.id;
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
