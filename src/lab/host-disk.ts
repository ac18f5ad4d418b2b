import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { putFile, putLink } from './host-files.ts';
import { makeLean } from './lean.ts';
import { derivedMachineId, hostPaths, loginAddressOf, type LabPaths } from './layout.ts';
import type { LabHost, LabSpec } from './spec.ts';

/** Input as a careful operator leaves it: SSH and ICMP in, all else (VRRP, too) dropped. */
const NFTABLES_DROP = `#!/usr/sbin/nft -f

flush ruleset

table inet filter {
	chain input {
		type filter hook input priority filter; policy drop;
		ct state established,related accept
		ct state invalid drop
		iif "lo" accept
		meta l4proto { icmp, ipv6-icmp } accept
		tcp dport 22 accept
	}
	chain forward {
		type filter hook forward priority filter; policy drop;
	}
	chain output {
		type filter hook output priority filter; policy accept;
	}
}
`;

/** Writes what tells one host from another onto its own (still empty) disk. */
export async function prepareDisk(paths: LabPaths, spec: LabSpec, host: LabHost): Promise<void> {
  const { directory, upper } = hostPaths(paths, spec, host.name);
  for (const name of ['root', 'work']) await mkdir(join(directory, name), { recursive: true });
  await putFile(upper, '/etc/hostname', `${host.name}\n`);
  await putFile(upper, '/etc/machine-id', `${derivedMachineId(`${spec.name}/${host.name}`)}\n`, 0o444);
  await putFile(upper, '/etc/hosts', hostsFile(host));
  if (spec.lean === true) await makeLean(upper);
  if (host.firewall !== 'nftables-drop') return;
  await putFile(upper, '/etc/nftables.conf', NFTABLES_DROP, 0o755);
  const wants = '/etc/systemd/system/sysinit.target.wants';
  await putLink(upper, `${wants}/nftables.service`, '/lib/systemd/system/nftables.service');
}

function hostsFile(host: LabHost): string {
  const own = loginAddressOf(host) ?? '127.0.1.1';
  return [
    '127.0.0.1\tlocalhost',
    `${own}\t${host.name}`,
    '::1\tlocalhost ip6-localhost ip6-loopback',
    'ff02::1\tip6-allnodes',
    'ff02::2\tip6-allrouters',
    '',
  ].join('\n');
}

/**
 * Copies the machine's /proc/sys/{vm,fs,kernel} into files, which hosts get writable copies of. Files that cannot be
 * read (some only trigger something when written) become empty ones.
 */
export async function copySysctls(into: string): Promise<void> {
  for (const tree of ['vm', 'fs', 'kernel']) await copyTree(join('/proc/sys', tree), join(into, tree));
}

async function copyTree(from: string, to: string): Promise<void> {
  await mkdir(to, { recursive: true });
  for (const entry of await readdir(from, { withFileTypes: true })) {
    if (entry.name === 'binfmt_misc') continue;
    const source = join(from, entry.name);
    if (entry.isDirectory()) await copyTree(source, join(to, entry.name));
    else await writeFile(join(to, entry.name), await readFile(source).catch(() => ''));
  }
}
