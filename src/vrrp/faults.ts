import { formatIp } from '#base/address.ts';
import { configuredSource } from './interfaces.ts';
import type { Fault, SyncGroup, VirtualRouter, VrrpEngine } from './state.ts';
import { effectsOn } from './tracking.ts';

/** Every reason of its own why `router` cannot run now; what its sync group adds is in {@link groupFaults}. */
export function ownFaults(engine: VrrpEngine, router: VirtualRouter): Fault[] {
  const reasons = [interfaceFault(engine, router), sourceFault(engine, router), socketFault(router)];
  if (router.config.virtualRouterId === 0) reasons.push('no virtual_router_id is configured');
  if (router.segment.cast === 'unicast' && router.config.unicastPeers.length === 0)
    reasons.push('no unicast_peer is configured');
  const faults: Fault[] = [];
  for (const reason of reasons) if (reason !== undefined) faults.push({ reason, pending: false });
  for (const { name, group } of engine.config.trackGroups) {
    const missing = group.includes(router.config.name) ? engine.missingStatics.get(name) : undefined;
    if (missing !== undefined)
      faults.push({ reason: `${missing} of track_group ${name} is missing`, pending: false });
  }
  for (const { fault } of effectsOn(engine, router)) if (fault) faults.push(fault);
  return faults;
}

function interfaceFault(engine: VrrpEngine, router: VirtualRouter): string | undefined {
  const name = router.config.interface;
  if (name === undefined || !router.config.trackPrimary) return undefined;
  const state = engine.interfaces.get(name);
  if (!state?.exists) return `interface ${name} does not exist`;
  return state.up ? undefined : `interface ${name} is down`;
}

function sourceFault(engine: VrrpEngine, router: VirtualRouter): string | undefined {
  if (router.source !== undefined) return undefined;
  const configured = configuredSource(router);
  if (configured) return `source address ${formatIp(configured)} is not on this host`;
  const name = router.config.interface ?? '';
  // One reason is enough: an interface that is not there has no address either.
  if (router.config.trackPrimary && !engine.interfaces.get(name)?.exists) return undefined;
  return `interface ${name} has no IPv${router.family} address to send from`;
}

function socketFault(router: VirtualRouter): string | undefined {
  return router.socketError === undefined ? undefined : `its sockets cannot be opened: ${router.socketError}`;
}

/** What the faults of the other members of a group are to `router`. */
export function groupFaults(
  group: SyncGroup,
  router: VirtualRouter,
  own: ReadonlyMap<VirtualRouter, readonly Fault[]>,
): Fault[] {
  const faults: Fault[] = [];
  for (const member of group.members) {
    const theirs = own.get(member) ?? [];
    if (member === router || theirs.length === 0) continue;
    const reason = `${member.config.name} of sync group ${group.config.name} is at fault`;
    faults.push({ reason, pending: theirs.every(fault => fault.pending) });
  }
  return faults;
}

/** Whether `now` holds anything that `before` did not, a pending fault that became real included. */
export function hasNewFault(before: readonly Fault[], now: readonly Fault[]): boolean {
  return now.some(fault => !before.some(old => old.reason === fault.reason && old.pending === fault.pending));
}
