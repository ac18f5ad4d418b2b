import { familyOf } from '#base/address.ts';
import type { ForwardingMethod, ServerAddress } from '#conf/model.ts';
import { destinationName } from './keys.ts';
import type { Destination, Service } from './ports.ts';
import type { DesiredService } from './reconcile.ts';
import { destinationKey, forwardingOf } from './services.ts';
import { isSorry, type LvsState, type RealState, type VirtualState } from './state.ts';

/** What the kernel's table should have of these virtual servers. */
export function desiredTable(virtuals: Iterable<VirtualState>): DesiredService[] {
  return [...virtuals].flatMap(virtual =>
    virtual.services.map(service => ({ service, destinations: destinationsOf(virtual, service) })),
  );
}

interface Member extends ServerAddress {
  readonly forwarding: ForwardingMethod;
  readonly uthreshold?: number;
  readonly lthreshold?: number;
}

function destinationsOf(virtual: VirtualState, service: Service): Destination[] {
  const destinations = new Map<string, Destination>();
  const put = (member: Member, weight: number): void => {
    // The kernel joins two families by a tunnel only.
    if (familyOf(member.address) !== service.key.family && member.forwarding.kind !== 'TUN') return;
    const key = destinationKey(service.key, member);
    destinations.set(destinationName(key), {
      ...key,
      forwarding: forwardingOf(member.forwarding),
      weight,
      upperThreshold: member.uthreshold ?? 0,
      lowerThreshold: member.lthreshold ?? 0,
    });
  };
  const { sorryServer } = virtual.config;
  const sorry = isSorry(virtual);
  // The later one wins: a sorry server may be a real server too, and a removed one may be configured again.
  for (const { config } of virtual.draining) put(config, 0);
  if (sorryServer?.inhibit && !sorry) put(sorryServer, 0);
  for (const real of virtual.reals) {
    const weight = weightInTable(real, sorry);
    if (weight !== undefined) put(real.config, weight);
  }
  if (sorryServer && sorry) put(sorryServer, 1);
  return [...destinations.values()];
}

function weightInTable({ alive, weight, config }: RealState, sorry: boolean): number | undefined {
  if (alive && !sorry) return weight;
  return config.inhibitOnFailure ? 0 : undefined;
}

/** Everything that may ever be in the table with this configuration: what is ours. */
export function configuredTable({ virtuals }: LvsState): DesiredService[] {
  return virtuals.flatMap(virtual => {
    const { realServers, sorryServer } = virtual.config;
    const members = [...realServers, ...(sorryServer ? [sorryServer] : [])];
    const removed = virtual.draining.map(({ config }) => config);
    return virtual.services.map(service => ({
      service,
      destinations: [...members, ...removed].map(member => ({
        ...destinationKey(service.key, member),
        forwarding: forwardingOf(member.forwarding),
        weight: 0,
        upperThreshold: 0,
        lowerThreshold: 0,
      })),
    }));
  });
}
