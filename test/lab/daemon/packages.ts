import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';

const FOLDERS = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];

/** Installs the Debian packages of the programs that are missing (`program` and package have one name). */
export function installPackages(...names: readonly string[]): void {
  const missing = names.filter(name => !FOLDERS.some(folder => existsSync(`${folder}/${name}`)));
  if (missing.length === 0) return;
  const apt = (...argv: readonly string[]): void =>
    void execFileSync('apt-get', ['-q', '-y', '-o', 'DPkg::Lock::Timeout=300', ...argv], {
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
      stdio: ['ignore', 'ignore', 'inherit'],
      timeout: 280_000,
    });
  apt('update');
  apt('--no-install-recommends', 'install', ...missing);
}
