import { execFileSync } from 'node:child_process';
import { parseIp } from '#base/address.ts';
import { must } from '#base/assert.ts';
import { openIpvs } from '#linux/ipvs.ts';
import type { Ipvs, KernelFailure, Result } from '#linux/ports.ts';
import type { Destination, Operation, SeenService, Service, ServiceKey, Transport } from '#lvs/ports.ts';

/** What `openIpvs` opens, in the namespace of the calling thread. */
export function openTable(): Ipvs {
  return valueOf(openIpvs());
}

export function valueOf<T>(result: Result<T>): T {
  if (!result.ok) throw new Error(result.failure.message);
  return result.value;
}

export const ip = (text: string): Uint8Array => must(parseIp(text), text);

export function addressKey(address: string, port: number, transport: Transport = 'TCP'): ServiceKey {
  const bytes = ip(address);
  return { kind: 'address', family: bytes.length === 4 ? 4 : 6, transport, address: bytes, port };
}

/** A service that differs from a plain one in what is given. */
export function serviceOf(key: ServiceKey, scheduler: string, more: Partial<Service> = {}): Service {
  return {
    key,
    scheduler,
    persistenceTimeoutS: 0,
    persistencePrefix: key.family === 4 ? 32 : 128,
    persistenceEngine: undefined,
    onePacket: false,
    scheduler1: false,
    scheduler2: false,
    scheduler3: false,
    ...more,
  };
}

export function destinationOf(address: string, port: number, more: Partial<Destination> = {}): Destination {
  return {
    address: ip(address),
    port,
    forwarding: { method: 'NAT' },
    weight: 1,
    upperThreshold: 0,
    lowerThreshold: 0,
    ...more,
  };
}

/** Applies what must not be refused. */
export function applyAll(ipvs: Ipvs, operations: readonly Operation[]): void {
  const refused = ipvs.apply(operations).filter((failure): failure is KernelFailure => failure !== undefined);
  if (refused.length > 0) throw new Error(refused.map(({ message }) => message).join('\n'));
}

/** A service with its destinations, as operations. */
export function additionOf(service: Service, ...destinations: readonly Destination[]): Operation[] {
  const { key } = service;
  return [
    { type: 'addService', service },
    ...destinations.map(destination => ({ type: 'addDestination', key, destination }) as const),
  ];
}

/** Services as they were asked for, without what the kernel counts. */
export function wishesOf(services: readonly SeenService[]): (Service & { destinations: Destination[] })[] {
  return services.map(service => ({
    ...serviceOf(service.key, service.scheduler, {
      persistenceTimeoutS: service.persistenceTimeoutS,
      persistencePrefix: service.persistencePrefix,
      persistenceEngine: service.persistenceEngine,
      onePacket: service.onePacket,
      scheduler1: service.scheduler1,
      scheduler2: service.scheduler2,
      scheduler3: service.scheduler3,
    }),
    destinations: service.destinations.map(
      ({ address, port, forwarding, weight, upperThreshold, lowerThreshold }) => ({
        address,
        port,
        forwarding,
        weight,
        upperThreshold,
        lowerThreshold,
      }),
    ),
  }));
}

/** `ipvsadm ARGUMENTS`: its output, lines trimmed. */
export function ipvsadm(...argv: readonly string[]): string[] {
  const text = execFileSync('ipvsadm', argv, { encoding: 'utf8' });
  return text
    .split('\n')
    .map(line => line.trim())
    .filter(line => line !== '');
}

/** Gives `ipvsadm -R` lines of its own save format. */
export function restore(lines: readonly string[]): void {
  execFileSync('ipvsadm', ['-R'], { input: `${lines.join('\n')}\n` });
}

/** Removes every service of the table. */
export function clear(ipvs: Ipvs): void {
  applyAll(
    ipvs,
    valueOf(ipvs.services()).map(({ key }) => ({ type: 'removeService', key })),
  );
}
