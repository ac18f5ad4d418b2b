import { lstatSync, readlinkSync, type Stats } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { type Diagnostic, messageOf } from '#base/errors.ts';
import type {
  Config,
  GlobalDefs,
  NotifyFifo,
  NotifyScripts,
  ScriptCommand,
  Trackers,
  VirtualServer,
} from '#conf/model.ts';
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

/** What the look at a configuration's scripts came to. */
interface ScriptVerdict {
  readonly diagnostics: readonly Diagnostic[];
  /** Without the scripts that are refused: as if they were not tracked and not to be notified (keepalived's way). */
  readonly config: Config;
}

/**
 * `enable_script_security`: a script that runs as root may not stand anywhere that somebody else could change it. The
 * complaint names the element of the path. Scripts that are not there or not executable, and users that do not exist, are
 * named in any case.
 */
export function secureScripts(
  config: Config,
  look: Look = lstatSync,
  accountOf: AccountOf = resolveAccount,
): ScriptVerdict {
  const diagnostics: Diagnostic[] = [];
  const refused = new Set<ScriptCommand>();
  for (const command of commandsOf(config)) {
    const complaint = complaintAbout(command, config, look, accountOf);
    if (!complaint) continue;
    diagnostics.push(complaint);
    if (complaint.severity === 'error') refused.add(command);
  }
  diagnostics.push(...unknownFifoUsers(config, accountOf));
  return { diagnostics, config: refused.size === 0 ? config : without(config, refused) };
}

function complaintAbout(
  command: ScriptCommand,
  config: Config,
  look: Look,
  accountOf: AccountOf,
): Diagnostic | undefined {
  const program = command.argv[0] ?? '';
  const { position } = command;
  const missing = missingProgram(program, look);
  if (missing !== undefined) return { id: 'script-missing', severity: 'warning', message: missing, position };
  const [user = '', group = ''] = commandStrings(command, config);
  let runsAsRoot: boolean;
  try {
    runsAsRoot = accountOf(user, group).uid === 0;
  } catch (error) {
    const message = `${program} is not run: ${messageOf(error)}`;
    return { id: 'script-user', severity: 'error', message, position };
  }
  const { enableScriptSecurity } = config.globalDefs;
  const culprit = enableScriptSecurity && runsAsRoot ? unsafeElement(program, look) : undefined;
  if (culprit === undefined) return undefined;
  return {
    id: 'script-security',
    severity: 'error',
    message: `${program} is not run: it would run as root, and ${culprit}`,
    position,
    hint: 'give it to root with mode 0755, or name another script_user',
  };
}

/** Such a FIFO is made for root. */
function unknownFifoUsers({ globalDefs }: Config, accountOf: AccountOf): Diagnostic[] {
  const { notifyFifo, vrrpNotifyFifo, lvsNotifyFifo } = globalDefs;
  return [notifyFifo, vrrpNotifyFifo, lvsNotifyFifo].flatMap(fifo => {
    try {
      if (fifo?.user !== undefined) accountOf(fifo.user, fifo.group ?? '');
      return [];
    } catch (error) {
      const message = `${fifo?.path} is made for root: ${messageOf(error)}`;
      return [{ id: 'fifo-user', severity: 'warning', message, position: globalDefs.position }];
    }
  });
}

function without(config: Config, refused: ReadonlySet<ScriptCommand>): Config {
  const kept = (command: ScriptCommand | undefined): ScriptCommand | undefined =>
    command && refused.has(command) ? undefined : command;
  const gone = new Set(
    config.vrrpScripts.filter(script => refused.has(script.script)).map(script => script.name),
  );
  const owner = <T extends NotifyScripts & Trackers>(of: T): T => ({
    ...of,
    trackScripts: of.trackScripts.filter(tracker => !gone.has(tracker.name)),
    notify: kept(of.notify),
    notifyMaster: kept(of.notifyMaster),
    notifyBackup: kept(of.notifyBackup),
    notifyFault: kept(of.notifyFault),
    notifyStop: kept(of.notifyStop),
    notifyDeleted: kept(deletedScript(of)) ?? of.notifyDeleted !== false,
  });
  const fifo = (of: NotifyFifo | undefined): NotifyFifo | undefined =>
    of && { ...of, script: kept(of.script) };
  const { startupScript, shutdownScript, notifyFifo, vrrpNotifyFifo, lvsNotifyFifo } = config.globalDefs;
  const globalDefs: GlobalDefs = {
    ...config.globalDefs,
    startupScript: kept(startupScript),
    shutdownScript: kept(shutdownScript),
    notifyFifo: fifo(notifyFifo),
    vrrpNotifyFifo: fifo(vrrpNotifyFifo),
    lvsNotifyFifo: fifo(lvsNotifyFifo),
  };
  return {
    ...config,
    globalDefs,
    virtualServers: config.virtualServers.map(server => ({
      ...server,
      quorumUp: kept(server.quorumUp),
      quorumDown: kept(server.quorumDown),
      realServers: server.realServers.map(real => ({
        ...real,
        notifyUp: kept(real.notifyUp),
        notifyDown: kept(real.notifyDown),
        checkers: real.checkers.filter(each => each.kind !== 'MISC_CHECK' || !refused.has(each.miscPath)),
      })),
    })),
    vrrpScripts: config.vrrpScripts.filter(script => !gone.has(script.name)),
    vrrpInstances: config.vrrpInstances.map(each => ({
      ...owner(each),
      notifyMasterRxLowerPri: kept(each.notifyMasterRxLowerPri),
    })),
    vrrpSyncGroups: config.vrrpSyncGroups.map(owner),
  };
}

function commandsOf(config: Config): ScriptCommand[] {
  const owners = [...config.vrrpInstances, ...config.vrrpSyncGroups];
  const { startupScript, shutdownScript, notifyFifo, vrrpNotifyFifo, lvsNotifyFifo } = config.globalDefs;
  return [
    startupScript,
    shutdownScript,
    notifyFifo?.script,
    vrrpNotifyFifo?.script,
    lvsNotifyFifo?.script,
    ...config.vrrpScripts.map(script => script.script),
    ...owners.flatMap(owner => [
      owner.notify,
      owner.notifyMaster,
      owner.notifyBackup,
      owner.notifyFault,
      owner.notifyStop,
      deletedScript(owner),
    ]),
    ...config.vrrpInstances.map(instance => instance.notifyMasterRxLowerPri),
    ...config.virtualServers.flatMap(serverCommands),
  ].filter(command => command !== undefined);
}

function serverCommands({ quorumUp, quorumDown, realServers }: VirtualServer): (ScriptCommand | undefined)[] {
  return [
    quorumUp,
    quorumDown,
    ...realServers.flatMap(({ notifyUp, notifyDown, checkers }) => [
      notifyUp,
      notifyDown,
      ...checkers.map(checker => (checker.kind === 'MISC_CHECK' ? checker.miscPath : undefined)),
    ]),
  ];
}

function deletedScript({ notifyDeleted }: NotifyScripts): ScriptCommand | undefined {
  return typeof notifyDeleted === 'object' ? notifyDeleted : undefined;
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
