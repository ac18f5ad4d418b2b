import { createHash } from 'node:crypto';
import { must } from '#base/assert.ts';
import type { LabHost, LabInterface, LabSpec } from './spec.ts';

/** Where the state of running labs is: one directory, a private tmpfs, per lab. */
export const LABS_DIRECTORY = '/run/tandem-lab';

/** The files and kernel objects of one lab. Everything that exists has its path or name from here. */
export interface LabPaths {
  /** Mount point of the lab's tmpfs, on which all else is. */
  readonly directory: string;
  readonly stateFile: string;
  readonly faultsFile: string;
  readonly scripts: string;
  readonly switchNamespace: string;
  readonly controllerNamespace: string;
  /** The machine's cgroup of the lab; hosts and {@link toolsCgroup} are below it. */
  readonly cgroup: string;
  readonly toolsCgroup: string;
}

/** @param cgroupRoot where cgroup2 is mounted on this machine. */
export function labPaths(name: string, cgroupRoot: string): LabPaths {
  const directory = `${LABS_DIRECTORY}/${name}`;
  const cgroup = `${cgroupRoot}/tandem-lab-${name}`;
  return {
    directory,
    stateFile: `${directory}/lab.json`,
    faultsFile: `${directory}/faults.json`,
    scripts: `${directory}/scripts`,
    switchNamespace: `${directory}/switch.netns`,
    controllerNamespace: `${directory}/controller.netns`,
    cgroup,
    toolsCgroup: `${cgroup}/tools`,
  };
}

/** The files of one host: `pid`, `exit`, `console.log`, `upper`, … are in {@link directory}. */
export interface HostPaths {
  readonly index: number;
  readonly directory: string;
  readonly upper: string;
  readonly cgroup: string;
}

export function hostPaths(lab: LabPaths, spec: LabSpec, name: string): HostPaths {
  const index = spec.hosts.findIndex(host => host.name === name);
  const directory = `${lab.directory}/hosts/h${index}`;
  return { index, directory, upper: `${directory}/upper`, cgroup: `${lab.cgroup}/h${index}` };
}

/** A NIC with the name of its port in the switch. Bridges are `br0`…, ports `p<host>n<nic>`, the controller's `c0`…. */
export interface Port {
  readonly host: string;
  readonly nic: LabInterface;
  readonly port: string;
  readonly bridge: string;
}

export function bridgeOf(spec: LabSpec, network: string): string {
  return `br${spec.networks.findIndex(({ name }) => name === network)}`;
}

export function portsOf(spec: LabSpec): Port[] {
  return spec.hosts.flatMap((host, hostIndex) =>
    host.interfaces.map((nic, nicIndex) => ({
      host: host.name,
      nic,
      port: `p${hostIndex}n${nicIndex}`,
      bridge: bridgeOf(spec, nic.network),
    })),
  );
}

/** The MAC of a NIC: as given, or one that stays the same whenever this host of this lab is made. */
export function macOf(spec: LabSpec, host: LabHost, nic: LabInterface): string {
  return nic.mac ?? derivedMac(`${spec.name}/${host.name}/${nic.name}`);
}

/** A locally administered unicast MAC (IEEE 802, second-least bit of the first octet set) that `seed` determines. */
export function derivedMac(seed: string): string {
  const digest = createHash('sha256').update(seed).digest();
  return [0x02, ...digest.subarray(0, 5)].map(byte => byte.toString(16).padStart(2, '0')).join(':');
}

/** A UUID-shaped machine id (machine-id(5): 32 hex digits) that `seed` determines. */
export function derivedMachineId(seed: string): string {
  return createHash('sha256').update(seed).digest('hex').slice(0, 32);
}

export function hostNamed(spec: LabSpec, name: string): LabHost | undefined {
  return spec.hosts.find(host => host.name === name);
}

/** First address of a host, without prefix: the one that ssh uses. */
export function loginAddressOf(host: LabHost): string | undefined {
  const first = host.interfaces.flatMap(nic => nic.addresses)[0];
  return first === undefined ? undefined : must(first.split('/')[0], 'split yields one part at least');
}
