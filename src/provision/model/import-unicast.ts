/** The unicast addresses of a virtual router's nodes, from what its members say of each other. */
import { formatIp, parseIp } from '#base/address.ts';
import type { ImportedInstance } from './import-types.ts';

interface Member {
  readonly host: string;
  readonly instance: ImportedInstance;
}

/**
 * Host → address where every node's peers are exactly the other nodes; undefined with multicast, with peers that are
 * none of the hosts. An address that no `unicast_src_ip` names is the
 * one that all the other nodes call their peer.
 */
export function unicastAddresses(members: readonly Member[]): Readonly<Record<string, string>> | undefined {
  const nodes = members.map(({ host, instance }) => ({
    host,
    peers: peersOf(instance),
    source:
      typeof instance.words['unicast_src_ip'] === 'string' ? instance.words['unicast_src_ip'] : undefined,
  }));
  if (nodes.some(({ peers }) => peers === undefined || peers.length === 0)) return undefined;
  const known = new Set(
    nodes.flatMap(({ peers, source }) => [...(peers ?? []), ...(source ? [canonical(source)] : [])]),
  );
  const addresses = new Map<string, string>();
  for (const { host, peers, source } of nodes) {
    const missing = [...known].filter(address => !peers?.includes(address));
    const own = source === undefined ? missing : [canonical(source)];
    if (own.length !== 1 || own[0] === undefined) return undefined;
    addresses.set(host, own[0]);
  }
  const complete = nodes.every(({ host, peers = [] }) => {
    const others = [...addresses].filter(([name]) => name !== host).map(([, address]) => address);
    return peers.length === others.length && others.every(address => peers.includes(address));
  });
  return complete ? Object.fromEntries(addresses) : undefined;
}

/** Some line says more than an address: `min_ttl`, `max_ttl`. */
export function hasPeerOptions({ words }: ImportedInstance): boolean {
  const lines = words['unicast_peer'];
  return Array.isArray(lines) && lines.some(line => /\s/.test(String(line).trim()));
}

/** undefined if a line is no address. */
function peersOf(instance: ImportedInstance): readonly string[] | undefined {
  const lines = instance.words['unicast_peer'];
  if (!Array.isArray(lines)) return undefined;
  const peers = lines.map(line => String(line).trim().split(/\s/)[0] ?? '');
  return peers.every(peer => parseIp(peer)) ? peers.map(canonical) : undefined;
}

function canonical(text: string): string {
  const address = parseIp(text);
  return address ? formatIp(address) : text;
}
