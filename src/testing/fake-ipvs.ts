import { must } from '#base/assert.ts';
import { ERRNO, kernelFailure } from '#linux/failure.ts';
import { endpoint, operationName, serviceName } from '#linux/ipvs-words.ts';
import type { Ipvs, KernelFailure, Result } from '#linux/ports.ts';
import type {
  Destination,
  DestinationKey,
  Operation,
  SeenDestination,
  SeenService,
  Service,
  ServiceKey,
  SyncDaemon,
  Timeouts,
  Traffic,
} from '#lvs/ports.ts';
import type { Refusal } from './fake-tables.ts';

/** Schedulers of Linux 6.1; `none` schedules nothing. */
const SCHEDULERS: ReadonlySet<string> = new Set(
  'none rr wrr lc wlc lblc lblcr sh dh mh sed nq fo ovf'.split(' '),
);

const NO_TRAFFIC: Traffic = { connections: 0, packetsIn: 0, packetsOut: 0, bytesIn: 0, bytesOut: 0 };

interface Entry {
  service: Service;
  traffic: Traffic;
  readonly destinations: Map<string, SeenDestination>;
}

/**
 * IPVS in memory, with Linux's answers: `EEXIST` for what is there, `ESRCH` for a service and `ENOENT` for a destination
 * or scheduler that is not, `EINVAL` and `ERANGE` for values that it refuses. `sync` names the interfaces on which a
 * synchronisation daemon can run; elsewhere it is `ENODEV`.
 */
export class FakeIpvs implements Ipvs {
  readonly #refusal: Refusal;
  readonly #interfaces: readonly string[];
  readonly #table = new Map<string, Entry>();
  readonly #daemons = new Map<SyncDaemon['role'], SyncDaemon>();
  #applied: Operation[] = [];
  #timeouts: Timeouts = { tcpS: 900, tcpFinS: 120, udpS: 300 };
  #closed = false;

  constructor(options: { readonly refusal?: Refusal; readonly interfaces?: readonly string[] } = {}) {
    this.#refusal = options.refusal ?? (() => undefined);
    this.#interfaces = options.interfaces ?? ['eth0'];
  }

