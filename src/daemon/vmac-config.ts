import { vmacNames } from '#conf/vmac-name.ts';
import type { Config, VirtualAddress, Vmac, VrrpInstance } from '#conf/model.ts';

/** A macvlan that an instance needs. */
export interface WantedVmac {
  readonly name: string;
  /** The interface that it stands on. */
  readonly base: string;
  /** 6 bytes: the virtual router's MAC address (RFC 9568 §7.3) unless configured. */
  readonly mac: Uint8Array;
}

/** `use_vmac` as the rest of the daemon sees it: every macvlan has its name, and VIPs without a device of their own are on it. */
export function placeVipsOnVmacs(config: Config): Config {
  const names = vmacNames(
    config.globalDefs.vmacPrefix,
    config.vrrpInstances.flatMap(({ vmac, family, virtualRouterId }) =>
      vmac ? [{ given: vmac.interface, family, virtualRouterId }] : [],
    ),
  );
  if (names.length === 0) return config;
  const vrrpInstances = config.vrrpInstances.map(instance => {
    const name = instance.vmac && names.shift();
    return instance.vmac && name !== undefined ? placed(instance, instance.vmac, name) : instance;
  });
  return { ...config, vrrpInstances };
}

function placed(instance: VrrpInstance, vmac: Vmac, name: string): VrrpInstance {
  const on = (address: VirtualAddress): VirtualAddress => ({ ...address, dev: address.dev ?? name });
  return {
    ...instance,
    vmac: { ...vmac, interface: name },
    virtualAddresses: instance.virtualAddresses.map(on),
    virtualAddressesExcluded: instance.virtualAddressesExcluded.map(on),
  };
}

/** The macvlans that a configuration made by {@link placeVipsOnVmacs} needs. */
export function wantedVmacs(config: Config): WantedVmac[] {
  return config.vrrpInstances.flatMap(({ vmac, interface: base, family, virtualRouterId }) => {
    if (vmac?.interface === undefined || base === undefined) return [];
    const standard = Uint8Array.of(0, 0, 0x5e, 0, family === 4 ? 1 : 2, virtualRouterId);
    return [{ name: vmac.interface, base, mac: vmac.macAddress ?? standard }];
  });
}

/**
 * The macvlan that an instance's adverts leave by and come in by; undefined: its interface. Only IPv4 multicast has its
 * own. A peer's adverts have the macvlan's own MAC address as their source, and Linux gives such a frame to the macvlan
 * alone (`macvlan_handle_frame`): the interface under it never hears it.
 */
export function sendingVmac(instance: VrrpInstance): string | undefined {
  return canSendFromVmac(instance) && !instance.vmac?.xmitBase ? instance.vmac?.interface : undefined;
}

/** Whether adverts of the instance can leave by a macvlan: it has no addresses to send unicast or IPv6 from. */
export function canSendFromVmac({ family, unicastPeers }: VrrpInstance): boolean {
  return family === 4 && unicastPeers.length === 0;
}
