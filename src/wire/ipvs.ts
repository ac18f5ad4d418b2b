import type { Traffic } from '#lvs/ports.ts';
import { AttributeIndex } from './attribute-index.ts';

/** IPVS over generic netlink (Linux `include/uapi/linux/ip_vs.h`): numbers that its structures share. */

export const IPVS_FAMILY = 'IPVS';
export const IPVS_VERSION = 1;

export const IPVS_CMD = {
  newService: 1,
  setService: 2,
  delService: 3,
  getService: 4,
  newDestination: 5,
  setDestination: 6,
  delDestination: 7,
  getDestination: 8,
  newDaemon: 9,
  delDaemon: 10,
  getDaemon: 11,
  setConfig: 12,
  zero: 16,
} as const;

/** First-level attributes (`IPVS_CMD_ATTR_*`). */
export const IPVS_ATTRIBUTE = {
  service: 1,
  destination: 2,
  daemon: 3,
  timeoutTcp: 4,
  timeoutTcpFin: 5,
  timeoutUdp: 6,
} as const;

const STATS = { connections: 1, packetsIn: 2, packetsOut: 3, bytesIn: 4, bytesOut: 5 } as const;

const top = new AttributeIndex(IPVS_ATTRIBUTE.timeoutUdp);
const stats = new AttributeIndex(STATS.bytesOut);

/** The attribute `type` of a message's body after its generic header; undefined if there is none. */
export function nestedOf(body: Uint8Array, headerBytes: number, type: number): Uint8Array | undefined {
  return top.read(body, headerBytes).view(type);
}

/** `IPVS_SVC_ATTR_STATS64` or `IPVS_DEST_ATTR_STATS64`; zeros for a kernel without them (before 4.1). */
export function parseTraffic(bytes: Uint8Array | undefined): Traffic {
  stats.read(bytes ?? new Uint8Array(0));
  return {
    connections: stats.u64(STATS.connections) ?? 0,
    packetsIn: stats.u64(STATS.packetsIn) ?? 0,
    packetsOut: stats.u64(STATS.packetsOut) ?? 0,
    bytesIn: stats.u64(STATS.bytesIn) ?? 0,
    bytesOut: stats.u64(STATS.bytesOut) ?? 0,
  };
}

/** An address as attributes carry it: 16 bytes, of which IPv4 uses the first four. */
export function wideAddress(address: Uint8Array): Uint8Array {
  const wide = new Uint8Array(16);
  wide.set(address);
  return wide;
}
