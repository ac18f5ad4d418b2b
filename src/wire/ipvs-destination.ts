import type { Family } from '#base/address.ts';
import type { Destination, DestinationKey, Forwarding, SeenDestination } from '#lvs/ports.ts';
import { AttributeIndex } from './attribute-index.ts';
import { GENERIC_HEADER_BYTES } from './genetlink.ts';
import { IPVS_ATTRIBUTE, nestedOf, parseTraffic, wideAddress } from './ipvs.ts';
import type { NetlinkWriter } from './netlink.ts';
import { AF_INET, AF_INET6, familyOfAf } from './rtnetlink.ts';

/** Destinations (`IPVS_CMD_ATTR_DEST`). */

const ATTRIBUTE = {
  address: 1,
  port: 2,
  method: 3,
  weight: 4,
  upperThreshold: 5,
  lowerThreshold: 6,
  activeConnections: 7,
  inactiveConnections: 8,
  persistentConnections: 9,
  family: 11,
  stats64: 12,
  tunnelType: 13,
  tunnelPort: 14,
  tunnelFlags: 15,
} as const;

/** `IP_VS_CONN_F_FWD_MASK` and its values. */
const METHOD = { NAT: 0, LOCAL: 1, TUN: 2, DR: 3, BYPASS: 4 } as const;
const METHOD_MASK = 7;
const TUNNEL = ['ipip', 'gue', 'gre'] as const;
const CHECKSUM = ['nocsum', 'csum', 'remcsum'] as const;

const index = new AttributeIndex(ATTRIBUTE.tunnelFlags);

/** Names a destination: enough to remove it. */
export function writeDestinationKey(writer: NetlinkWriter, key: DestinationKey): void {
  writer.nested(IPVS_ATTRIBUTE.destination, inner => writeKey(inner, key));
}

function writeKey(writer: NetlinkWriter, { address, port }: DestinationKey): void {
  writer
    .u16(ATTRIBUTE.family, address.length === 4 ? AF_INET : AF_INET6)
    .attribute(ATTRIBUTE.address, wideAddress(address))
    .u16be(ATTRIBUTE.port, port);
}

/** Everything that a new or changed destination needs. */
export function writeDestination(writer: NetlinkWriter, destination: Destination): void {
  const { forwarding } = destination;
  writer.nested(IPVS_ATTRIBUTE.destination, inner => {
    writeKey(inner, destination);
    inner
      .u32(ATTRIBUTE.method, METHOD[forwarding.method])
      .u32(ATTRIBUTE.weight, destination.weight)
      .u32(ATTRIBUTE.upperThreshold, destination.upperThreshold)
      .u32(ATTRIBUTE.lowerThreshold, destination.lowerThreshold);
    if (forwarding.method === 'TUN')
      inner
        .u8(ATTRIBUTE.tunnelType, TUNNEL.indexOf(forwarding.type))
        .u16be(ATTRIBUTE.tunnelPort, forwarding.port)
        .u16(ATTRIBUTE.tunnelFlags, CHECKSUM.indexOf(forwarding.checksum));
  });
}

/**
 * Reads the body of a destination's message; undefined if it has no address. `serviceFamily` is that of kernels which
 * do not say the destination's own (before 3.18).
 */
export function parseDestination(body: Uint8Array, serviceFamily: Family): SeenDestination | undefined {
  const nested = nestedOf(body, GENERIC_HEADER_BYTES, IPVS_ATTRIBUTE.destination);
  if (!nested) return undefined;
  const address = index.read(nested).view(ATTRIBUTE.address);
  if (!address) return undefined;
  const family = familyOfAf(index.u16(ATTRIBUTE.family) ?? 0) ?? serviceFamily;
  return {
    address: address.slice(0, family === 4 ? 4 : 16),
    port: index.u16be(ATTRIBUTE.port) ?? 0,
    forwarding: parseForwarding(index),
    weight: index.u32(ATTRIBUTE.weight) ?? 0,
    upperThreshold: index.u32(ATTRIBUTE.upperThreshold) ?? 0,
    lowerThreshold: index.u32(ATTRIBUTE.lowerThreshold) ?? 0,
    activeConnections: index.u32(ATTRIBUTE.activeConnections) ?? 0,
    inactiveConnections: index.u32(ATTRIBUTE.inactiveConnections) ?? 0,
    persistentConnections: index.u32(ATTRIBUTE.persistentConnections) ?? 0,
    traffic: parseTraffic(index.view(ATTRIBUTE.stats64)),
  };
}

function parseForwarding(found: AttributeIndex): Forwarding {
  switch ((found.u32(ATTRIBUTE.method) ?? 0) & METHOD_MASK) {
    case METHOD.TUN:
      return {
        method: 'TUN',
        type: TUNNEL[found.u8(ATTRIBUTE.tunnelType) ?? 0] ?? 'ipip',
        port: found.u16be(ATTRIBUTE.tunnelPort) ?? 0,
        checksum: CHECKSUM[found.u16(ATTRIBUTE.tunnelFlags) ?? 0] ?? 'nocsum',
      };
    case METHOD.DR:
      return { method: 'DR' };
    case METHOD.LOCAL:
      return { method: 'LOCAL' };
    case METHOD.BYPASS:
      return { method: 'BYPASS' };
    default:
      return { method: 'NAT' };
  }
}
