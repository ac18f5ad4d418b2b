import { formatIp } from '#base/address.ts';
import type { HeardStatus, InstanceCounters, InstanceStatus, SyncGroupStatus } from '#control/status.ts';
import type { RouterCounters } from '#vrrp/counters.ts';
import { LADDER } from '#vrrp/ladder.ts';
import { keepalivedState } from '#vrrp/names.ts';
import type { SyncGroup, VirtualRouter, VrrpEngine } from '#vrrp/state.ts';
import { activeDownInterval } from '#vrrp/timers.ts';
import { describeAddress } from './address-spec.ts';
import { type Clocks, wallTimeOf } from './clock.ts';

/** Whether the kernel says that an address is on an interface. */
export type IsPresent = (interfaceName: string, address: Uint8Array) => boolean;

/** What `status` says of every instance. */
export function reportInstances(engine: VrrpEngine, clocks: Clocks, isPresent: IsPresent): InstanceStatus[] {
  return engine.routers.map(router => reportInstance(router, clocks, isPresent));
}

function reportInstance(router: VirtualRouter, clocks: Clocks, isPresent: IsPresent): InstanceStatus {
  const { config, segment } = router;
  return {
    name: config.name,
    state: keepalivedState(router.state),
    stateAtMs: wallTimeOf(router.sinceMs, clocks),
    reason: router.reason,
    interface: segment.interface,
    virtualRouterId: config.virtualRouterId,
    family: router.family,
    vrrpVersion: config.version,
    cast: segment.cast,
    priority: config.priority,
    effectivePriority: router.effectivePriority,
    advertIntervalMs: config.advertIntervalMs,
    sourceAddress: router.source ? formatIp(router.source) : null,
    masterDownIntervalMs: activeDownInterval(router),
    syncGroup: router.group?.config.name ?? null,
    handedOver: router.handedOver,
    vips: router.addresses.map(each => ({
      address: describeAddress(each.address),
      dev: each.interface,
      present: isPresent(each.interface, each.address.address),
      excluded: !each.advertised,
      lost: each.lostCount,
      error: each.error ?? null,
    })),
    heard: reportHeard(router, clocks),
    faults: router.faults.map(fault => fault.reason),
    counters: reportCounters(router.counters),
  };
}

/** The other router that was heard last, if any was. */
export function reportHeard(router: VirtualRouter, clocks: Clocks): HeardStatus | null {
  const { heard } = router;
  if (heard.priority < 0) return null;
  return {
    address: formatIp(heard.address),
    priority: heard.priority,
    ageMs: Math.max(0, clocks.monotonicMs() - heard.atMs),
  };
}

function reportCounters(counters: RouterCounters): InstanceCounters {
  return {
    becomeMaster: counters.becomeMaster,
    releaseMaster: counters.releaseMaster,
    advertsSent: counters.advertisementsSent,
    advertsReceived: counters.advertisementsReceived,
    priorityZeroSent: counters.priorityZeroSent,
    priorityZeroReceived: counters.priorityZeroReceived,
    sendErrors: counters.sendFailures,
    vipsRestored: counters.addressesRestored,
    vipErrors: counters.addressAddFailures,
    handoversFailed: counters.handoversFailed,
    refused: Object.fromEntries(LADDER.map(rung => [rung.counter, counters[rung.counter]])),
  };
}

/** What `status` says of every sync group. */
export function reportGroups(engine: VrrpEngine): SyncGroupStatus[] {
  return engine.groups.map((group: SyncGroup) => ({
    name: group.config.name,
    state: keepalivedState(group.state),
    members: group.members.map(member => member.config.name),
  }));
}
