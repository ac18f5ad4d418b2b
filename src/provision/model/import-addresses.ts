/** What live hosts' NICs hold that is theirs. */
import { formatIp, parseCidr } from '#base/address.ts';
import type { ImportedHost } from './import-types.ts';

/** Addresses of NICs less those that virtual routers put there. */
export function ownAddresses(
  interfaces: Readonly<Record<string, readonly string[]>>,
  { loaded }: ImportedHost,
): Readonly<Record<string, readonly string[]>> {
  const moving = new Set(
    loaded.config.vrrpInstances
      .flatMap(instance => [...instance.virtualAddresses, ...instance.virtualAddressesExcluded])
      .map(({ address }) => formatIp(address)),
  );
  const own = Object.entries(interfaces).map(([nic, list]): [string, readonly string[]] => [
    nic,
    list.filter(text => !moving.has(formatAddress(text))),
  ]);
  return Object.fromEntries(own.filter(([, list]) => list.length > 0));
}

function formatAddress(text: string): string {
  const cidr = parseCidr(text);
  return cidr ? formatIp(cidr.address) : text;
}
