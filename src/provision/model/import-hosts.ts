/** Hosts of an inventory that serve behind imported directors. */
import { formatCidr, formatIp } from '#base/address.ts';
import { knownAddresses, readHost } from './derive-interfaces.ts';
import type { HostKnowledge, ImportedRealServers } from './import-types.ts';
import type { Inventory, Group } from './inventory-types.ts';
import { Report } from './topology-rules.ts';
import { hostVariables } from './variables.ts';

/**
 * The hosts of a group by their addresses, with the interfaces that their inventory gives them. `connection` says how a
 * host is reached, without secrets.
 */
export function realServersOf(
  inventory: Inventory,
  { name, hosts }: Group,
  connection: (host: string) => HostKnowledge['variables'],
): ImportedRealServers {
  const byAddress = new Map<string, string>();
  const knowledge = new Map(
    hosts.map(host => {
      const facts = readHost(host, hostVariables(inventory, host), new Report());
      for (const address of [...knownAddresses(facts), ...facts.realServerAddresses])
        byAddress.set(formatIp(address), host);
      const interfaces =
        facts.interfaces &&
        Object.fromEntries([...facts.interfaces].map(([nic, one]) => [nic, one.addresses.map(formatCidr)]));
      const [first] = facts.realServerAddresses;
      const variables = {
        ...connection(host),
        ...(first ? { real_server_address: formatIp(first) } : {}),
      };
      return [host, { variables, ...(interfaces ? { interfaces } : {}) }] as const;
    }),
  );
  return { group: name, byAddress, knowledge };
}
