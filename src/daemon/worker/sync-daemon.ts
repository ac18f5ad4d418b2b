import type { Config } from '#conf/model.ts';
import type { Ipvs } from '#linux/ports.ts';
import type { SyncDaemon } from '#lvs/ports.ts';

/**
 * `lvs_sync_daemon`: the roles that should run: of an instance that is MASTER `master`, otherwise `backup`; without an
 * instance both. `states`: of instances, by name.
 */
export function wantedSyncDaemons(config: Config, states: ReadonlyMap<string, string>): SyncDaemon[] {
  const sync = config.globalDefs.lvsSyncDaemon;
  if (!sync) return [];
  const follows = config.vrrpInstances.find(({ name }) => name === sync.instance);
  const roleOfInstance = states.get(sync.instance ?? '') === 'MASTER' ? 'master' : 'backup';
  const roles = sync.instance === undefined ? (['master', 'backup'] as const) : ([roleOfInstance] as const);
  return roles.map(role => ({
    role,
    interfaceName: sync.interface,
    syncId: sync.id ?? follows?.virtualRouterId ?? 0,
    maxLength: sync.maxlen,
    port: sync.port,
    ttl: sync.ttl,
    group: sync.group,
  }));
}

/** Makes exactly these synchronisation daemons run. Returns what the kernel refused. */
export function runSyncDaemons(ipvs: Ipvs, wanted: readonly SyncDaemon[]): string[] {
  const running = ipvs.syncDaemons();
  if (!running.ok) return [running.failure.message];
  const surplus = running.value.filter(each => !wanted.some(other => isSame(each, other)));
  const missing = wanted.filter(each => !running.value.some(other => isSame(each, other)));
  const failures = [
    ...surplus.map(({ role }) => ipvs.stopSync(role)),
    ...missing.map(each => ipvs.startSync(each)),
  ];
  return failures.flatMap(failure => (failure ? [failure.message] : []));
}

/** The rest has the kernel's defaults in one and none in the other. */
function isSame(a: SyncDaemon, b: SyncDaemon): boolean {
  return a.role === b.role && a.interfaceName === b.interfaceName && a.syncId === b.syncId;
}
