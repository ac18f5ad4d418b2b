import { execFileSync } from 'node:child_process';
import { existsSync, rmSync, writeFileSync } from 'node:fs';

const FOLDERS = [
  '/usr/local/sbin',
  '/usr/local/bin',
  '/usr/sbin',
  '/usr/bin',
  '/sbin',
  '/bin',
  '/usr/lib/frr',
  '/usr/aarch64-linux-gnu/lib',
  '/usr/lib/python3/dist-packages',
];

/** Packages with programs, or what else tells that they are there, of another name. */
const PROGRAMS: Readonly<Record<string, string>> = {
  // ansible-core has the folder of the same name.
  ansible: 'ansible_collections/ansible/posix',
  'ansible-mitogen': 'ansible_mitogen',
  'dnsmasq-base': 'dnsmasq',
  frr: 'vrrpd',
  'gcc-aarch64-linux-gnu': 'aarch64-linux-gnu-gcc',
  'libc6-dev-arm64-cross': 'libc.a',
  'libstdc++6-arm64-cross': 'libstdc++.so.6',
  nftables: 'nft',
  'openssh-client': 'ssh-keygen',
  'openssh-server': 'sshd',
  'python3-aiosmtpd': 'aiosmtpd',
  'qemu-user-static': 'qemu-aarch64-static',
};

/** What the tests drive, besides the lab's own needs. */
export const TEST_PACKAGES: readonly string[] = [
  'dnsmasq-base',
  'frr',
  'gcc-aarch64-linux-gnu',
  'ipvsadm',
  'keepalived',
  'kmod',
  'libc6-dev-arm64-cross',
  'libstdc++6-arm64-cross',
  'nftables',
  'nginx',
  'openssh-client',
  'openssh-server',
  'python3-aiosmtpd',
  'qemu-user-static',
  'tshark',
];

/** What `invoke-rc.d` asks before it starts a service. */
const POLICY = '/usr/sbin/policy-rc.d';

/** Installs the Debian packages of the programs that are missing; their services are not started. */
export function installPackages(...names: readonly string[]): void {
  const missing = names.filter(
    name => !FOLDERS.some(folder => existsSync(`${folder}/${PROGRAMS[name] ?? name}`)),
  );
  if (missing.length === 0) return;
  const apt = (...argv: readonly string[]): void =>
    void execFileSync('apt-get', ['-q', '-y', '-o', 'DPkg::Lock::Timeout=300', ...argv], {
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
      stdio: ['ignore', 'ignore', 'inherit'],
      timeout: 280_000,
    });
  apt('update');
  const hasPolicy = existsSync(POLICY);
  if (!hasPolicy) writeFileSync(POLICY, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  try {
    apt('--no-install-recommends', 'install', ...missing);
  } finally {
    if (!hasPolicy) rmSync(POLICY);
  }
}
