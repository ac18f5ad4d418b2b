import { readdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import { LABS_DIRECTORY } from './layout.ts';
import type { LabSpec } from './spec.ts';

/** What another process needs to know to use or remove a running lab. */
export interface LabState {
  readonly spec: LabSpec;
  readonly cgroupRoot: string;
  /** overlayfs `lowerdir` of each host, by name. */
  readonly lowerDirectories: Readonly<Record<string, string>>;
  /** The process that an ephemeral lab ends with. */
  readonly owner?: ProcessIdentity;
}

/** A process, told apart from a later one with the same id. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Clock ticks since boot: proc_pid_stat(5), field 22. */
  readonly startTicks: number;
  /** Boot of the machine: /proc/sys/kernel/random/boot_id. */
  readonly bootId: string;
}

/** The identity of a living process; undefined when there is none with that id. */
export function identityOf(pid: number): ProcessIdentity | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The command name stands in parentheses and may contain anything; fields are counted after the last one.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (fields[0] === 'Z') return undefined;
    const bootId = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    return { pid, startTicks: Number(fields[19]), bootId };
  } catch {
    return undefined;
  }
}

export function isAlive(identity: ProcessIdentity): boolean {
  const now = identityOf(identity.pid);
  return now?.startTicks === identity.startTicks && now.bootId === identity.bootId;
}

/** Replaces `file` atomically. */
export async function writeJson(file: string, value: unknown): Promise<void> {
  await writeFile(`${file}.new`, `${JSON.stringify(value, null, 1)}\n`, { mode: 0o600 });
  await rename(`${file}.new`, file);
}

/** The state of the lab called `name`; undefined when there is none, or none yet. */
export async function readState(name: string): Promise<LabState | undefined> {
  try {
    return JSON.parse(await readFile(`${LABS_DIRECTORY}/${name}/lab.json`, 'utf8')) as LabState;
  } catch {
    return undefined;
  }
}

/** Names of the labs of this machine, also of those that are half made or half removed. */
export async function labNames(): Promise<string[]> {
  return (await readdir(LABS_DIRECTORY).catch(() => [])).toSorted((a, b) => a.localeCompare(b, 'en'));
}

/** Milliseconds since the directory of a lab was made or mounted upon. */
export async function ageOfLabMs(name: string): Promise<number> {
  const made = await stat(`${LABS_DIRECTORY}/${name}`).catch(() => undefined);
  return made ? Date.now() - made.mtimeMs : 0;
}
