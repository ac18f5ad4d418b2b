import { readFile } from 'node:fs/promises';
import { must0 } from './command.ts';
import { LabError } from './lab-error.ts';
import { portsOf, type LabPaths, type Port } from './layout.ts';
import type { LabSpec } from './spec.ts';
import { writeJson } from './state.ts';

/** What is broken on purpose. Kept in a file, since a host that boots again finds its cable as it was. */
export interface Faults {
  /** By port of the switch. */
  readonly cables: Readonly<Record<string, 'cut' | 'silent'>>;
  /** Percent, by port. */
  readonly loss: Readonly<Record<string, number>>;
  readonly partitions: readonly (readonly [readonly string[], readonly string[]])[];
}

export const NO_FAULTS: Faults = { cables: {}, loss: {}, partitions: [] };

export async function readFaults(paths: LabPaths): Promise<Faults> {
  try {
    return JSON.parse(await readFile(paths.faultsFile, 'utf8')) as Faults;
  } catch {
    return NO_FAULTS;
  }
}

/** Makes the switch obey `faults`, then records them. */
export async function applyFaults(paths: LabPaths, spec: LabSpec, faults: Faults): Promise<void> {
  const inSwitch = ['nsenter', `--net=${paths.switchNamespace}`];
  await must0([...inSwitch, 'nft', '-f', '-'], { stdin: renderRuleset(spec, faults) });
  await writeJson(paths.faultsFile, faults);
}

/**
 * `ip -batch` lines that bring a port into its state. `down` gives the host NO-CARRIER; without a master the port
 * is up and forwards nothing.
 */
export function cableLines(port: Port, faults: Faults): string[] {
  const fault = faults.cables[port.port];
  return [
    `link set ${port.port} ${fault === 'silent' ? 'nomaster' : `master ${port.bridge}`}`,
    `link set ${port.port} ${fault === 'cut' ? 'down' : 'up'}`,
  ];
}

/**
 * The switch's nftables(8) ruleset, replaced as a whole. On a snooping network IPv4 groups outside 224.0.0.0/24
 * (RFC 4541 §2.1.2: those always flood) reach nobody, as when memberships have aged out for want of a querier; the
 * bridge's own snooping would flood them in that case.
 */
export function renderRuleset(spec: LabSpec, faults: Faults): string {
  const ports = portsOf(spec);
  const rules = [
    ...faults.partitions.flatMap(([one, other]) =>
      between(portsOfHosts(ports, one), portsOfHosts(ports, other)),
    ),
    ...Object.entries(faults.loss).flatMap(([port, percent]) => lossRules(port, percent)),
    ...spec.networks
      .filter(network => network.snooping === true)
      .flatMap(network => snoopingRule(ports.filter(({ nic }) => nic.network === network.name))),
  ];
  const chain = ['type filter hook forward priority filter; policy accept;', ...rules];
  return [
    'table bridge tandem',
    'delete table bridge tandem',
    'table bridge tandem {',
    '  chain forward {',
    ...chain.map(line => `    ${line}`),
    '  }',
    '}',
    '',
  ].join('\n');
}

/** The port of a NIC. @throws {LabError} when there is no such host or NIC. */
export function portNamed(spec: LabSpec, host: string, nic: string): Port {
  const ports = portsOf(spec).filter(port => port.host === host);
  const found = ports.find(port => port.nic.name === nic);
  if (found) return found;
  const known = ports.map(port => port.nic.name).join(', ') || 'none';
  throw new LabError(`lab ${spec.name}: ${host} has no NIC ${nic} (it has: ${known})`);
}

function portsOfHosts(ports: readonly Port[], hosts: readonly string[]): string[] {
  return ports.filter(({ host }) => hosts.includes(host)).map(({ port }) => port);
}

function between(one: readonly string[], other: readonly string[]): string[] {
  if (one.length === 0 || other.length === 0) return [];
  return [`iifname ${set(one)} oifname ${set(other)} drop`, `iifname ${set(other)} oifname ${set(one)} drop`];
}

function lossRules(port: string, percent: number): string[] {
  const lottery = percent < 100 ? `numgen random mod 10000 < ${Math.round(percent * 100)} drop` : 'drop';
  return [`iifname "${port}" ${lottery}`, `oifname "${port}" ${lottery}`];
}

function snoopingRule(ports: readonly Port[]): string[] {
  if (ports.length === 0) return [];
  const names = set(ports.map(({ port }) => port));
  return [`iifname ${names} ip daddr 224.0.0.0/4 ip daddr != 224.0.0.0/24 drop`];
}

function set(names: readonly string[]): string {
  return `{ ${names.map(name => `"${name}"`).join(', ')} }`;
}
