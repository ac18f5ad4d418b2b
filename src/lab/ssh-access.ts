import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { must0 } from './command.ts';
import { putDirectory, putFile } from './host-files.ts';
import { PATIENCE } from './patience.ts';
import { hostPaths, loginAddressOf, type LabPaths } from './layout.ts';
import type { LabHost, LabSpec } from './spec.ts';

/** How to log in to a lab's hosts. All paths are below the lab's state directory and vanish with it. */
export interface SshAccess {
  /** Private ed25519 key without passphrase, mode 0600; root's on every host. */
  readonly keyFile: string;
  /** The hosts' keys, under their names and all their addresses. */
  readonly knownHostsFile: string;
  /** For `ssh -F`: `Host` entries by name with address, key and known_hosts; strict host key checking. */
  readonly configFile: string;
}

export function sshAccess(paths: LabPaths): SshAccess {
  return {
    keyFile: `${paths.directory}/ssh/id_ed25519`,
    knownHostsFile: `${paths.directory}/ssh/known_hosts`,
    configFile: `${paths.directory}/ssh/config`,
  };
}

/** Makes the lab's key and a key for each host, and puts them on the hosts' disks. */
export async function makeSshAccess(paths: LabPaths, spec: LabSpec): Promise<void> {
  const access = sshAccess(paths);
  await mkdir(`${paths.directory}/ssh`, { mode: 0o700 });
  const publicKey = await makeKey(access.keyFile, `tandem-lab ${spec.name}`);
  const known = await Promise.all(
    spec.hosts.map(async host => {
      const { upper } = hostPaths(paths, spec, host.name);
      await putDirectory(upper, '/etc/ssh');
      await putDirectory(upper, '/root', 0o700);
      await putDirectory(upper, '/root/.ssh', 0o700);
      await putFile(upper, '/root/.ssh/authorized_keys', publicKey, 0o600);
      const hostKey = await makeKey(join(upper, 'etc', 'ssh', 'ssh_host_ed25519_key'), `root@${host.name}`);
      return knownHostsLine(host, hostKey);
    }),
  );
  await writeFile(access.knownHostsFile, known.join(''), { mode: 0o600 });
  await writeFile(access.configFile, sshConfig(spec, access), { mode: 0o600 });
}

async function makeKey(file: string, comment: string): Promise<string> {
  await must0(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-C', comment, '-f', file]);
  return await readFile(`${file}.pub`, 'utf8');
}

/** A line of known_hosts: sshd(8), SSH_KNOWN_HOSTS FILE FORMAT. */
function knownHostsLine(host: LabHost, publicKey: string): string {
  const addresses = host.interfaces.flatMap(nic => nic.addresses.map(address => address.split('/')[0] ?? ''));
  const [type, key] = publicKey.split(' ');
  return `${[host.name, ...addresses].join(',')} ${type} ${key?.trim()}\n`;
}

function sshConfig(spec: LabSpec, access: SshAccess): string {
  const entries = spec.hosts.flatMap(host => {
    const address = loginAddressOf(host);
    return address === undefined ? [] : [`Host ${host.name}`, `  HostName ${address}`, ''];
  });
  const common = [
    'Host *',
    '  User root',
    `  IdentityFile ${access.keyFile}`,
    '  IdentitiesOnly yes',
    `  UserKnownHostsFile ${access.knownHostsFile}`,
    '  GlobalKnownHostsFile /dev/null',
    '  StrictHostKeyChecking yes',
    '  UpdateHostKeys no',
    '  BatchMode yes',
    `  ConnectTimeout ${10 * PATIENCE}`,
    '',
  ];
  return [...entries, ...common].join('\n');
}
