import type { Config, NotifyScripts, ScriptCommand } from '#conf/model.ts';
import type { NotifyAction, NotifyState } from '#vrrp/action.ts';
import type { WorkerRecord } from '#wire/worker.ts';

/** Whether anything in the configuration needs the worker process. */
export function needsWorker(config: Config): boolean {
  return (
    config.vrrpScripts.length > 0 ||
    fifoPaths(config).length > 0 ||
    [...config.vrrpInstances, ...config.vrrpSyncGroups].some(hasScripts) ||
    config.vrrpInstances.some(instance => instance.notifyMasterRxLowerPri !== undefined)
  );
}

function hasScripts(scripts: NotifyScripts): boolean {
  const { notify, notifyMaster, notifyBackup, notifyFault, notifyStop, notifyDeleted } = scripts;
  return (
    [notify, notifyMaster, notifyBackup, notifyFault, notifyStop].some(script => script !== undefined) ||
    typeof notifyDeleted === 'object'
  );
}

/** FIFOs that VRRP's events go to. */
function fifoPaths(config: Config): string[] {
  const { notifyFifo, vrrpNotifyFifo } = config.globalDefs;
  return [notifyFifo, vrrpNotifyFifo].flatMap(fifo => (fifo ? [fifo.path] : []));
}

/** For every `vrrp_script` that something tracks, the record that makes the worker run it; its `id` is for the caller to set. */
export function trackRecords(config: Config): { readonly name: string; readonly record: WorkerRecord }[] {
  const used = new Set(
    [...config.vrrpInstances, ...config.vrrpSyncGroups].flatMap(owner =>
      owner.trackScripts.map(tracker => tracker.name),
    ),
  );
  return config.vrrpScripts
    .filter(({ name }) => used.has(name))
    .map(({ name, intervalMs, timeoutMs, script }) => {
      const strings = [String(intervalMs), String(timeoutMs), ...commandStrings(script, config)];
      return { name, record: { kind: 'trackScript', id: 0, code: 0, strings } };
    });
}

/**
 * The records for one notification, in the order in which an operator of keepalived sees them: the FIFOs, the script of
 * the state, then `notify` with TYPE NAME STATE PRIORITY.
 */
export function notifyRecords(config: Config, action: NotifyAction): WorkerRecord[] {
  if (action.kind === 'notifyPriority') {
    const { name } = action.router.config;
    const state = action.router.state === 'Master' ? 'MASTER_PRIORITY' : 'BACKUP_PRIORITY';
    return fifoRecords(config, `INSTANCE "${name}" ${state} ${action.priority}`);
  }
  const owner = action.type === 'INSTANCE' ? action.router.config : action.group.config;
  const priority = action.type === 'INSTANCE' ? action.priority : 0;
  const { name } = owner;
  const { state, type } = action;
  const ofState =
    state === 'MASTER_RX_LOWER_PRI'
      ? action.type === 'INSTANCE' && action.router.config.notifyMasterRxLowerPri
      : scriptOfState(owner, state);
  const always = owner.notify && {
    ...owner.notify,
    argv: [...owner.notify.argv, type, name, state, String(priority)],
  };
  const scripts = [ofState, always].flatMap(script => (script ? [script] : []));
  return [
    ...fifoRecords(config, `${type} "${name}" ${state} ${priority}`),
    ...scripts.map(script => ({
      kind: 'notify' as const,
      id: 0,
      code: 0,
      strings: [`${type} ${name}`, ...commandStrings(script, config)],
    })),
  ];
}

function fifoRecords(config: Config, line: string): WorkerRecord[] {
  return fifoPaths(config).map(path => ({ kind: 'fifoLine', id: 0, code: 0, strings: [path, line] }));
}

function scriptOfState(
  owner: NotifyScripts,
  state: Exclude<NotifyState, 'MASTER_RX_LOWER_PRI'>,
): ScriptCommand | undefined {
  switch (state) {
    case 'MASTER':
      return owner.notifyMaster;
    case 'BACKUP':
      return owner.notifyBackup;
    case 'FAULT':
      return owner.notifyFault;
    case 'STOP':
      return owner.notifyStop;
    case 'DELETED':
      return typeof owner.notifyDeleted === 'object' ? owner.notifyDeleted : undefined;
  }
}

/** User, group, argv: how the worker reads a command. */
function commandStrings(command: ScriptCommand, config: Config): string[] {
  const { scriptUser, scriptGroup } = config.globalDefs;
  const user = command.user ?? scriptUser ?? '';
  const group = command.user === undefined ? (command.group ?? scriptGroup) : command.group;
  return [user, group ?? '', ...command.argv];
}
