/** The kernel's IPVS table as /proc/net/ip_vs lists it, for a director whose daemon does not tell. Pure. */
import { formatIp } from '#base/address.ts';
import type { RealServerStatus, VirtualServerStatus } from '#control/server-status.ts';

type Real = RealServerStatus;

/** Virtual servers under tandemd's names. Who is in the table with a weight is up; counters of packets are not listed. */
export function virtualServersIn(listing: string): VirtualServerStatus[] {
  const found: { name: string; protocol: string; reals: Real[] }[] = [];
  for (const line of listing.split('\n')) {
    const [first = '', second = '', , weight = '', active = '', inactive = ''] = line.trim().split(/\s+/);
    const last = found.at(-1);
    if (/^(?:TCP|UDP|SCTP)$/.test(first))
      found.push({ name: labelOf(second, first), protocol: first, reals: [] });
    else if (first === 'FWM') found.push({ name: `FWM ${parseInt(second, 16)}`, protocol: 'TCP', reals: [] });
    else if (first === '->' && last && /^\d+$/.test(weight))
      last.reals.push(
        realOf(labelOf(second, last.protocol), Number(weight), Number(active), Number(inactive)),
      );
  }
  return found.map(({ name, protocol, reals }) => {
    const liveWeight = reals.reduce((sum, real) => sum + real.weight, 0);
    return {
      name,
      protocol,
      quorate: liveWeight > 0,
      liveWeight,
      quorum: 1,
      sorry: false,
      suspended: false,
      inKernel: true,
      draining: [],
      traffic: NO_TRAFFIC,
      realServers: reals,
    };
  });
}

const NO_TRAFFIC = { connections: 0, packetsIn: 0, packetsOut: 0, bytesIn: 0, bytesOut: 0 } as const;

function realOf(name: string, weight: number, active: number, inactive: number): Real {
  const counts = { activeConnections: active, inactiveConnections: inactive };
  // A packet of a closing connection leaves no trace here but in how many there are.
  const traffic = { ...NO_TRAFFIC, packetsIn: inactive };
  return { name, up: weight > 0, weight, weightInKernel: weight, ...counts, traffic, checkers: [] };
}

/** `0A100864:0050`, `[fd00:0016:…:0100]:0050`: hexadecimal, as the kernel prints them. */
function labelOf(endpoint: string, protocol: string): string {
  const colon = endpoint.lastIndexOf(':');
  const port = parseInt(endpoint.slice(colon + 1), 16);
  return `[${formatIp(bytesOf(endpoint.slice(0, colon)))}]:${protocol.toLowerCase()}:${port}`;
}

function bytesOf(address: string): Uint8Array {
  const hex = address.replaceAll(/[^0-9a-fA-F]/g, '');
  return Uint8Array.from(hex.match(/../g) ?? [], pair => parseInt(pair, 16));
}
