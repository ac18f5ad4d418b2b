import { parseCidr } from '#base/address.ts';
import { LabError } from './lab-error.ts';
import type { LabHost, LabInterface, LabSpec } from './spec.ts';

/**
 * Refuses a spec that cannot become a lab. What passes is safe to put into batch files and file names.
 *
 * @throws {LabError} with every complaint, one per line.
 */
export function checkSpec(spec: LabSpec): void {
  const complaints = [...complaintsOf(spec)];
  if (complaints.length > 0) throw new LabError(`lab ${spec.name}:\n${complaints.join('\n')}`);
}

/** @throws {LabError} unless `name` can be a lab's: it becomes part of paths. */
export function checkLabName(name: string): void {
  if (!LAB_NAME.test(name)) throw new LabError(`a lab's name is 1–32 of a-z, 0-9 and -, not ${name}`);
}

const LAB_NAME = /^[a-z0-9][a-z0-9-]{0,31}$/;
const HOST_NAME = /^[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?(\.[a-zA-Z0-9-]{1,63})*$/;
const NETWORK_NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.:/-]{0,62}$/;
const NIC_NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,14}$/;
const UNICAST_MAC = /^[0-9a-f][02468ace](:[0-9a-f]{2}){5}$/;

function* complaintsOf(spec: LabSpec): Iterable<string> {
  if (!LAB_NAME.test(spec.name)) yield `a lab's name is 1–32 of a-z, 0-9 and -, not ${spec.name}`;
  const networks = spec.networks.map(network => network.name);
  for (const name of networks) if (!NETWORK_NAME.test(name)) yield `${name} cannot name a network`;
  yield* twice('network', networks);
  yield* twice(
    'host',
    spec.hosts.map(host => host.name),
  );
  for (const [network, addresses] of Object.entries(spec.controller.addresses)) {
    if (!networks.includes(network))
      yield `controller: no network ${network} (there are: ${networks.join(', ')})`;
    yield* badAddresses('controller', addresses);
  }
  for (const host of spec.hosts) yield* hostComplaints(host, networks);
  const nics = spec.hosts.flatMap(host => host.interfaces);
  yield* twice(
    'MAC',
    nics.flatMap(nic => nic.mac ?? []),
  );
  yield* twice(
    'address',
    nics.flatMap(nic => nic.addresses.map(address => `${address} on ${nic.network}`)),
  );
}

function* hostComplaints(host: LabHost, networks: readonly string[]): Iterable<string> {
  if (!HOST_NAME.test(host.name)) yield `${host.name} cannot be a hostname`;
  if (host.name === 'controller') yield 'controller is the name of the lab’s own namespace, not of a host';
  yield* twice(
    `${host.name}: NIC`,
    host.interfaces.map(nic => nic.name),
  );
  for (const nic of host.interfaces) yield* nicComplaints(`${host.name}.${nic.name}`, nic, networks);
}

function* nicComplaints(where: string, nic: LabInterface, networks: readonly string[]): Iterable<string> {
  if (!NIC_NAME.test(nic.name) || nic.name === 'lo') yield `${where}: an interface name has 1–15 characters`;
  if (!networks.includes(nic.network))
    yield `${where}: no network ${nic.network} (there are: ${networks.join(', ')})`;
  if (nic.mac !== undefined && !UNICAST_MAC.test(nic.mac))
    yield `${where}: ${nic.mac} is no unicast MAC in lower case`;
  yield* badAddresses(where, nic.addresses);
}

function* badAddresses(where: string, addresses: readonly string[]): Iterable<string> {
  for (const address of addresses) {
    if (!address.includes('/') || !parseCidr(address))
      yield `${where}: expected address/prefix, not ${address}`;
  }
}

function* twice(what: string, names: readonly string[]): Iterable<string> {
  const seen = new Set<string>();
  for (const name of names) {
    if (seen.has(name)) yield `${what} ${name} is there twice`;
    seen.add(name);
  }
}
