import { existsSync, readdirSync, readFileSync, readlinkSync, statSync, writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ModuleHost } from '#testing/module-host.ts';
import type { ReleaseArtefact } from '#provision/model/release.ts';
import { bytesPart } from '#provision/model/shell.ts';
import { sha256Of } from './path-state.ts';
import { releaseReverter, tandemdRelease } from './tandemd-release.ts';

let host: ModuleHost;
beforeEach(() => {
  host = new ModuleHost();
});
afterEach(() => host.remove());

function release(version: string, runtime = 'node 24'): ReleaseArtefact {
  const node = Buffer.from(`${runtime}\0`.repeat(50_000));
  const daemon = Buffer.from(`daemon ${version}\n`);
  return {
    id: sha256Of(version),
    version,
    architecture: 'x64',
    node: { sha256: sha256Of(node), version: '24.21.0', part: bytesPart('node', gzipSync(node)) },
    files: [
      { path: 'tandemd.mjs', mode: '0644', sha256: sha256Of(daemon), part: bytesPart('tandemd.mjs', daemon) },
      {
        path: 'bin/tandemd',
        mode: '0755',
        sha256: sha256Of(''),
        part: bytesPart('bin/tandemd', new Uint8Array(0)),
      },
    ],
  };
}

const args = (): { root: string } => ({ root: host.path('tandem') });

async function install(version: string, runtime?: string): Promise<readonly string[]> {
  host.release = release(version, runtime);
  return (await host.converge(tandemdRelease, args())).map(change => change.resource.replace(/\/.*/, ''));
}

describe('tandemd_release', () => {
  test('the runtime goes up once, a release once, and two of them are kept', async () => {
    expect(await install('1')).toEqual(['release:node', 'release:releases', 'release:current']);
    const root = host.path('tandem');
    expect(readFileSync(`${root}/current/tandemd.mjs`, 'utf8')).toBe('daemon 1\n');
    expect(statSync(`${root}/current/bin/tandemd`).mode & 0o777).toBe(0o755);
    expect(statSync(`${root}/current/node/node`).mode & 0o777).toBe(0o755);
    expect(await install('1')).toEqual([]);
    expect(await install('2')).toEqual(['release:releases', 'release:current']);
    expect(await install('3', 'node 25')).toEqual(['release:node', 'release:releases', 'release:current']);
    expect(readdirSync(`${root}/releases`).sort()).toEqual([sha256Of('2'), sha256Of('3')].sort());
    expect(readdirSync(`${root}/node`)).toHaveLength(2);
    expect(await install('4', 'node 25')).toEqual(['release:releases', 'release:current']);
    expect(readdirSync(`${root}/node`)).toEqual([release('4', 'node 25').node.sha256]);
    expect(await install('3', 'node 25')).toEqual(['release:current']);
    expect(readlinkSync(`${root}/current`)).toBe(`releases/${sha256Of('3')}`);
    expect(host.ledger.entries).toHaveLength(4);
    await host.teardown(releaseReverter);
    expect(existsSync(root)).toBe(false);
  });

  test('what does not arrive as announced gets no name, and what an earlier run left is no hindrance', async () => {
    const good = release('1');
    host.release = { ...good, node: { ...good.node, sha256: 'e'.repeat(64) } };
    await expect(host.converge(tandemdRelease, args())).rejects.toThrow('node did not arrive whole');
    expect(readdirSync(host.path('tandem/node'))).toEqual([]);
    host.release = { ...good, node: { ...good.node, part: bytesPart('node', Buffer.from('no gzip')) } };
    await expect(host.converge(tandemdRelease, args())).rejects.toThrow(/gzip/);
    await host.run(tandemdRelease.probe(tandemdRelease.schema.parse(args())));
    writeFileSync(host.path('tandem/node/x.part'), '');
    expect(await install('1')).toContain('release:current');
  });

  test('uploads leave what runs alone, the switch does not', async () => {
    host.release = release('1');
    const changes = await host.plan(tandemdRelease, args());
    expect(changes.map(({ effect, early }) => [effect, early])).toEqual([
      ['none', true],
      ['none', true],
      ['restart', undefined],
    ]);
  });

  test('a host without a release for it is refused', async () => {
    await expect(host.plan(tandemdRelease, args())).rejects.toThrow('there is no release of tandemd for x64');
  });
});
