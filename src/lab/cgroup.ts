import { readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { LabError } from './lab-error.ts';

/**
 * Where the cgroup2 hierarchy is mounted: /sys/fs/cgroup, or /sys/fs/cgroup/unified beside version 1 controllers.
 *
 * @throws {LabError} when it is not mounted.
 */
export function cgroupRoot(): string {
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8').split('\n');
  for (const mount of mounts) {
    // proc_pid_mountinfo(5): mount point is field 5; the file system type follows the separator.
    const [before = '', after = ''] = mount.split(' - ');
    const point = before.split(' ')[4];
    if (point !== undefined && after.startsWith('cgroup2 ')) return point;
  }
  throw new LabError('no cgroup2 hierarchy is mounted', { hint: 'mount -t cgroup2 cgroup2 /sys/fs/cgroup' });
}

/** Kills every process in the cgroup and below: cgroup.kill (Linux 5.14), one by one on older kernels. */
export function killCgroup(cgroup: string): void {
  try {
    writeFileSync(`${cgroup}/cgroup.kill`, '1');
    return;
  } catch {
    // Older kernel, or no such cgroup: the walk finds nothing then.
  }
  for (const pid of pidsBelow(cgroup)) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // Gone in between.
    }
  }
}

function pidsBelow(cgroup: string): number[] {
  return [cgroup, ...cgroupsBelow(cgroup)].flatMap(directory => {
    try {
      return readFileSync(`${directory}/cgroup.procs`, 'utf8').split('\n').filter(Boolean).map(Number);
    } catch {
      return [];
    }
  });
}

/** Every cgroup below, deepest first. */
function cgroupsBelow(cgroup: string): string[] {
  try {
    return readdirSync(cgroup, { withFileTypes: true }).flatMap(entry =>
      entry.isDirectory() ? [...cgroupsBelow(`${cgroup}/${entry.name}`), `${cgroup}/${entry.name}`] : [],
    );
  } catch {
    return [];
  }
}

/** Removes an empty cgroup with all below it. Returns false if something was still in there. */
export function removeCgroup(cgroup: string): boolean {
  try {
    for (const directory of [...cgroupsBelow(cgroup), cgroup]) rmdirSync(directory);
    return true;
  } catch (thrown) {
    return (thrown as NodeJS.ErrnoException).code === 'ENOENT';
  }
}
