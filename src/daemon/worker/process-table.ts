import { readdirSync, readFileSync } from 'node:fs';

/** A process, as far as it has been looked at. */
export interface ProcessEntry {
  readonly pid: string;
  comm: string;
  argv: readonly string[] | undefined;
  /** Scans in which it was there, the present one included. */
  age: number;
}

/** A process that is younger (in scans) may still be what it was forked from: its exec is to come. */
const YOUNG_SCANS = 3;
/** Every how many scans all processes are looked at again: a process may exec or be renamed at any age. */
const THOROUGH_SCANS = 10;

/**
 * The processes of /proc, zombies left out. A scan lists the folder and looks at the processes that are new, young or of
 * interest; the others are looked at every tenth time.
 */
export class ProcessTable {
  readonly #root: string;
  readonly #entries = new Map<string, ProcessEntry>();
  #scans = 0;

  constructor(root = '/proc') {
    this.#root = root;
  }

  /** Looks again. `isOfInterest`: processes whose end or change must be noticed at once. */
  scan(isOfInterest: (entry: ProcessEntry) => boolean): Iterable<ProcessEntry> {
    const isThorough = this.#scans++ % THOROUGH_SCANS === 0;
    const present = new Set(readdirSync(this.#root).filter(name => /^\d+$/.test(name)));
    for (const pid of this.#entries.keys()) if (!present.has(pid)) this.#entries.delete(pid);
    for (const pid of present) {
      const entry = this.#entries.get(pid);
      if (!entry || isThorough || ++entry.age <= YOUNG_SCANS || isOfInterest(entry)) this.#look(pid, entry);
    }
    return this.#entries.values();
  }

  /** The argv of a process; empty for a kernel thread and for one that is gone. */
  argvOf(entry: ProcessEntry): readonly string[] {
    entry.argv ??= (this.#read(entry.pid, 'cmdline') ?? '').replace(/\0$/, '').split('\0');
    return entry.argv;
  }

  #look(pid: string, known: ProcessEntry | undefined): void {
    const stat = this.#read(pid, 'stat');
    const name = stat === undefined ? undefined : liveName(stat);
    if (name === undefined) this.#entries.delete(pid);
    else if (!known) this.#entries.set(pid, { pid, comm: name, argv: undefined, age: 1 });
    else {
      // An exec changes both; a PID that is used again has both from somebody else.
      known.comm = name;
      known.argv = undefined;
    }
  }

  #read(pid: string, file: string): string | undefined {
    try {
      return readFileSync(`${this.#root}/${pid}/${file}`, 'utf8');
    } catch {
      return undefined;
    }
  }
}

/** The name in /proc/PID/stat (proc_pid_stat(5)): in parentheses, which it may hold itself. undefined: a zombie. */
function liveName(stat: string): string | undefined {
  const end = stat.lastIndexOf(')');
  const state = stat[end + 2];
  return state === 'Z' || state === 'X' ? undefined : stat.slice(stat.indexOf('(') + 1, end);
}
