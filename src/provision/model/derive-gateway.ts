/** NAT: through which virtual address the real servers' answers come back to the director. */
import { cidrContains, formatIp, type Family } from '#base/address.ts';
import type { InstanceModel } from './derive-instance.ts';
import { interfaceWith, type HostFacts } from './derive-interfaces.ts';
import { addressesOn, instancesNamed, type ServedAddress, type ServerModel } from './derive-servers.ts';
import type { UpstreamModel } from './derive-upstreams.ts';
import type { Report } from './topology-rules.ts';
import type { SyncGroup } from './validate-cluster.ts';

interface GatewayContext {
  readonly instances: readonly InstanceModel[];
  readonly groups: readonly SyncGroup[];
  readonly factsOf: (host: string) => HostFacts;
  readonly report: Report;
}

/** The gateway of each family in which the host serves; empty unless the method is NAT. Complaints go to the report. */
export function gatewaysFor(
  server: ServerModel,
  real: UpstreamModel,
  context: GatewayContext,
): ReadonlyMap<Family, ServedAddress> {
  const found = new Map<Family, ServedAddress>();
  // A director that is a real server, too, answers itself.
  if (server.method !== 'NAT' || server.directors.includes(real.host)) return found;
  for (const [family, address] of real.addresses) {
    if (!server.served.some(one => one.family === family)) continue;
    const gateway = gatewayFor(server, real, family, address, context);
    if (gateway) found.set(family, gateway);
  }
  return found;
}

function gatewayFor(
  server: ServerModel,
  real: UpstreamModel,
  family: Family,
  address: Uint8Array,
  context: GatewayContext,
): ServedAddress | undefined {
  const what = `virtual_servers ${server.name}`;
  const at = server.place('real_servers');
  const named = server.realWords.gateway;
  const on =
    named === undefined
      ? context.instances
      : instancesNamed(what, [named], at, { ...context, cluster: server.cluster });
  if (named !== undefined && on.length === 0) return undefined;
  const known = interfaceWith(context.factsOf(real.host), address);
  const near = addressesOn(on).filter(
    one => one.family === family && known !== undefined && cidrContains(known.cidr, one.address),
  );
  const candidates = near.length > 1 ? preferred(server, near, context.groups) : near;
  const [only] = candidates;
  if (only && candidates.length === 1) {
    checkTogether(server, only.instance, context);
    return only;
  }
  const shown = candidates.map(one => `${one.instance.name} (${formatIp(one.address)})`).join(', ');
  context.report.error(
    'gateway-missing',
    only
      ? `${what}: ${real.host} could answer through several addresses: ${shown}`
      : `${what}: no virtual address is in the subnet of ${formatIp(address)} (${real.host}), so its answers do not reach the director`,
    at,
    only
      ? `say which: real_servers: { gateway: ${only.instance.name} }`
      : 'add an instance with an address in that subnet, and the host’s interfaces',
  );
  return undefined;
}

/** An address that moves together with the service's own. */
function preferred(
  server: ServerModel,
  candidates: readonly ServedAddress[],
  groups: readonly SyncGroup[],
): readonly ServedAddress[] {
  const serving = new Set(server.instances.map(one => one.name));
  const together = candidates.filter(({ instance: { name } }) =>
    groups.some(group => group.instances.includes(name) && group.instances.some(one => serving.has(one))),
  );
  return together.length > 0 ? together : candidates;
}

function checkTogether(
  server: ServerModel,
  gateway: InstanceModel,
  { groups, report }: GatewayContext,
): void {
  for (const instance of server.instances) {
    const together =
      instance === gateway ||
      groups.some(group => group.instances.includes(instance.name) && group.instances.includes(gateway.name));
    if (together) continue;
    report.warn(
      'nat-sync-group',
      `virtual_servers ${server.name}: ${instance.name} can move without ${gateway.name}, and answers then go to the wrong director`,
      server.place('on'),
      `join them: vrrp_sync_groups: { VG: [${instance.name}, ${gateway.name}] }`,
      server.accept,
    );
  }
}