  services(): Result<SeenService[]> {
    const errno = this.#refusal('list virtual servers');
    if (errno) return { ok: false, failure: kernelFailure('list virtual servers', errno) };
    const value = [...this.#table.values()].map(entry => ({
      ...entry.service,
      traffic: entry.traffic,
      destinations: [...entry.destinations.values()],
    }));
    return { ok: true, value };
  }

  *servicesInSteps(): Generator<undefined, Result<SeenService[]>> {
    yield;
    return this.services();
  }

  apply(operations: readonly Operation[]): (KernelFailure | undefined)[] {
    this.#applied.push(...operations);
    return this.tamper(operations);
  }

  setTimeouts(timeouts: Timeouts): KernelFailure | undefined {
    return this.#answer('set timeouts', () => {
      const { tcpS, tcpFinS, udpS } = timeouts;
      if ([tcpS, tcpFinS, udpS].some(each => each !== undefined && (each < 0 || each > 0x7fffffff)))
        return ERRNO.EINVAL;
      // Zero leaves a timeout as it is.
      this.#timeouts = {
        tcpS: tcpS || this.#timeouts.tcpS,
        tcpFinS: tcpFinS || this.#timeouts.tcpFinS,
        udpS: udpS || this.#timeouts.udpS,
      };
      return 0;
    });
  }

  syncDaemons(): Result<SyncDaemon[]> {
    return { ok: true, value: [...this.#daemons.values()] };
  }

  startSync(daemon: SyncDaemon): KernelFailure | undefined {
    return this.#answer(`start sync daemon ${daemon.role} on ${daemon.interfaceName}`, () => {
      if (this.#daemons.has(daemon.role)) return ERRNO.EEXIST;
      if (!this.#interfaces.includes(daemon.interfaceName)) return ERRNO.ENODEV;
      this.#daemons.set(daemon.role, daemon);
      return 0;
    });
  }

  stopSync(role: SyncDaemon['role']): KernelFailure | undefined {
    return this.#answer(`stop sync daemon ${role}`, () => (this.#daemons.delete(role) ? 0 : ERRNO.ESRCH));
  }

  close(): void {
    this.#closed = true;
  }

  get closed(): boolean {
    return this.#closed;
  }

  get timeouts(): Timeouts {
    return this.#timeouts;
  }

  /** What `apply` was asked since the last call, refused or not, in order. */
  takeApplied(): Operation[] {
    return this.#applied.splice(0);
  }

  /** Changes that somebody else makes, by `ipvsadm`: they are not in `takeApplied`. */
  tamper(operations: readonly Operation[]): (KernelFailure | undefined)[] {
    return operations.map(operation =>
      this.#answer(operationName(operation), () => this.#execute(operation)),
    );
  }

  /** `ipvsadm -C`. */
  clear(): void {
    this.#table.clear();
  }

  /** Sets what the kernel would count for a destination. */
  observe(
    key: ServiceKey,
    destination: DestinationKey,
    seen: Partial<
      Pick<SeenDestination, 'activeConnections' | 'inactiveConnections' | 'persistentConnections' | 'traffic'>
    >,
  ): void {
    const entry = must(this.#table.get(serviceName(key)), `no service ${serviceName(key)}`);
    const name = endpoint(destination);
    entry.destinations.set(name, {
      ...must(entry.destinations.get(name), `no destination ${name}`),
      ...seen,
    });
  }

  #answer(call: string, change: () => number): KernelFailure | undefined {
    const errno = this.#refusal(call) || change();
    return errno ? kernelFailure(call, errno) : undefined;
  }

  #execute(operation: Operation): number {
    if (operation.type === 'addService') return this.#addService(operation.service);
    if (operation.type === 'zero' && !operation.key) {
      for (const entry of this.#table.values()) zero(entry);
      return 0;
    }
    const key = 'service' in operation ? operation.service.key : operation.key;
    const name = serviceName(must(key, 'every other operation has a key'));
    const entry = this.#table.get(name);
    if (!entry) return ERRNO.ESRCH;
    switch (operation.type) {
      case 'editService': {
        const refused = refusedService(operation.service);
        if (!refused) entry.service = operation.service;
        return refused;
      }
      case 'removeService':
        this.#table.delete(name);
        return 0;
      case 'zero':
        zero(entry);
        return 0;
      case 'addDestination':
      case 'editDestination':
        return this.#putDestination(entry, operation.destination, operation.type === 'addDestination');
      case 'removeDestination':
        return entry.destinations.delete(endpoint(operation.destination)) ? 0 : ERRNO.ENOENT;
    }
  }

  #addService(service: Service): number {
    const name = serviceName(service.key);
    if (this.#table.has(name)) return ERRNO.EEXIST;
    const refused = refusedService(service);
    if (!refused) this.#table.set(name, { service, traffic: NO_TRAFFIC, destinations: new Map() });
    return refused;
  }

  #putDestination(entry: Entry, destination: Destination, isNew: boolean): number {
    const mixed = destination.address.length !== (entry.service.key.family === 4 ? 4 : 16);
    if (mixed && (destination.forwarding.method !== 'TUN' || this.#daemons.size > 0)) return ERRNO.EINVAL;
    const refused = refusedDestination(destination);
    if (refused) return refused;
    const name = endpoint(destination);
    const present = entry.destinations.get(name);
    if (isNew && present) return ERRNO.EEXIST;
    if (!isNew && !present) return ERRNO.ENOENT;
    const counted = present ?? {
      activeConnections: 0,
      inactiveConnections: 0,
      persistentConnections: 0,
      traffic: NO_TRAFFIC,
    };
    entry.destinations.set(name, { ...counted, ...destination });
    return 0;
  }
}

function zero(entry: Entry): void {
  entry.traffic = NO_TRAFFIC;
  for (const [name, destination] of entry.destinations)
    entry.destinations.set(name, { ...destination, traffic: NO_TRAFFIC });
}

function refusedService({ key, scheduler, persistencePrefix, persistenceEngine }: Service): number {
  if (!SCHEDULERS.has(scheduler)) return ERRNO.ENOENT;
  if (persistenceEngine !== undefined && persistenceEngine !== 'sip') return ERRNO.ENOENT;
  if (key.family === 6 && (persistencePrefix < 1 || persistencePrefix > 128)) return ERRNO.EINVAL;
  return 0;
}

function refusedDestination({ weight, upperThreshold, lowerThreshold, forwarding }: Destination): number {
  if (weight < 0 || lowerThreshold > upperThreshold) return ERRNO.ERANGE;
  return forwarding.method === 'TUN' && forwarding.type === 'gue' && forwarding.port === 0 ? ERRNO.EINVAL : 0;
}
