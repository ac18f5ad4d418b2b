import type { Config, VirtualAddress, Vmac, VrrpInstance } from '#conf/model.ts';

/** IFNAMSIZ less its NUL. */
const NAME_MAX = 15;

/** A macvlan that an instance needs. */
export interface WantedVmac {
  readonly name: string;
  /** The interface that it stands on. */
  readonly base: string;
  /** 6 bytes: the virtual router's MAC address (RFC 9568 §7.3) unless configured. */
  readonly mac: Uint8Array;
}

/**
 * `use_vmac` as the rest of the daemon sees it: every macvlan has its name, and VIPs without a device of their own are on it.
 * Names are keepalived's: `vrrp.VRID`, `vrrp6.VRID` for IPv6; a VRID that is used on several interfaces gets a suffix.
 */
export function placeVipsOnVmacs(config: Config): Config {
  if (config.vrrpInstances.every(each => each.vmac === undefined)) return config;
  const taken = new Set<string>();
  const vrrpInstances = config.vrrpInstances.map(instance => {
    if (!instance.vmac) return instance;
    const name = instance.vmac.interface ?? freeName(config.globalDefs.vmacPrefix, instance, taken);
    taken.add(name);
    return placed(instance, { ...instance.vmac, interface: name }, name);
  });
  return { ...config, vrrpInstances };
}

function placed(instance: VrrpInstance, vmac: Vmac, name: string): VrrpInstance {
  const on = (address: VirtualAddress): VirtualAddress => ({ ...address, dev: address.dev ?? name });
  return {
    ...instance,
    vmac,
    virtualAddresses: instance.virtualAddresses.map(on),
    virtualAddressesExcluded: instance.virtualAddressesExcluded.map(on),
  };
}

function freeName(prefix: string, instance: VrrpInstance, taken: ReadonlySet<string>): string {
  const name = `${prefix}${instance.family === 6 ? '6' : ''}.${instance.virtualRouterId}`.slice(0, NAME_MAX);
  for (let i = 1; ; i++) {
    const suffix = i === 1 ? '' : `_${i}`;
    const candidate = name.slice(0, NAME_MAX - suffix.length) + suffix;
    if (!taken.has(candidate)) return candidate;
  }
}

/** The macvlans that a configuration made by {@link placeVipsOnVmacs} needs. */
export function wantedVmacs(config: Config): WantedVmac[] {
  return config.vrrpInstances.flatMap(({ vmac, interface: base, family, virtualRouterId }) => {
    if (vmac?.interface === undefined || base === undefined) return [];
    const standard = Uint8Array.of(0, 0, 0x5e, 0, family === 4 ? 1 : 2, virtualRouterId);
    return [{ name: vmac.interface, base, mac: vmac.macAddress ?? standard }];
  });
}

/** The macvlan that an instance's adverts leave by; undefined: its interface. Only IPv4 multicast has its own. */
export function sendingVmac(instance: VrrpInstance): string | undefined {
  return canSendFromVmac(instance) && !instance.vmac?.xmitBase ? instance.vmac?.interface : undefined;
}

/** Whether adverts of the instance can leave by a macvlan: it has no addresses to send unicast or IPv6 from. */
export function canSendFromVmac({ family, unicastPeers }: VrrpInstance): boolean {
  return family === 4 && unicastPeers.length === 0;
}
