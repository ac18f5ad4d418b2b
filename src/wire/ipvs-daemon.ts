import type { SyncDaemon, Timeouts } from '#lvs/ports.ts';
import { AttributeIndex } from './attribute-index.ts';
import { GENERIC_HEADER_BYTES } from './genetlink.ts';
import { IPVS_ATTRIBUTE, nestedOf } from './ipvs.ts';
import type { NetlinkWriter } from './netlink.ts';

/** Synchronisation daemons (`IPVS_CMD_ATTR_DAEMON`) and timeouts. */

const ATTRIBUTE = {
  state: 1,
  interfaceName: 2,
  syncId: 3,
  maxLength: 4,
  group4: 5,
  group6: 6,
  port: 7,
  ttl: 8,
} as const;

/** `IP_VS_STATE_*`. */
const STATE = { master: 1, backup: 2 } as const;

const index = new AttributeIndex(ATTRIBUTE.ttl);

/** What starting a daemon needs. */
export function writeDaemon(writer: NetlinkWriter, daemon: SyncDaemon): void {
  const { group } = daemon;
  writer.nested(IPVS_ATTRIBUTE.daemon, inner =>
    inner
      .u32(ATTRIBUTE.state, STATE[daemon.role])
      .text(ATTRIBUTE.interfaceName, daemon.interfaceName)
      .u32(ATTRIBUTE.syncId, daemon.syncId)
      .u16(ATTRIBUTE.maxLength, daemon.maxLength)
      .attribute(ATTRIBUTE.group4, group?.length === 4 ? group : undefined)
      .attribute(ATTRIBUTE.group6, group?.length === 16 ? group : undefined)
      .u16(ATTRIBUTE.port, daemon.port)
      .u8(ATTRIBUTE.ttl, daemon.ttl),
  );
}

/** What stopping a daemon needs. */
export function writeDaemonRole(writer: NetlinkWriter, role: SyncDaemon['role']): void {
  writer.nested(IPVS_ATTRIBUTE.daemon, inner => inner.u32(ATTRIBUTE.state, STATE[role]));
}

/** Reads the body of a daemon's message; undefined if it is none. */
export function parseDaemon(body: Uint8Array): SyncDaemon | undefined {
  const nested = nestedOf(body, GENERIC_HEADER_BYTES, IPVS_ATTRIBUTE.daemon);
  if (!nested) return undefined;
  const state = index.read(nested).u32(ATTRIBUTE.state);
  if (state !== STATE.master && state !== STATE.backup) return undefined;
  return {
    role: state === STATE.master ? 'master' : 'backup',
    interfaceName: index.text(ATTRIBUTE.interfaceName) ?? '',
    syncId: index.u32(ATTRIBUTE.syncId) ?? 0,
    maxLength: index.u16(ATTRIBUTE.maxLength),
    port: index.u16(ATTRIBUTE.port),
    ttl: index.u8(ATTRIBUTE.ttl),
    group: (index.view(ATTRIBUTE.group4) ?? index.view(ATTRIBUTE.group6))?.slice(),
  };
}

/** Timeouts; those that are undefined stay as they are. */
export function writeTimeouts(writer: NetlinkWriter, timeouts: Timeouts): void {
  writer
    .u32(IPVS_ATTRIBUTE.timeoutTcp, timeouts.tcpS)
    .u32(IPVS_ATTRIBUTE.timeoutTcpFin, timeouts.tcpFinS)
    .u32(IPVS_ATTRIBUTE.timeoutUdp, timeouts.udpS);
}
