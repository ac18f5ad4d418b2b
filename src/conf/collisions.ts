import { formatIp } from '#base/address.ts';
import { formatPosition } from '#base/position.ts';
import { instanceIdentity, identityKey } from './identity.ts';
import type { VrrpInstance } from './model.ts';
import type { Report } from './report.ts';

/** Instances that can run beside each other: of two with one identity the later is reported and left out. */
export function checkCollisions(instances: readonly VrrpInstance[], report: Report): VrrpInstance[] {
  const byIdentity = new Map<string, VrrpInstance[]>();
  const usable = instances.filter(instance => {
    const key = identityKey(instanceIdentity(instance));
    const same = byIdentity.get(key) ?? [];
    const other = same.find(candidate => collide(candidate, instance));
    byIdentity.set(key, [...same, instance]);
    if (!other) return true;
    const where = formatPosition(other.position);
    const message =
      `${instance.name} and ${other.name} (${where}) both use VRID ${instance.virtualRouterId} ` +
      `with IPv${instance.family} on ${instance.interface ?? 'one address'}; ${instance.name} is left out`;
    report.error('vrid-duplicate', instance.position, message, 'give it another virtual_router_id');
    return false;
  });
  tellSharedAddresses(usable, report);
  return usable;
}

/** One VRID twice is possible with different groups, or with peers that do not overlap. */
function collide(a: VrrpInstance, b: VrrpInstance): boolean {
  if (a.unicastPeers.length === 0) return formatIp(a.mcastGroup) === formatIp(b.mcastGroup);
  const peers = new Set(a.unicastPeers.map(peer => formatIp(peer.address)));
  return b.unicastPeers.some(peer => peers.has(formatIp(peer.address)));
}

function tellSharedAddresses(instances: readonly VrrpInstance[], report: Report): void {
  const owners = new Map<string, VrrpInstance>();
  for (const instance of instances) {
    for (const { address, position } of [
      ...instance.virtualAddresses,
      ...instance.virtualAddressesExcluded,
    ]) {
      const text = formatIp(address);
      const owner = owners.get(text);
      if (!owner) owners.set(text, instance);
      else if (owner !== instance) {
        const message = `${text} is a virtual address of ${owner.name} too: two masters would hold it`;
        report.warning('vip-shared', position, message);
      }
    }
  }
}
