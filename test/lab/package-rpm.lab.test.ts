/**
 * The `package` module with the real dnf and rpm, as far as Debian has them: on a host whose apt is out of the way and whose
 * only repository is a folder of its own.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { labUp, type Lab } from '#lab/lab.ts';
import { said, tandem, totalsOf } from '../support/tandem.ts';

/** Three packages, of which the first and the third need the second. */
const REPOSITORY = `set -e
mkdir -p /srv/repository /root/rpmbuild && cd /srv/repository
make() {
  cat >"/root/$1.spec" <<END
Name: $1
Version: 1.0
Release: 1
Summary: for a test
License: none
BuildArch: noarch
$2
%description
for a test
%install
mkdir -p %{buildroot}/usr/share/$1
echo $1 >%{buildroot}/usr/share/$1/content
%files
/usr/share/$1/content
END
  rpmbuild --quiet --define '_topdir /root/rpmbuild' --define "_rpmdir /srv/repository" -bb "/root/$1.spec" >/root/rpmbuild.log 2>&1 || { tail -20 /root/rpmbuild.log >&2; exit 1; }
}
make tandem-first 'Requires: tandem-second'
make tandem-second ''
make tandem-third 'Requires: tandem-second'
createrepo_c --quiet .
mkdir -p /etc/yum.repos.d
printf '[own]\\nname=own\\nbaseurl=file:///srv/repository\\ngpgcheck=0\\n' >/etc/yum.repos.d/own.repo
mv /usr/bin/apt-get /usr/bin/apt-get.hidden`;

const PLAYBOOK = `- name: Packages
  hosts: all
  tasks:
    - name: Install what is needed
      package: { name: tandem-first }
`;

let lab: Lab;
let directory: string;
let inventory: string;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'tandem-rpm-'));
  inventory = join(directory, 'one.yml');
  writeFileSync(inventory, 'all:\n  hosts:\n    ka67: { ansible_host: 172.16.8.10, ansible_user: root }\n');
  writeFileSync(join(directory, 'packages.yml'), PLAYBOOK);
  const interfaces = [{ name: 'eth0', network: 'lan', addresses: ['172.16.8.10/24'] }];
  const hosts = [{ name: 'ka67', interfaces, layers: ['rpm'] as const }];
  const controller = { addresses: { lan: ['172.16.8.2/24'] } };
  const name = `package-rpm-${process.pid}`;
  lab = await labUp({ name, networks: [{ name: 'lan' }], hosts, controller }, { ephemeral: true });
  await lab.exec('ka67', { script: REPOSITORY }, { check: true });
});

afterAll(async () => {
  await lab?.down();
  rmSync(directory, { recursive: true, force: true });
});

const apply = () => tandem(lab, ['apply', join(directory, 'packages.yml'), '-i', inventory, '--json']);

async function installed(): Promise<string[]> {
  const { stdout } = await lab.exec('ka67', ['rpm', '-qa', '--qf', '%{NAME}\n']);
  return stdout.split('\n').filter(Boolean).toSorted();
}

test('dnf installs with what is needed for it, and only once', async () => {
  const first = await apply();
  expect(first.code, said(first)).toBe(0);
  expect(await installed()).toEqual(['tandem-first', 'tandem-second']);
  const second = await apply();
  expect(second.code, said(second)).toBe(0);
  expect(totalsOf(second)).toMatchObject({ changed: 0, failed: 0 });
});

test('one that no repository has is an error in the words of dnf', async () => {
  writeFileSync(join(directory, 'missing.yml'), PLAYBOOK.replace('tandem-first', 'tandem-nowhere'));
  const result = await tandem(lab, ['apply', join(directory, 'missing.yml'), '-i', inventory]);
  expect(result.code).toBe(1);
  expect(said(result)).toMatch(/ka67.*Unable to find a match: tandem-nowhere/s);
});

test('teardown removes what came with it, as far as nothing else needs it', async () => {
  await lab.exec('ka67', ['dnf', 'install', '-y', '-q', 'tandem-third'], { check: true });
  const torn = await tandem(lab, ['teardown', '-i', inventory]);
  expect(torn.code, said(torn)).toBe(0);
  expect(await installed()).toEqual(['tandem-second', 'tandem-third']);
});
