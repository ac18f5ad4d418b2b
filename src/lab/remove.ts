import { readdirSync, readlinkSync, readFileSync, statSync } from 'node:fs';
import { rmdir } from 'node:fs/promises';
import { awaitCondition } from './await-condition.ts';
import { killCgroup, removeCgroup } from './cgroup.ts';
import { run } from './command.ts';
import { labPaths, type LabPaths } from './layout.ts';

/**
 * Removes all that belongs to the lab called `name`, in whatever state it is: processes (by cgroup, and by the
 * controller's namespace), cgroups, mounts, directory. Idempotent; nothing else is touched.
 */
export async function removeLab(name: string, cgroupRoot: string): Promise<void> {
  const paths = labPaths(name, cgroupRoot);
  await awaitCondition(`lab ${name}: end of its processes`, 20_000, () => {
    killCgroup(paths.cgroup);
    killInNamespaces(paths);
    return removeCgroup(paths.cgroup) ? true : undefined;
  });
  await awaitCondition(`lab ${name}: unmounting ${paths.directory}`, 10_000, async () => {
    if (!isMountPoint(paths.directory)) return true;
    // Lazy, since a process of somebody else may stand in there; the tmpfs goes with everything in it. Another
    // process may be removing the same lab, so that only the result counts.
    await run(['umount', '--recursive', '--lazy', paths.directory]);
    return undefined;
  });
  await rmdir(paths.directory).catch(async () => {
    await run(['rm', '-rf', '--one-file-system', '--', paths.directory]);
  });
}

/** Commands that were run in the controller's namespace are in their callers' cgroups: the namespace tells them. */
function killInNamespaces(paths: LabPaths): void {
  const ours = new Set([paths.switchNamespace, paths.controllerNamespace].flatMap(namespaceId));
  if (ours.size === 0) return;
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry) || Number(entry) === process.pid) continue;
    try {
      if (ours.has(readlinkSync(`/proc/${entry}/ns/net`))) process.kill(Number(entry), 'SIGKILL');
    } catch {
      // Gone in between.
    }
  }
}

/** `net:[inode]`, as /proc/PID/ns/net reads. */
function namespaceId(file: string): string[] {
  try {
    const { ino } = statSync(file);
    return [`net:[${ino}]`];
  } catch {
    return [];
  }
}

function isMountPoint(directory: string): boolean {
  return readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .some(line => line.split(' ')[4] === directory);
}
