import { compareIp, familyOf, type Family } from '#base/address.ts';
import { must } from '#base/assert.ts';
import type { ForwardingMethod, ServerAddress, VirtualServer, VirtualServerGroup } from '#conf/model.ts';
import type { DestinationKey, Forwarding, Service, ServiceKey } from './ports.ts';

/** The kernel's services of a virtual server: one, or one for each address and mark of its group. */
export function servicesOf(server: VirtualServer, group: VirtualServerGroup | undefined): Service[] {
  const settings = {
    scheduler: server.scheduler,
    onePacket: server.ops,
    scheduler1: hasFlag(server, 'flag-1', 'sh-fallback', 'mh-fallback'),
    scheduler2: hasFlag(server, 'flag-2', 'sh-port', 'mh-port'),
    scheduler3: hasFlag(server, 'flag-3'),
    persistenceTimeoutS: server.persistenceTimeoutS ?? 0,
    persistenceEngine: server.persistenceEngine,
  };
  return serviceKeys(server, group).map(key => ({
    ...settings,
    key,
    persistencePrefix: granularityBits(server, key.family),
  }));
}

function hasFlag({ schedulerFlags }: VirtualServer, ...names: readonly string[]): boolean {
  return names.some(name => schedulerFlags.includes(name));
}

function serviceKeys(server: VirtualServer, group: VirtualServerGroup | undefined): ServiceKey[] {
  const { key, family } = server;
  if (key.kind === 'address') return [addressKey(server, key.address, key.port)];
  if (key.kind === 'fwmark') return [{ kind: 'fwmark', fwmark: key.fwmark, family }];
  return must(group, `virtual_server_group ${key.group} exists`).entries.flatMap(entry => {
    if (entry.kind === 'fwmark')
      return [{ kind: 'fwmark' as const, fwmark: entry.fwmark, family: entry.family ?? family }];
    const keys: ServiceKey[] = [];
    for (let address = entry.first; compareIp(address, entry.last) <= 0; address = next(address))
      keys.push(addressKey(server, address, entry.port));
    return keys;
  });
}

function addressKey(server: VirtualServer, address: Uint8Array, port: number): ServiceKey {
  return { kind: 'address', family: familyOf(address), transport: server.protocol, address, port };
}

/** The address after this one; behind the last one comes one that is longer, and so greater than all. */
function next(address: Uint8Array): Uint8Array {
  const bytes = Uint8Array.from(address);
  for (let index = bytes.length - 1; index >= 0; index--) {
    const byte = ((bytes[index] ?? 0) + 1) & 0xff;
    bytes[index] = byte;
    if (byte !== 0) return bytes;
  }
  return new Uint8Array(bytes.length + 1);
}

/** Bits of the client's address that count for persistence. */
function granularityBits({ persistenceGranularity }: VirtualServer, family: Family): number {
  if (typeof persistenceGranularity === 'number') return persistenceGranularity;
  if (!persistenceGranularity) return family === 4 ? 32 : 128;
  return persistenceGranularity.reduce((bits, byte) => bits + bitsOf(byte), 0);
}

function bitsOf(byte: number): number {
  return byte.toString(2).replaceAll('0', '').length;
}

/**
 * Where a real server is found in a service. NAT keeps the real server's own port, if it has one; with DR and TUN it
 * is the service's port, and behind a mark there is none.
 */
export function destinationKey(
  service: ServiceKey,
  server: ServerAddress & { readonly forwarding: ForwardingMethod },
): DestinationKey {
  const own = server.forwarding.kind === 'NAT' ? server.port : 0;
  const fallback = service.kind === 'fwmark' ? 0 : service.port;
  return { address: server.address, port: own === 0 ? fallback : own };
}

/** `lvs_method` in the kernel's words. */
export function forwardingOf(method: ForwardingMethod): Forwarding {
  if (method.kind !== 'TUN') return { method: method.kind };
  const { type, port, checksum } = method;
  return { method: 'TUN', type, port: port ?? 0, checksum };
}
