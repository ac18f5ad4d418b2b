import { formatIp } from '#base/address.ts';
import type { DestinationKey, Operation, ServiceKey } from '#lvs/ports.ts';

/** `TCP 10.0.0.1:80`, `TCP [2001:db8::1]:80`, `fwmark 3`, `fwmark 3 IPv6`. */
export function serviceName(key: ServiceKey): string {
  if (key.kind === 'fwmark') return `fwmark ${key.fwmark}${key.family === 6 ? ' IPv6' : ''}`;
  return `${key.transport} ${endpoint(key)}`;
}

/** `10.0.0.9:8080`, `[2001:db8::9]:8080`. */
export function endpoint({ address, port }: DestinationKey): string {
  return address.length === 4 ? `${formatIp(address)}:${port}` : `[${formatIp(address)}]:${port}`;
}

/** An operation in the terms of `KernelFailure.call`: `add real server 10.0.0.9:80 of TCP 10.0.0.1:80`. */
export function operationName(operation: Operation): string {
  switch (operation.type) {
    case 'addService':
      return `add virtual server ${serviceName(operation.service.key)} ${operation.service.scheduler}`;
    case 'editService':
      return `change virtual server ${serviceName(operation.service.key)} ${operation.service.scheduler}`;
    case 'removeService':
      return `remove virtual server ${serviceName(operation.key)}`;
    case 'addDestination':
      return `add real server ${endpoint(operation.destination)} of ${serviceName(operation.key)}`;
    case 'editDestination':
      return `change real server ${endpoint(operation.destination)} of ${serviceName(operation.key)}`;
    case 'removeDestination':
      return `remove real server ${endpoint(operation.destination)} of ${serviceName(operation.key)}`;
    case 'zero':
      return `zero the counters of ${operation.key ? serviceName(operation.key) : 'all virtual servers'}`;
  }
}
