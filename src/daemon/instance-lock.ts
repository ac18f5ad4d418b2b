import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Field 22 of /proc/PID/stat, counted after the command's closing parenthesis, which may hold anything. */
const START_TIME_FIELD = 22 - 3;

/**
 * Says that we own `runDir`, so that a second daemon does not fight the first one for its VIPs. Returns the process id of
 * a living owner instead. A process id alone may have been reused: the owner's start time is compared too.
 */
export function claimRunDir(runDir: string, pid: number): number | undefined {
  mkdirSync(runDir, { recursive: true, mode: 0o755 });
  const path = lockPath(runDir);
  const [ownerText = '', startTime = ''] = readText(path).trim().split(' ');
  const owner = Number(ownerText);
  if (owner > 0 && owner !== pid && startTime !== '' && startTimeOf(owner) === startTime) return owner;
  writeFileSync(path, `${pid} ${startTimeOf(pid)}\n`, { mode: 0o644 });
  return undefined;
}

/** Gives `runDir` up. */
export function releaseRunDir(runDir: string): void {
  rmSync(lockPath(runDir), { force: true });
}

function lockPath(runDir: string): string {
  return join(runDir, 'owner');
}

function startTimeOf(pid: number): string {
  const stat = readText(`/proc/${pid}/stat`);
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[START_TIME_FIELD] ?? '';
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
