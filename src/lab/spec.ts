/**
 * What a lab is, as plain data: hosts, their NICs, the networks between them. Nothing here reads an inventory
 * or touches the machine.
 */

/** Debian releases that base images exist for. */
export type Release = 'bullseye' | 'bookworm' | 'trixie';

/** What a host has beyond its base image. Each layer is a set of Debian packages, installed and not started. */
export const LAYER_NAMES = ['firewalls', 'keepalived', 'network-manager', 'rpm', 'services'] as const;
export type LayerName = (typeof LAYER_NAMES)[number];

/** One NIC: a veth that ends in the switch of its network. */
export interface LabInterface {
  /** As the host sees it, 1–15 characters: `eth0`, `ens192`, `bond0.103`. */
  readonly name: string;
  /** A {@link LabNetwork.name}. */
  readonly network: string;
  /** `address/prefix`, IPv4 or IPv6, the primary first. */
  readonly addresses: readonly string[];
  /** `02:…`; absent, a fixed one is derived from host and NIC (random ones leave stale neighbour entries behind). */
  readonly mac?: string;
}

export interface LabHost {
  /** The inventory's name of the host; also its hostname. A DNS label, at most 63 characters. */
  readonly name: string;
  readonly interfaces: readonly LabInterface[];
  /** Default `bookworm`. */
  readonly image?: Release;
  /** Default none. */
  readonly layers?: readonly LayerName[];
  /** `nftables-drop`: an enabled nftables.service whose inet filter input chain drops by default, SSH and ICMP open. */
  readonly firewall?: 'none' | 'nftables-drop';
}

export interface LabNetwork {
  readonly name: string;
  /** True: a switch that snoops IGMP with no querier present, which starves groups outside 224.0.0.0/24. */
  readonly snooping?: boolean;
}

interface LabController {
  /** Network name → the controller's `address/prefix`es there. It is connected to every network in any case. */
  readonly addresses: Readonly<Record<string, readonly string[]>>;
}

export interface LabSpec {
  /** 1–32 of `a-z 0-9 -`, unique on this machine while the lab runs. */
  readonly name: string;
  readonly networks: readonly LabNetwork[];
  readonly hosts: readonly LabHost[];
  readonly controller: LabController;
  /** Hosts boot without what costs a process and no role needs. For kernels that are slow at starting processes. */
  readonly lean?: boolean;
}
