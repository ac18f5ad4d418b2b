import type { DestinationKey, ServiceKey } from './ports.ts';

/** Names a service in maps. */
export function serviceName(key: ServiceKey): string {
  return key.kind === 'fwmark'
    ? `fwmark ${key.fwmark} ${key.family}`
    : `${key.transport} ${key.address.join('.')} ${key.port}`;
}

/** Names a destination within its service in maps. There are tens of thousands, named again and again. */
export function destinationName({ address, port }: DestinationKey): string {
  const [a, b, c, d] = address;
  return address.length === 4 ? `${a}.${b}.${c}.${d} ${port}` : `${address.join('.')} ${port}`;
}
