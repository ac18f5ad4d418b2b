import { formatIp } from '#base/address.ts';
import type { VirtualAddress } from '#conf/model.ts';
import { SCOPE, type AddressSpec } from '#linux/ports.ts';

/** `address/prefix dev NAME`, for logs. */
export function describeAddress(address: VirtualAddress): string {
  return `${formatIp(address.address)}/${address.prefix}`;
}

/** What the kernel is asked for when a VIP is added or removed on the interface `ifindex`. */
export function addressSpec(address: VirtualAddress, ifindex: number): AddressSpec {
  const isIpv6 = address.address.length === 16;
  const broadcast = broadcastOf(address);
  const lifetimeS = preferredLifetimeS(address);
  return {
    ifindex,
    address: address.address,
    prefix: address.peer?.prefix ?? address.prefix,
    noDad: isIpv6 && address.nodad,
    noPrefixRoute: address.noprefixroute,
    ...(typeof address.scope === 'number' ? { scope: address.scope } : {}),
    ...(typeof address.scope === 'string' ? { scope: scopeByName(address.scope) } : {}),
    ...(address.label !== undefined && !isIpv6 ? { label: address.label } : {}),
    ...(broadcast ? { broadcast } : {}),
    ...(address.peer ? { peer: address.peer.address } : {}),
    ...(lifetimeS === undefined ? {} : { preferredLifetimeS: lifetimeS }),
  };
}

/** Standard names of rt_scopes; the parser has refused others that are not numbers. */
function scopeByName(name: string): number {
  const scopes: Readonly<Record<string, number>> = SCOPE;
  return scopes[name] ?? SCOPE.global;
}

/** A /128 is never to be chosen as a source: deprecated at once, as keepalived does. */
function preferredLifetimeS(address: VirtualAddress): number | undefined {
  if (address.address.length === 4) return undefined;
  if (address.preferredLifetimeS === 'forever') return undefined;
  return address.preferredLifetimeS ?? (address.prefix === 128 ? 0 : undefined);
}

function broadcastOf(address: VirtualAddress): Uint8Array | undefined {
  const { broadcast, prefix } = address;
  if (broadcast === undefined || broadcast === '-' || address.address.length === 16) return undefined;
  if (broadcast !== '+') return broadcast;
  return address.address.map((byte, i) => {
    const hostBits = Math.max(0, Math.min(8, 8 * (i + 1) - prefix));
    return byte | ((1 << hostBits) - 1);
  });
}
