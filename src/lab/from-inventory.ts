import { cidrContains, formatCidr, formatIp, parseCidr, parseIp, type Cidr } from '#base/address.ts';
import { LabError } from './lab-error.ts';
import {
  LAYER_NAMES,
  type LabHost,
  type LabInterface,
  type LabNetwork,
  type LabSpec,
  type LayerName,
  type Release,
} from './spec.ts';

/** A host of an inventory with its variables merged and templated. */
export interface InventoryHost {
  readonly name: string;
  readonly vars: Readonly<Record<string, unknown>>;
}

type Vars = InventoryHost['vars'];

/** What `ansible_host` alone says about the subnet. */
const ASSUMED_PREFIX = { 4: 24, 6: 64 } as const;

const RELEASES: readonly string[] = ['bullseye', 'bookworm', 'trixie'] satisfies Release[];

/**
 * The lab that an inventory describes. A host's `interfaces` say which NICs and networks it has (`eth1:
 * 10.16.8.10/24`, or `{ addresses: […], network: lan }`); an `ansible_host` that none of them has gets the first free
 * `ethN`, on a /24 (IPv6: /64). Networks are those of `networks`, or else the subnets themselves. `lab: { image,
 * firewall, layers }` says the rest; `vrrp_daemon: keepalived` brings the layer of that name.
 *
 * @param reserved addresses that the controller must not take: VIPs.
 * @throws {LabError} with every complaint, one per line.
 */
export function specFromHosts(
  name: string,
  hosts: readonly InventoryHost[],
  reserved: readonly string[] = [],
): LabSpec {
  const complaints: string[] = [];
  const networks = new Map<string, LabNetwork>();
  const labHosts = hosts.map(host => {
    const interfaces = interfacesOf(host, complaints);
    for (const nic of interfaces) networks.set(nic.network, networkNamed(nic.network, host.vars));
    return { name: host.name, interfaces, ...settingsOf(host, complaints) };
  });
  if (complaints.length > 0) throw new LabError(complaints.join('\n'));
  const spec = { name, networks: [...networks.values()], hosts: labHosts };
  return { ...spec, controller: { addresses: controllerAddresses(spec.networks, labHosts, reserved) } };
}

function interfacesOf(host: InventoryHost, complaints: string[]): LabInterface[] {
  const nics = Object.entries(record(host.vars['interfaces'])).map(([name, value]) => {
    const listed = typeof value === 'string' || Array.isArray(value);
    const fields = listed ? { addresses: value } : record(value);
    const addresses = strings(fields['addresses']);
    for (const address of addresses) {
      if (!address.includes('/') || !parseCidr(address)) {
        complaints.push(`${host.name}: interfaces: ${name}: expected address/prefix, not ${address}`);
      }
    }
    const network =
      typeof fields['network'] === 'string' ? fields['network'] : networkOf(addresses[0], host.vars);
    if (network === undefined)
      complaints.push(`${host.name}: interfaces: ${name}: say its network or an address`);
    return { name, network: network ?? '', addresses };
  });
  const login = loginInterface(host, nics, complaints);
  return login ? [login, ...nics] : nics;
}

/** The NIC for an `ansible_host` that no described NIC has; undefined if one has it. */
function loginInterface(
  host: InventoryHost,
  nics: readonly LabInterface[],
  complaints: string[],
): LabInterface | undefined {
  const text = host.vars['ansible_host'];
  const login = typeof text === 'string' ? parseIp(text) : undefined;
  if (!login) {
    if (text === undefined && nics.length > 0) return undefined;
    complaints.push(`${host.name}: ansible_host must be an IP address for the lab, not ${shown(text)}`);
    return undefined;
  }
  const has = nics.some(nic => nic.addresses.some(address => sameHost(address, formatIp(login))));
  if (has) return undefined;
  const taken = new Set(nics.map(nic => nic.name));
  let number = 0;
  while (taken.has(`eth${number}`)) number += 1;
  const address = `${formatIp(login)}/${ASSUMED_PREFIX[login.length === 4 ? 4 : 6]}`;
  return { name: `eth${number}`, network: networkOf(address, host.vars) ?? '', addresses: [address] };
}

function sameHost(address: string, host: string): boolean {
  const cidr = parseCidr(address);
  return cidr !== undefined && formatIp(cidr.address) === host;
}

