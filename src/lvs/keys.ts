import type { DestinationKey, ServiceKey } from './ports.ts';

/** Names a service in maps. */
export function serviceName(key: ServiceKey): string {
  return key.kind === 'fwmark'
    ? `fwmark ${key.fwmark} ${key.family}`
    : `${key.transport} ${key.address.join('.')} ${key.port}`;
}

/** Names a destination within its service in maps. */
export function destinationName({ address, port }: DestinationKey): string {
  return `${address.join('.')} ${port}`;
}
