import type { Config, NotifyFifo, ScriptCommand, TrackProcess, Tracker, Trackers } from '#conf/model.ts';
import type { WorkerRecord } from '#wire/worker.ts';

/** What the worker is told to track, and what it is called; the record's `id` is for the caller to set. */
export interface TrackOrder {
  readonly kind: 'script' | 'process' | 'file';
  readonly name: string;
  readonly record: WorkerRecord;
}

/** For every script, process and file that something tracks, the record that makes the worker do so. */
export function trackOrders(config: Config): TrackOrder[] {
  const scripts = trackedNames(config, owner => owner.trackScripts);
  const processes = trackedNames(config, owner => owner.trackProcesses);
  return [
    ...config.vrrpScripts
      .filter(({ name }) => scripts.has(name))
      .map(({ name, intervalMs, timeoutMs, script }): TrackOrder => {
        const strings = [String(intervalMs), String(timeoutMs), ...commandStrings(script, config)];
        return { kind: 'script', name, record: { kind: 'trackScript', id: 0, code: 0, strings } };
      }),
    ...config.trackProcesses
      .filter(({ name }) => processes.has(name))
      .map((process): TrackOrder => ({
        kind: 'process',
        name: process.name,
        record: processRecord(process),
      })),
    ...trackedFiles(config).map(({ name, file }): TrackOrder => {
      return { kind: 'file', name, record: { kind: 'trackFile', id: 0, code: 0, strings: [file] } };
    }),
  ];
}

/** The files that something tracks. */
export function trackedFiles(config: Config): Config['trackFiles'] {
  const files = trackedNames(config, owner => owner.trackFiles);
  return config.trackFiles.filter(({ name }) => files.has(name));
}

function trackedNames(config: Config, of: (owner: Trackers) => readonly Tracker[]): Set<string> {
  const owners: readonly Trackers[] = [...config.vrrpInstances, ...config.vrrpSyncGroups];
  return new Set(owners.flatMap(owner => of(owner).map(tracker => tracker.name)));
}

function processRecord(wanted: TrackProcess): WorkerRecord {
  const { quorum, quorumMax, forkDelayMs, terminateDelayMs, paramMatch, fullCommand, process } = wanted;
  const strings = [
    String(quorum),
    quorumMax === undefined ? '' : String(quorumMax),
    String(forkDelayMs),
    String(terminateDelayMs),
    paramMatch ?? '',
    fullCommand ? 'path' : 'comm',
    ...process,
  ];
  return { kind: 'trackProcess', id: 0, code: 0, strings };
}

/** A FIFO as the worker reads it: path, owner, reader. Without a user of its own it belongs to the scripts'. */
export function fifoStrings({ path, user, group, script }: NotifyFifo, config: Config): string[] {
  const { scriptUser, scriptGroup } = config.globalDefs;
  const owner = user === undefined ? [scriptUser ?? '', scriptGroup ?? ''] : [user, group ?? ''];
  const reader = script ? commandStrings(script, config) : ['', ''];
  return [path, ...owner, ...reader];
}

/** User, group, argv: how the worker reads a command. */
export function commandStrings(command: ScriptCommand, config: Pick<Config, 'globalDefs'>): string[] {
  const { scriptUser, scriptGroup } = config.globalDefs;
  const user = command.user ?? scriptUser ?? '';
  const group = command.user === undefined ? (command.group ?? scriptGroup) : command.group;
  return [user, group ?? '', ...command.argv];
}
