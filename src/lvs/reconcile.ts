import { destinationName, serviceName } from './keys.ts';
import type { Destination, DestinationKey, Operation, Service, ServiceKey } from './ports.ts';

/** A service as it should be. */
export interface DesiredService {
  readonly service: Service;
  readonly destinations: readonly Destination[];
}

/** A service as it is. */
export interface ActualService extends Service {
  readonly destinations: readonly Destination[];
}

/** What was ours once and is not wanted any more: only this is removed. */
export interface Owned {
  service(key: ServiceKey): boolean;
  destination(service: ServiceKey, key: DestinationKey): boolean;
}

export interface Reconciliation {
  /** What turns the table into what is wanted; empty if it is that already. */
  readonly operations: readonly Operation[];
  /** What is in the table, not wanted and not ours: it is left alone. */
  readonly foreignServices: readonly ServiceKey[];
  readonly foreignDestinations: readonly { readonly service: ServiceKey; readonly key: DestinationKey }[];
}

/**
 * The least change from what is there to what is wanted. Whatever is there already stays as it is, with its
 * connections; services are made before their destinations, and removed with all that is in them.
 */
export function reconcile(
  desired: readonly DesiredService[],
  seen: readonly ActualService[],
  owned: Owned,
): Reconciliation {
  const operations: Operation[] = [];
  const foreignServices: ServiceKey[] = [];
  const foreignDestinations: { service: ServiceKey; key: DestinationKey }[] = [];
  const wanted = new Set(desired.map(({ service }) => serviceName(service.key)));
  const there = new Map(seen.map(service => [serviceName(service.key), service]));
  for (const service of seen) {
    if (wanted.has(serviceName(service.key))) continue;
    if (owned.service(service.key)) operations.push({ type: 'removeService', key: service.key });
    else foreignServices.push(service.key);
  }
  for (const { service, destinations } of desired) {
    const { key } = service;
    const actual = there.get(serviceName(key));
    if (!actual) operations.push({ type: 'addService', service });
    else if (!sameService(service, actual)) operations.push({ type: 'editService', service });
    const surplus = reconcileDestinations(key, destinations, actual?.destinations ?? [], operations);
    for (const destination of surplus) {
      if (owned.destination(key, destination)) {
        operations.push({ type: 'removeDestination', key, destination: keyOf(destination) });
      } else foreignDestinations.push({ service: key, key: keyOf(destination) });
    }
  }
  return { operations, foreignServices, foreignDestinations };
}

/** Adds and edits destinations; those that are there and not wanted come back. */
function reconcileDestinations(
  key: ServiceKey,
  desired: readonly Destination[],
  seen: readonly Destination[],
  operations: Operation[],
): Destination[] {
  const left = new Map(seen.map(destination => [destinationName(destination), destination]));
  for (const destination of desired) {
    const name = destinationName(destination);
    const actual = left.get(name);
    left.delete(name);
    if (!actual) operations.push({ type: 'addDestination', key, destination });
    else if (!sameDestination(destination, actual))
      operations.push({ type: 'editDestination', key, destination });
  }
  return [...left.values()];
}

function keyOf({ address, port }: DestinationKey): DestinationKey {
  return { address, port };
}

function sameService(a: Service, b: Service): boolean {
  return (
    a.scheduler === b.scheduler &&
    a.onePacket === b.onePacket &&
    a.scheduler1 === b.scheduler1 &&
    a.scheduler2 === b.scheduler2 &&
    a.scheduler3 === b.scheduler3 &&
    a.persistenceTimeoutS === b.persistenceTimeoutS &&
    a.persistencePrefix === b.persistencePrefix &&
    a.persistenceEngine === b.persistenceEngine
  );
}

/** A local address shows as LOCAL whatever was asked for, so that is no difference. */
function sameDestination(a: Destination, b: Destination): boolean {
  const [wanted, actual] = [a.forwarding, b.forwarding];
  const sameMethod =
    actual.method === 'LOCAL' ||
    (wanted.method === 'TUN' && actual.method === 'TUN'
      ? wanted.type === actual.type && wanted.port === actual.port && wanted.checksum === actual.checksum
      : wanted.method === actual.method);
  return (
    sameMethod &&
    a.weight === b.weight &&
    a.upperThreshold === b.upperThreshold &&
    a.lowerThreshold === b.lowerThreshold
  );
}
