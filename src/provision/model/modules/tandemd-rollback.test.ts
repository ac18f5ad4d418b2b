import { readdirSync, readlinkSync, rmSync } from 'node:fs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { ReleaseArtefact } from '#provision/model/release.ts';
import { bytesPart, sh } from '#provision/model/shell.ts';
import { ModuleHost } from '#testing/module-host.ts';
import { gzipSync } from 'node:zlib';
import { sha256Of } from './path-state.ts';
import { tandemdRelease } from './tandemd-release.ts';
import { tandemdRollback } from './tandemd-rollback.ts';

let host: ModuleHost;
beforeEach(() => {
  host = new ModuleHost();
});
afterEach(() => host.remove());

const NODE = Buffer.from('node');

/** A release whose `tandemd -t` ends with `code`. */
function release(version: string, code = 0): ReleaseArtefact {
  const program = Buffer.from(`#!/bin/sh\n# ${version}\necho "$*" >>"\${0%/*}/../asked"\nexit ${code}\n`);
  return {
    id: sha256Of(version),
    version,
    architecture: 'x64',
    node: { sha256: sha256Of(NODE), version: '24.21.0', part: bytesPart('node', gzipSync(NODE)) },
    files: [
      {
        path: 'bin/tandemd',
        mode: '0755',
        sha256: sha256Of(program),
        part: bytesPart('bin/tandemd', program),
      },
    ],
  };
}

async function install(version: string, code = 0): Promise<void> {
  host.release = release(version, code);
  await host.converge(tandemdRelease, { root: host.path('tandem') });
}

const args = () => ({ root: host.path('tandem'), configuration: '/etc/tandem/keepalived.conf' });
const rollback = () => host.converge(tandemdRollback, args());
const current = () => readlinkSync(host.path('tandem/current')).replace('releases/', '');

test('the release before takes over, having checked the configuration, and the other one stays for an apply', async () => {
  await install('1');
  await install('2');
  const [change] = await rollback();
  expect(change).toMatchObject({ resource: 'release:current', effect: 'restart' });
  expect(current()).toBe(sha256Of('1'));
  expect(readdirSync(host.path('tandem/releases'))).toHaveLength(2);
  expect(readdirSync(host.path(`tandem/releases/${sha256Of('1')}`))).toContain('asked');
});

test('once: run again it stays, and after an apply it can be gone back again', async () => {
  await install('1');
  await install('2');
  await rollback();
  expect(await rollback()).toEqual([]);
  await install('2');
  await rollback();
  expect(current()).toBe(sha256Of('1'));
});

test('a link that somebody moved in between does not change where it goes back to', async () => {
  await install('1');
  await install('2');
  await host.run(sh`ln -sfn releases/nowhere ${host.path('tandem/current')}`);
  await install('2');
  await rollback();
  expect(current()).toBe(sha256Of('1'));
});

test('one that was killed between its record and its rename is brought to its end', async () => {
  await install('1');
  await install('2');
  await rollback();
  await host.run(sh`ln -sfn ${`releases/${sha256Of('2')}`} ${host.path('tandem/current')}`);
  await rollback();
  expect(current()).toBe(sha256Of('1'));
});

test('a release that was only uploaded is none to go back to', async () => {
  await install('1');
  host.release = release('2');
  const [upload] = await host.plan(tandemdRelease, { root: host.path('tandem') });
  expect(upload?.resource).toContain('release:releases/');
  await expect(rollback()).rejects.toThrow('there is no release to go back to: the present one is the first');
});

test('nothing is switched if the release before refuses the configuration', async () => {
  await install('1', 4);
  await install('2');
  await expect(rollback()).rejects.toThrow('the release before refuses /etc/tandem/keepalived.conf');
  expect(current()).toBe(sha256Of('2'));
});

test('what cannot be says why', async () => {
  await expect(rollback()).rejects.toThrow('tandemd was not installed by Tandem here');
  await install('1');
  await install('2');
  rmSync(host.path(`tandem/releases/${sha256Of('1')}`), { recursive: true });
  await expect(rollback()).rejects.toThrow('is not there any more');
});
