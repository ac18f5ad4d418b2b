import type { Config, NotifyFifo, NotifyScripts, Trackers, VirtualServer } from '#conf/model.ts';
import type { ScriptJudge } from './script-judge.ts';

/**
 * The configuration without the scripts that `judge` refuses: as if they were not tracked and not to be notified. Virtual
 * servers are not looked at.
 */
export function secureScripts(config: Config, judge: ScriptJudge): Config {
  const { startupScript, shutdownScript, notifyFifo, vrrpNotifyFifo, lvsNotifyFifo } = config.globalDefs;
  const globalDefs = {
    ...config.globalDefs,
    startupScript: judge.admitted(startupScript),
    shutdownScript: judge.admitted(shutdownScript),
    notifyFifo: secureFifo(notifyFifo, judge),
    vrrpNotifyFifo: secureFifo(vrrpNotifyFifo, judge),
    lvsNotifyFifo: secureFifo(lvsNotifyFifo, judge),
  };
  const vrrpScripts = config.vrrpScripts.filter(({ script }) => judge.admitted(script) !== undefined);
  const refused = new Set(
    config.vrrpScripts.filter(each => !vrrpScripts.includes(each)).map(({ name }) => name),
  );
  const secured = {
    ...config,
    globalDefs,
    vrrpScripts,
    vrrpInstances: config.vrrpInstances.map(instance => ({
      ...secureOwner(instance, refused, judge),
      notifyMasterRxLowerPri: judge.admitted(instance.notifyMasterRxLowerPri),
    })),
    vrrpSyncGroups: config.vrrpSyncGroups.map(group => secureOwner(group, refused, judge)),
  };
  for (const fifo of [notifyFifo, vrrpNotifyFifo, lvsNotifyFifo]) tellUnknownUser(fifo, config, judge);
  return secured;
}

function secureOwner<T extends NotifyScripts & Trackers>(
  owner: T,
  refused: ReadonlySet<string>,
  judge: ScriptJudge,
): T {
  const { notifyDeleted } = owner;
  return {
    ...owner,
    trackScripts: owner.trackScripts.filter(({ name }) => !refused.has(name)),
    notify: judge.admitted(owner.notify),
    notifyMaster: judge.admitted(owner.notifyMaster),
    notifyBackup: judge.admitted(owner.notifyBackup),
    notifyFault: judge.admitted(owner.notifyFault),
    notifyStop: judge.admitted(owner.notifyStop),
    // Without its script it is still told to the FIFOs.
    notifyDeleted:
      typeof notifyDeleted === 'object' ? (judge.admitted(notifyDeleted) ?? true) : notifyDeleted,
  };
}

function secureFifo(fifo: NotifyFifo | undefined, judge: ScriptJudge): NotifyFifo | undefined {
  return fifo && { ...fifo, script: judge.admitted(fifo.script) };
}

/** Such a FIFO is made for root. */
function tellUnknownUser(fifo: NotifyFifo | undefined, { globalDefs }: Config, judge: ScriptJudge): void {
  if (fifo?.user === undefined) return;
  judge.admitAccount(fifo.user, fifo.group ?? '', reason => ({
    id: 'fifo-user',
    severity: 'warning',
    message: `${fifo.path} is made for root: ${reason}`,
    position: globalDefs.position,
  }));
}

/** A virtual server without the scripts that `judge` refuses, and without the checks that run them. */
export function secureServer(server: VirtualServer, judge: ScriptJudge): VirtualServer {
  const refusals = judge.refusals;
  const secured = {
    ...server,
    quorumUp: judge.admitted(server.quorumUp),
    quorumDown: judge.admitted(server.quorumDown),
    realServers: server.realServers.map(real => ({
      ...real,
      notifyUp: judge.admitted(real.notifyUp),
      notifyDown: judge.admitted(real.notifyDown),
      checkers: real.checkers.filter(
        each => each.kind !== 'MISC_CHECK' || judge.admitted(each.miscPath) !== undefined,
      ),
    })),
  };
  // Nearly always nothing is refused, and there are thousands of real servers.
  return judge.refusals === refusals ? server : secured;
}
