import type { Service, ServiceKey, Traffic, Transport } from '#lvs/ports.ts';
import { AttributeIndex } from './attribute-index.ts';
import { GENERIC_HEADER_BYTES } from './genetlink.ts';
import { IPVS_ATTRIBUTE, nestedOf, parseTraffic, wideAddress } from './ipvs.ts';
import { layout, u32host, viewOf } from './layout.ts';
import type { NetlinkWriter } from './netlink.ts';
import { afOf, familyOfAf } from './rtnetlink.ts';

/** Services (`IPVS_CMD_ATTR_SERVICE`). */

const ATTRIBUTE = {
  family: 1,
  protocol: 2,
  address: 3,
  port: 4,
  fwmark: 5,
  scheduler: 6,
  flags: 7,
  timeout: 8,
  netmask: 9,
  engine: 11,
  stats64: 12,
} as const;

const PROTOCOL: Readonly<Record<Transport, number>> = { TCP: 6, UDP: 17, SCTP: 132 };

const FLAG = {
  persistent: 0x1,
  onePacket: 0x4,
  scheduler1: 0x8,
  scheduler2: 0x10,
  scheduler3: 0x20,
} as const;
const ALL_FLAGS = Object.values(FLAG).reduce((all, flag) => all | flag, 0);

/** `struct ip_vs_flags`: only the bits of `mask` are changed. */
const serviceFlags = layout({ flags: u32host, mask: u32host });

const index = new AttributeIndex(ATTRIBUTE.stats64);

/** Names a service: enough to remove it, to list its destinations and to change them. */
export function writeServiceKey(writer: NetlinkWriter, key: ServiceKey): void {
  writer.nested(IPVS_ATTRIBUTE.service, inner => writeKey(inner, key));
}

function writeKey(writer: NetlinkWriter, key: ServiceKey): void {
  writer.u16(ATTRIBUTE.family, afOf(key.family));
  if (key.kind === 'fwmark') {
    writer.u32(ATTRIBUTE.fwmark, key.fwmark);
    return;
  }
  writer
    .u16(ATTRIBUTE.protocol, PROTOCOL[key.transport])
    .attribute(ATTRIBUTE.address, wideAddress(key.address))
    .u16be(ATTRIBUTE.port, key.port);
}

/** Everything that a new or changed service needs. */
export function writeService(writer: NetlinkWriter, service: Service): void {
  const flags =
    (service.persistenceTimeoutS > 0 ? FLAG.persistent : 0) |
    (service.onePacket ? FLAG.onePacket : 0) |
    (service.scheduler1 ? FLAG.scheduler1 : 0) |
    (service.scheduler2 ? FLAG.scheduler2 : 0) |
    (service.scheduler3 ? FLAG.scheduler3 : 0);
  writer.nested(IPVS_ATTRIBUTE.service, inner => {
    writeKey(inner, service.key);
    inner
      .text(ATTRIBUTE.scheduler, service.scheduler)
      .text(ATTRIBUTE.engine, service.persistenceEngine)
      .attribute(ATTRIBUTE.flags, serviceFlags.encode({ flags, mask: ALL_FLAGS }))
      .u32(ATTRIBUTE.timeout, service.persistenceTimeoutS);
    // IPv6 has a prefix length here, IPv4 a mask in network byte order.
    if (service.key.family === 6) inner.u32(ATTRIBUTE.netmask, service.persistencePrefix);
    else inner.attribute(ATTRIBUTE.netmask, maskOf(service.persistencePrefix));
  });
}

/** Reads the body of a service's message; undefined for a protocol or family that is not ours to manage. */
export function parseService(body: Uint8Array): (Service & { readonly traffic: Traffic }) | undefined {
  const nested = nestedOf(body, GENERIC_HEADER_BYTES, IPVS_ATTRIBUTE.service);
  const key = nested && parseKey(index.read(nested));
  if (!key) return undefined;
  const head = index.view(ATTRIBUTE.flags);
  const flags = (head && serviceFlags.decode(viewOf(head))?.flags) ?? 0;
  const mask = index.view(ATTRIBUTE.netmask);
  return {
    key,
    scheduler: index.text(ATTRIBUTE.scheduler) ?? '',
    persistenceTimeoutS: flags & FLAG.persistent ? (index.u32(ATTRIBUTE.timeout) ?? 0) : 0,
    persistencePrefix: key.family === 6 ? (index.u32(ATTRIBUTE.netmask) ?? 128) : prefixOf(mask),
    persistenceEngine: index.text(ATTRIBUTE.engine) || undefined,
    onePacket: (flags & FLAG.onePacket) !== 0,
    scheduler1: (flags & FLAG.scheduler1) !== 0,
    scheduler2: (flags & FLAG.scheduler2) !== 0,
    scheduler3: (flags & FLAG.scheduler3) !== 0,
    traffic: parseTraffic(index.view(ATTRIBUTE.stats64)),
  };
}

function parseKey(found: AttributeIndex): ServiceKey | undefined {
  const family = familyOfAf(found.u16(ATTRIBUTE.family) ?? 0);
  if (!family) return undefined;
  const fwmark = found.u32(ATTRIBUTE.fwmark);
  if (fwmark !== undefined) return { kind: 'fwmark', family, fwmark };
  const number = found.u16(ATTRIBUTE.protocol);
  const transport = (Object.keys(PROTOCOL) as Transport[]).find(name => PROTOCOL[name] === number);
  const address = found.view(ATTRIBUTE.address)?.slice(0, family === 4 ? 4 : 16);
  if (!transport || !address) return undefined;
  return { kind: 'address', family, transport, address, port: found.u16be(ATTRIBUTE.port) ?? 0 };
}

function maskOf(prefix: number): Uint8Array {
  return Uint8Array.from({ length: 4 }, (_, i) => 0xff00 >> Math.min(8, Math.max(0, prefix - 8 * i)));
}

/** The leading ones of an IPv4 mask. */
function prefixOf(mask: Uint8Array | undefined): number {
  if (mask?.length !== 4) return 32;
  return Math.clz32(
    ~(((mask[0] ?? 0) << 24) | ((mask[1] ?? 0) << 16) | ((mask[2] ?? 0) << 8) | (mask[3] ?? 0)),
  );
}
