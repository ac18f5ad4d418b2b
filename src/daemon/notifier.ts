import type { Config, NotifyFifo, NotifyScripts, ScriptCommand } from '#conf/model.ts';
import type { NotifyAction, NotifyState } from '#vrrp/action.ts';
import { keepalivedState } from '#vrrp/names.ts';
import type { VrrpEngine } from '#vrrp/state.ts';
import type { WorkerRecord } from '#wire/worker.ts';
import { sendsMail } from './mail.ts';
import { commandStrings, fifoStrings, trackOrders } from './track-records.ts';

/** Whether anything in the configuration needs the worker process. */
export function needsWorker(config: Config): boolean {
  return (
    trackOrders(config).length > 0 ||
    fifosOf(config).length > 0 ||
    sendsMail(config) ||
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
function fifosOf(config: Config): NotifyFifo[] {
  const { notifyFifo, vrrpNotifyFifo } = config.globalDefs;
  return [notifyFifo, vrrpNotifyFifo].filter(fifo => fifo !== undefined);
}

/** The records that open the FIFOs and start their readers. */
export function openFifoRecords(config: Config): WorkerRecord[] {
  return fifosOf(config).map(fifo => ({
    kind: 'fifo',
    id: 0,
    code: 0,
    strings: fifoStrings(fifo, config),
  }));
}

/** The states of all instances and groups as FIFO lines: `fifo_write_vrrp_states_on_reload`. */
export function stateRecords({ config, routers, groups }: VrrpEngine): WorkerRecord[] {
  return [
    ...routers.flatMap(router =>
      fifoRecords(
        config,
        `INSTANCE "${router.config.name}" ${keepalivedState(router.state)} ${router.effectivePriority}`,
      ),
    ),
    ...groups.flatMap(group =>
      fifoRecords(config, `GROUP "${group.config.name}" ${keepalivedState(group.state)} 0`),
    ),
  ];
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
  // keepalived tells `notify` about states only, and that a lower priority was heard is none.
  const always = state !== 'MASTER_RX_LOWER_PRI' &&
    owner.notify && {
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
  return fifosOf(config).map(({ path }) => ({ kind: 'fifoLine', id: 0, code: 0, strings: [path, line] }));
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
