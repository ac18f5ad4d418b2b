import { writeFile } from 'node:fs/promises';
import { must0 } from './command.ts';
import { applyFaults, NO_FAULTS } from './faults.ts';
import { bridgeOf, derivedMac, type LabPaths } from './layout.ts';
import type { LabSpec } from './spec.ts';

/** Quiet in a namespace that only forwards: no IPv6 of its own, and no detour of frames through iptables. */
const QUIET = `set -eu
for file in /proc/sys/net/ipv6/conf/all/disable_ipv6 /proc/sys/net/ipv6/conf/default/disable_ipv6; do
  [ ! -e "$file" ] || echo 1 >"$file"
done
for file in /proc/sys/net/bridge/bridge-nf-call-*; do [ ! -e "$file" ] || echo 0 >"$file"; done
`;

/** Makes the switch's namespace with one bridge per network, and the controller's with a NIC on each. */
export async function makeNetworks(paths: LabPaths, spec: LabSpec): Promise<void> {
  for (const namespace of [paths.switchNamespace, paths.controllerNamespace]) {
    await writeFile(namespace, '');
    await must0(['unshare', `--net=${namespace}`, 'true']);
  }
  const inSwitch = ['nsenter', `--net=${paths.switchNamespace}`];
  const inController = ['nsenter', `--net=${paths.controllerNamespace}`];
  // Bridges first: the controller's ports go into them.
  await must0([...inSwitch, 'sh', '-c', QUIET]);
  await must0([...inSwitch, 'ip', '-batch', '-'], { stdin: batch(bridgeLines(spec)) });
  await must0([...inController, 'ip', '-batch', '-'], { stdin: batch(controllerLines(paths, spec)) });
  await must0([...inSwitch, 'ip', '-batch', '-'], { stdin: batch(controllerPortLines(spec)) });
  await applyFaults(paths, spec, NO_FAULTS);
}

export function batch(lines: readonly string[]): string {
  return lines.map(line => `${line}\n`).join('');
}

/** `ip -batch` lines that give a NIC its addresses. Duplicate address detection would only cost a second. */
export function addressLines(nic: string, addresses: readonly string[]): string[] {
  return addresses.map(address =>
    address.includes(':') ? `addr add ${address} dev ${nic} nodad` : `addr add ${address} brd + dev ${nic}`,
  );
}

function bridgeLines(spec: LabSpec): string[] {
  return spec.networks.flatMap(network => {
    const bridge = bridgeOf(spec, network.name);
    const mac = derivedMac(`${spec.name}/switch/${network.name}`);
    const snooping = network.snooping === true ? 1 : 0;
    return [
      `link add name ${bridge} address ${mac} type bridge stp_state 0 forward_delay 0 mcast_snooping ${snooping}`,
      `link set ${bridge} up`,
    ];
  });
}

function controllerLines(paths: LabPaths, spec: LabSpec): string[] {
  const nics = spec.networks.flatMap((network, index) => {
    const mac = derivedMac(`${spec.name}/controller/${network.name}`);
    return [
      `link add name eth${index} address ${mac} type veth peer name c${index} netns ${paths.switchNamespace}`,
      ...addressLines(`eth${index}`, spec.controller.addresses[network.name] ?? []),
      `link set eth${index} up`,
    ];
  });
  return ['link set lo up', ...nics];
}

function controllerPortLines(spec: LabSpec): string[] {
  return spec.networks.flatMap((network, index) => [
    `link set c${index} master ${bridgeOf(spec, network.name)}`,
    `link set c${index} up`,
  ]);
}
