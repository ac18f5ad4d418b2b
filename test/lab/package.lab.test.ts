/** The `package` module with the real apt, on a host whose only repository is a folder of its own. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { EXCLUSIONS } from '#lab/exclusions.ts';
import {
  compareSnapshots,
  formatDifferences,
  labUp,
  snapshotHost,
  type Lab,
  type Snapshot,
} from '#lab/lab.ts';
import { said, tandem, totalsOf } from '../support/tandem.ts';

/** Two packages, of which the first needs the second. */
const REPOSITORY = `set -e
mkdir -p /srv/repository && cd /srv/repository
make() {
  mkdir -p "$1/DEBIAN" "$1/usr/share/$1" && echo "$1" >"$1/usr/share/$1/content"
  printf 'Package: %s\\nVersion: 1.0\\nArchitecture: all\\nMaintainer: nobody\\nDepends: %s\\nDescription: for a test\\n' "$1" "$2" >"$1/DEBIAN/control"
  dpkg-deb -b "$1" "$1.deb" >/dev/null
  { dpkg-deb -f "$1.deb"; echo "Filename: ./$1.deb"; echo "Size: $(stat -c %s "$1.deb")"
    echo "SHA256: $(sha256sum "$1.deb" | cut -d ' ' -f 1)"; echo; } >>Packages
}
make tandem-first tandem-second
make tandem-second base-files
rm -rf /etc/apt/sources.list.d/*
echo 'deb [trusted=yes] file:/srv/repository ./' >/etc/apt/sources.list
apt-get update -q`;

const PLAYBOOK = `- name: Packages
  hosts: all
  tasks:
    - name: Install what is needed
      package: { name: tandem-first }
`;

let lab: Lab;
let directory: string;
let inventory: string;
let before: Snapshot;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'tandem-package-'));
  inventory = join(directory, 'one.yml');
  writeFileSync(inventory, 'all:\n  hosts:\n    ka67: { ansible_host: 172.16.8.10, ansible_user: root }\n');
  writeFileSync(join(directory, 'packages.yml'), PLAYBOOK);
  const interfaces = [{ name: 'eth0', network: 'lan', addresses: ['172.16.8.10/24'] }];
  const networks = [{ name: 'lan' }];
  const controller = { addresses: { lan: ['172.16.8.2/24'] } };
  const name = `package-${process.pid}`;
  lab = await labUp(
    { name, networks, hosts: [{ name: 'ka67', interfaces }], controller },
    { ephemeral: true },
  );
  await lab.exec('ka67', { script: REPOSITORY }, { check: true });
  before = await snapshotHost(lab, 'ka67');
});

afterAll(async () => {
  await lab?.down();
  rmSync(directory, { recursive: true, force: true });
});

const apply = () => tandem(lab, ['apply', join(directory, 'packages.yml'), '-i', inventory, '--json']);

async function installed(): Promise<string[]> {
  const list = await lab.exec('ka67', [
    'dpkg-query',
    '-W',
    '-f',
    '${Package} ${db:Status-Status}\n',
    'tandem-*',
  ]);
  return list.stdout
    .split('\n')
    .filter(line => line.endsWith(' installed'))
    .toSorted();
}

test('installs with what is needed for it, and only once', async () => {
  const first = await apply();
  expect(first.code, said(first)).toBe(0);
  expect(await installed()).toEqual(['tandem-first installed', 'tandem-second installed']);
  const second = await apply();
  expect(second.code, said(second)).toBe(0);
  expect(totalsOf(second)).toMatchObject({ changed: 0, failed: 0 });
});

test('one that no repository has is an error in the words of apt', async () => {
  writeFileSync(join(directory, 'missing.yml'), PLAYBOOK.replace('tandem-first', 'tandem-nowhere'));
  const result = await tandem(lab, ['apply', join(directory, 'missing.yml'), '-i', inventory]);
  expect(result.code).toBe(1);
  expect(said(result)).toMatch(/ka67.*Unable to locate package tandem-nowhere/s);
});

test('teardown removes what came with it, and nothing else', async () => {
  const torn = await tandem(lab, ['teardown', '-i', inventory]);
  expect(torn.code, said(torn)).toBe(0);
  expect(await installed()).toEqual([]);
  // dpkg's and apt's own books are theirs.
  const exclusions = [
    {
      keys: /^file:\/var\/(lib\/(dpkg|apt)|cache\/(apt|debconf)|log\/(apt|dpkg\.log))/,
      reason: 'bookkeeping of dpkg and apt',
    },
  ];

  const left = compareSnapshots(before, await snapshotHost(lab, 'ka67'), [...EXCLUSIONS, ...exclusions]);
  expect(formatDifferences(left)).toBe('');
});
