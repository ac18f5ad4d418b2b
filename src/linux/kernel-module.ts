import { spawnSync } from 'node:child_process';
import { messageOf } from '#base/errors.ts';

/**
 * Loads a kernel module by `modprobe`. Returns why it could not, or undefined. Starts a process and waits for it: not
 * for the VRRP process.
 */
export function loadModule(name: string): string | undefined {
  const path = `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin`;
  const ended = spawnSync('modprobe', ['--', name], {
    env: { ...process.env, PATH: path },
    encoding: 'utf8',
    timeout: 10_000,
  });
  if (ended.error)
    return 'code' in ended.error && ended.error.code === 'ENOENT'
      ? 'modprobe was not found (Debian: package kmod)'
      : messageOf(ended.error);
  if (ended.status === 0) return undefined;
  return ended.stderr.trim() || `modprobe ended with status ${ended.status ?? ended.signal}`;
}