/** The network of `networks` that has a subnet with this address, or the address's own subnet. */
function networkOf(address: string | undefined, vars: Vars): string | undefined {
  const cidr = address === undefined ? undefined : parseCidr(address);
  if (!cidr) return undefined;
  for (const [name, network] of Object.entries(record(vars['networks']))) {
    const subnets = strings(record(network)['subnets']).flatMap(subnet => parseCidr(subnet) ?? []);
    if (subnets.some(subnet => cidrContains(subnet, cidr.address))) return name;
  }
  return formatCidr(subnetOf(cidr));
}

function networkNamed(name: string, vars: Vars): LabNetwork {
  const snooping = record(record(vars['networks'])[name])['snooping'] === true;
  return snooping ? { name, snooping } : { name };
}

function settingsOf(host: InventoryHost, complaints: string[]): Partial<LabHost> {
  const lab = record(host.vars['lab']);
  const image = lab['image'];
  if (image !== undefined && !(typeof image === 'string' && RELEASES.includes(image))) {
    complaints.push(`${host.name}: lab: image: expected one of ${RELEASES.join(', ')}, not ${shown(image)}`);
  }
  const firewall = lab['firewall'];
  if (firewall !== undefined && firewall !== 'none' && firewall !== 'nftables-drop') {
    complaints.push(`${host.name}: lab: firewall: expected none or nftables-drop, not ${shown(firewall)}`);
  }
  const named = strings(lab['layers']);
  for (const layer of named.filter(name => !LAYER_NAMES.some(known => known === name))) {
    complaints.push(`${host.name}: lab: layers: no layer ${layer} (there are: ${LAYER_NAMES.join(', ')})`);
  }
  const wanted = new Set(host.vars['vrrp_daemon'] === 'keepalived' ? [...named, 'keepalived'] : named);
  const layers: LayerName[] = LAYER_NAMES.filter(name => wanted.has(name));
  return {
    ...(image === undefined ? {} : { image: image as Release }),
    ...(firewall === 'nftables-drop' ? { firewall } : {}),
    layers,
  };
}

/** In each subnet of each network the highest address that nobody has. */
function controllerAddresses(
  networks: readonly LabNetwork[],
  hosts: readonly LabHost[],
  reserved: readonly string[],
): Record<string, string[]> {
  const nics = hosts.flatMap(host => host.interfaces);
  const taken = new Set(
    [...nics.flatMap(nic => nic.addresses), ...reserved].flatMap(text => plainAddress(text)),
  );
  return Object.fromEntries(
    networks.map(({ name }) => {
      const addresses = nics.filter(nic => nic.network === name).flatMap(nic => nic.addresses);
      const subnets = new Map(
        addresses
          .flatMap(text => parseCidr(text) ?? [])
          .map(cidr => [formatCidr(subnetOf(cidr)), subnetOf(cidr)]),
      );
      return [name, [...subnets.values()].flatMap(subnet => highestFree(subnet, taken) ?? [])];
    }),
  );
}

function plainAddress(text: string): string[] {
  const cidr = parseCidr(text);
  return cidr ? [formatIp(cidr.address)] : [];
}

function subnetOf(cidr: Cidr): Cidr {
  const address = cidr.address.map((byte, index) => byte & maskByte(cidr.prefix, index));
  return { address, prefix: cidr.prefix };
}

/** Undefined when the subnet is full; the first and the last address are no host's (RFC 1122 §3.2.1.3). */
function highestFree(subnet: Cidr, taken: ReadonlySet<string>): string | undefined {
  const candidate = subnet.address.map((byte, index) => byte | (~maskByte(subnet.prefix, index) & 0xff));
  for (;;) {
    decrement(candidate);
    const text = formatIp(candidate);
    if (!cidrContains(subnet, candidate) || text === formatIp(subnet.address)) return undefined;
    if (!taken.has(text)) return `${text}/${subnet.prefix}`;
  }
}

/** The bits of byte `index` that a prefix covers. */
function maskByte(prefix: number, index: number): number {
  const bits = Math.min(8, Math.max(0, prefix - index * 8));
  return (0xff << (8 - bits)) & 0xff;
}

function decrement(address: Uint8Array): void {
  for (let index = address.length - 1; index >= 0; index--) {
    const byte = address[index] ?? 0;
    address[index] = (byte + 0xff) & 0xff;
    if (byte > 0) return;
  }
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : {};
}

/** A list of strings, or one alone. */
function strings(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  return Array.isArray(value) ? value.filter(item => typeof item === 'string') : [];
}

function shown(value: unknown): string {
  if (value === undefined) return 'absent';
  return typeof value === 'string' ? value : JSON.stringify(value);
}
