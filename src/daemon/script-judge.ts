import { lstatSync, readlinkSync, type Stats } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { type Diagnostic, messageOf } from '#base/errors.ts';
import type { GlobalDefs, ScriptCommand } from '#conf/model.ts';
import { commandStrings } from './track-records.ts';
import { resolveAccount } from './worker/accounts.ts';

/** Links that are followed before a path counts as a loop (Linux: MAXSYMLINKS). */
const LINKS_MAX = 40;
const GROUP_WRITABLE = 0o020;
const OTHERS_WRITABLE = 0o002;
const ANYBODY_EXECUTABLE = 0o111;

/** The part of lstat(2) that the check looks at. */
export type Look = (path: string) => Pick<Stats, 'uid' | 'gid' | 'mode' | 'isSymbolicLink' | 'isFile'>;

/** Resolves a user and a group, as the worker will. */
export type AccountOf = typeof resolveAccount;

/** A complaint that holds for every place where a script is named in the same way. */
type Complaint = Omit<Diagnostic, 'position'>;

/**
 * `enable_script_security`: a script that runs as root may not stand anywhere that somebody else could change it. The
 * complaint names the element of the path. Scripts that are not there or not executable, and users that do not exist, are
 * named in any case. Each script is looked at once, however many name it.
 */
export class ScriptJudge {
  readonly diagnostics: Diagnostic[] = [];
  readonly #globalDefs: GlobalDefs;
  readonly #look: Look;
  readonly #accountOf: AccountOf;
  readonly #known = new Map<string, Complaint | undefined>();
  #refusals = 0;

  constructor(globalDefs: GlobalDefs, look: Look = lstatSync, accountOf: AccountOf = resolveAccount) {
    this.#globalDefs = globalDefs;
    this.#look = look;
    this.#accountOf = accountOf;
  }

  /** How many commands were refused up to now. */
  get refusals(): number {
    return this.#refusals;
  }

  /** The command, or undefined if it is refused: as if nobody had configured it (keepalived's way). */
  admitted(command: ScriptCommand | undefined): ScriptCommand | undefined {
    const complaint = command && this.#complaintAbout(command);
    if (!complaint) return command;
    this.diagnostics.push({ ...complaint, position: command.position });
    if (complaint.severity !== 'error') return command;
    this.#refusals++;
    return undefined;
  }

  /** Says what `diagnostic` makes of the reason if a user or its group does not exist. */
  admitAccount(user: string, group: string, diagnostic: (reason: string) => Diagnostic): void {
    try {
      this.#accountOf(user, group);
    } catch (error) {
      this.diagnostics.push(diagnostic(messageOf(error)));
    }
  }

  #complaintAbout(command: ScriptCommand): Complaint | undefined {
    const [user = '', group = ''] = commandStrings(command, { globalDefs: this.#globalDefs });
    const key = [command.argv[0], user, group].join('\0');
    if (!this.#known.has(key)) this.#known.set(key, this.#judge(command.argv[0] ?? '', user, group));
    return this.#known.get(key);
  }

  #judge(program: string, user: string, group: string): Complaint | undefined {
    const missing = missingProgram(program, this.#look);
    if (missing !== undefined) return { id: 'script-missing', severity: 'warning', message: missing };
    let runsAsRoot: boolean;
    try {
      runsAsRoot = this.#accountOf(user, group).uid === 0;
    } catch (error) {
      const message = `${program} is not run: ${messageOf(error)}`;
      return { id: 'script-user', severity: 'error', message };
    }
    const { enableScriptSecurity } = this.#globalDefs;
    const culprit = enableScriptSecurity && runsAsRoot ? unsafeElement(program, this.#look) : undefined;
    if (culprit === undefined) return undefined;
    return {
      id: 'script-security',
      severity: 'error',
      message: `${program} is not run: it would run as root, and ${culprit}`,
      hint: 'give it to root with mode 0755, or name another script_user',
    };
  }
}

function missingProgram(program: string, look: Look): string | undefined {
  // Found through PATH by the worker, at the time.
  if (!program.startsWith('/')) return undefined;
  try {
    let path = program;
    for (let links = 0; links < LINKS_MAX && look(path).isSymbolicLink(); links++)
      path = resolve(dirname(path), readlinkSync(path));
    const found = look(path);
    if (!found.isFile()) return `${program} is not a file`;
    return (found.mode & ANYBODY_EXECUTABLE) === 0 ? `${program} is not executable` : undefined;
  } catch {
    return `there is no ${program}`;
  }
}

/** The first element of the path, links followed, that somebody other than root can change; undefined if there is none. */
function unsafeElement(program: string, look: Look): string | undefined {
  const names = resolve(program).split('/').slice(1);
  let path = '/';
  for (let links = 0; names.length > 0;) {
    const name = names.shift() ?? '';
    const next = join(path, name);
    const found = look(next);
    if (found.isSymbolicLink()) {
      if (links++ >= LINKS_MAX) return `${next} is a loop of links`;
      const target = resolve(path, readlinkSync(next));
      names.unshift(...target.split('/').slice(1));
      path = '/';
      continue;
    }
    if (found.uid !== 0) return `${next} belongs to user ${found.uid}`;
    if ((found.mode & OTHERS_WRITABLE) !== 0) return `${next} can be written by anybody`;
    if ((found.mode & GROUP_WRITABLE) !== 0 && found.gid !== 0)
      return `${next} can be written by group ${found.gid}`;
    path = next;
  }
  return undefined;
}
