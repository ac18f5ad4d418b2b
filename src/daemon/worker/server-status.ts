import type { CheckerStatus } from '#check/ports.ts';
import type { RealServerStatus, VirtualServerStatus } from '#control/server-status.ts';
import { destinationName, serviceName } from '#lvs/keys.ts';
import type { SeenDestination, SeenService, Traffic } from '#lvs/ports.ts';
import { destinationKey } from '#lvs/services.ts';
import { isSorry, liveWeight, type LvsState, type RealState, type VirtualState } from '#lvs/state.ts';

/** What is asked for a checker's report. */
export type StatusOfCheck = (id: number) => CheckerStatus | undefined;

/** What status says of every virtual server. `seen`: the kernel's table as it was read last. `nowMs`: as the checkers'. */
export function reportVirtualServers(
  { virtuals }: LvsState,
  seen: readonly SeenService[],
  statusOf: StatusOfCheck,
  nowMs: number,
): VirtualServerStatus[] {
  const table = new Map(seen.map(service => [serviceName(service.key), service]));
  return virtuals.map(virtual => {
    const services = virtual.services.flatMap(({ key }) => table.get(serviceName(key)) ?? []);
    const destinations = byName(services);
    return {
      name: virtual.label,
      protocol: virtual.config.protocol,
      quorate: virtual.quorate,
      liveWeight: liveWeight(virtual),
      quorum: virtual.config.quorum,
      sorry: isSorry(virtual),
      suspended: virtual.suspended,
      inKernel: services.length > 0,
      draining: virtual.draining.map(({ label }) => label),
      traffic: sumOf(services.map(({ traffic }) => traffic)),
      realServers: virtual.reals.map(real => reportReal(virtual, real, destinations, statusOf, nowMs)),
    };
  });
}

function reportReal(
  { services }: VirtualState,
  real: RealState,
  seen: ReadonlyMap<string, readonly SeenDestination[]>,
  statusOf: StatusOfCheck,
  nowMs: number,
): RealServerStatus {
  const names = new Set(services.map(({ key }) => destinationName(destinationKey(key, real.config))));
  const found = [...names].flatMap(name => seen.get(name) ?? []);
  const [first] = found;
  return {
    name: real.label,
    up: real.alive,
    weight: real.weight,
    weightInKernel: first ? first.weight : null,
    activeConnections: found.reduce((sum, each) => sum + each.activeConnections, 0),
    inactiveConnections: found.reduce((sum, each) => sum + each.inactiveConnections, 0),
    traffic: sumOf(found.map(({ traffic }) => traffic)),
    checkers: real.checks.flatMap(({ id }) => {
      const status = statusOf(id);
      if (!status) return [];
      const { kind, up, said, attempts, failures, failuresInARow, lastAttemptAtMs, lastChangeAtMs } = status;
      const ageOf = (atMs: number | undefined): number | null =>
        atMs === undefined ? null : Math.round(nowMs - atMs);
      return [
        {
          kind,
          up,
          said,
          attempts,
          failures,
          failuresInARow,
          lastAttemptAgeMs: ageOf(lastAttemptAtMs),
          lastChangeAgeMs: ageOf(lastChangeAtMs),
        },
      ];
    }),
  };
}

/** The destinations of several services, by their names. */
function byName(services: readonly SeenService[]): Map<string, SeenDestination[]> {
  const destinations = new Map<string, SeenDestination[]>();
  for (const each of services.flatMap(service => service.destinations)) {
    const name = destinationName(each);
    const same = destinations.get(name);
    if (same) same.push(each);
    else destinations.set(name, [each]);
  }
  return destinations;
}

function sumOf(all: readonly Traffic[]): Traffic {
  const sum = (of: (traffic: Traffic) => number): number => all.reduce((total, each) => total + of(each), 0);
  return {
    connections: sum(each => each.connections),
    packetsIn: sum(each => each.packetsIn),
    packetsOut: sum(each => each.packetsOut),
    bytesIn: sum(each => each.bytesIn),
    bytesOut: sum(each => each.bytesOut),
  };
}
