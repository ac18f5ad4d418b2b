import type { Config } from '#conf/model.ts';
import type { SyncGroup, VrrpEngine } from './state.ts';
import { log, type Turn } from './turn.ts';
import { newTracker, trackerKey, type TrackerState } from './tracking.ts';

/** Trackers for everything that is defined, with no results yet. */
export function newTrackers(config: Config): Map<string, TrackerState> {
  const states = [
    ...config.vrrpScripts.map(script => newTracker('script', script.name, script.initFail)),
    ...config.trackProcesses.map(process => newTracker('process', process.name)),
    ...config.trackFiles.map(file => newTracker('file', file.name)),
  ];
  return new Map(states.map(state => [trackerKey(state.kind, state.name), state]));
}

/** Sync groups over the engine's routers, which learn of their group. */
export function newGroups(engine: VrrpEngine, nowMs: number): SyncGroup[] {
  for (const router of engine.routers) router.group = undefined;
  return engine.config.vrrpSyncGroups.map(config => {
    const members = engine.routers.filter(router => config.group.includes(router.config.name));
    const group: SyncGroup = { config, members, state: 'Initialize', sinceMs: nowMs };
    for (const member of members) member.group = group;
    return group;
  });
}

/** Weighted scripts of a sync group's member count only with `sync_group_tracking_weight`: say so. */
export function warnOfDroppedWeights(engine: VrrpEngine, turn: Turn): void {
  for (const router of engine.routers) {
    const { group } = router;
    if (!group || group.config.syncGroupTrackingWeight) continue;
    for (const { name, weight } of router.config.trackScripts) {
      if (weight === 0) continue;
      const message = `script ${name}: its weight ${weight} is not counted in sync group ${group.config.name} (sync_group_tracking_weight is off)`;
      log(turn, router, message, 'warning');
    }
  }
}
