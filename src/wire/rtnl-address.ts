import { compareIp, type Family, familyOf } from '#base/address.ts';
import { layout, u32host, u8, viewOf } from './layout.ts';
import { bytesOf, type NetlinkWriter, numberOf, parseAttributes, textOf } from './netlink.ts';
import { afOf, familyOfAf, OUR_PROTOCOL } from './rtnetlink.ts';

/** IP addresses in rtnetlink: `struct ifaddrmsg` and its attributes (Linux `include/uapi/linux/if_addr.h`). */

const ifaddrmsg = layout({ family: u8, prefix: u8, flags: u8, scope: u8, ifindex: u32host });
const cacheInfo = layout({ preferredS: u32host, validS: u32host, createdAt: u32host, updatedAt: u32host });

const IFA = { address: 1, local: 2, label: 3, broadcast: 4, cacheInfo: 6, flags: 8, protocol: 11 } as const;
const IFA_F = {
  secondary: 0x01,
  noDad: 0x02,
  dadFailed: 0x08,
  deprecated: 0x20,
  tentative: 0x40,
  permanent: 0x80,
  noPrefixRoute: 0x200,
} as const;
const FOREVER = 0xffffffff;

/** `ip address`'s scopes by their numbers (`rt_scopes`). */
export const SCOPE = { global: 0, site: 200, link: 253, host: 254, nowhere: 255 } as const;

/** An IP address of an interface, as asked for. */
export interface AddressSpec {
  readonly ifindex: number;
  /** 4 or 16 bytes. */
  readonly address: Uint8Array;
  /** 0–32 or 0–128. */
  readonly prefix: number;
  /** `SCOPE`; IPv6 derives it from the address and ignores this. */
  readonly scope?: number;
  /** IPv4 only; at most 15 bytes, by convention `IFNAME:something`. */
  readonly label?: string;
  /** IPv4 broadcast address. */
  readonly broadcast?: Uint8Array;
  /** The other end of a point-to-point link; `prefix` is then that of the peer. */
  readonly peer?: Uint8Array;
  /** IPv6: usable at once, without duplicate address detection. */
  readonly noDad?: boolean;
  /** No route to the prefix is made (`noprefixroute`). */
  readonly noPrefixRoute?: boolean;
  /** 0 makes the address deprecated: it is never chosen as a source (keepalived: `preferred_lft 0`). Forever if absent. */
  readonly preferredLifetimeS?: number;
}

/** An IP address of an interface, as found. */
export interface Address {
  readonly ifindex: number;
  readonly family: Family;
  readonly address: Uint8Array;
  readonly prefix: number;
  readonly scope: number;
  /** IPv4's label; empty for IPv6. */
  readonly label: string;
  readonly broadcast: Uint8Array | undefined;
  readonly peer: Uint8Array | undefined;
  readonly secondary: boolean;
  /** IPv6: duplicate address detection is under way. */
  readonly tentative: boolean;
  readonly dadFailed: boolean;
  readonly deprecated: boolean;
  readonly permanent: boolean;
  /** True if it carries our mark (`IFA_PROTO`, Linux 5.18): a leftover of an earlier tandemd. */
  readonly ours: boolean;
}

/** The fixed part of a dump request; both families. */
export function addressDumpRequest(): Uint8Array {
  return ifaddrmsg.encode({ family: 0, prefix: 0, flags: 0, scope: 0, ifindex: 0 });
}

/** Writes the body of RTM_NEWADDR, with our mark. Kernels before 5.18 ignore the mark. */
export function writeAddress(writer: NetlinkWriter, spec: AddressSpec): void {
  const flags = (spec.noDad ? IFA_F.noDad : 0) | (spec.noPrefixRoute ? IFA_F.noPrefixRoute : 0);
  writeIdentity(writer, spec, flags);
  writer.text(IFA.label, spec.label).attribute(IFA.broadcast, spec.broadcast);
  if (flags) writer.u32(IFA.flags, flags);
  if (spec.preferredLifetimeS !== undefined)
    writer.attribute(
      IFA.cacheInfo,
      cacheInfo.encode({ preferredS: spec.preferredLifetimeS, validS: FOREVER, createdAt: 0, updatedAt: 0 }),
    );
  writer.u8(IFA.protocol, OUR_PROTOCOL);
}

/** Writes the body of RTM_DELADDR: what identifies the address, so that a changed label does not keep it. */
export function writeAddressRemoval(writer: NetlinkWriter, spec: AddressSpec): void {
  writeIdentity(writer, spec, 0);
}

function writeIdentity(writer: NetlinkWriter, spec: AddressSpec, flags: number): void {
  const head = {
    family: afOf(familyOf(spec.address)),
    prefix: spec.prefix,
    flags: flags & 0xff,
    scope: spec.scope ?? SCOPE.global,
    ifindex: spec.ifindex,
  };
  writer.struct(ifaddrmsg.encode(head));
  writer.attribute(IFA.local, spec.address).attribute(IFA.address, spec.peer ?? spec.address);
}

/** Reads the body of RTM_NEWADDR or RTM_DELADDR; undefined for families other than IP. */
export function parseAddress(body: Uint8Array): Address | undefined {
  const head = ifaddrmsg.decode(viewOf(body));
  const family = head && familyOfAf(head.family);
  if (!family) return undefined;
  const attributes = parseAttributes(body, ifaddrmsg.length);
  const near = bytesOf(attributes.get(IFA.local));
  const far = bytesOf(attributes.get(IFA.address));
  const address = near ?? far;
  const width = family === 4 ? 4 : 16;
  if (address?.length !== width) return undefined;
  const flags = numberOf(attributes.get(IFA.flags)) ?? head.flags;
  const flag = (bit: number) => (flags & bit) !== 0;
  return {
    ifindex: head.ifindex,
    family,
    address,
    prefix: head.prefix,
    scope: head.scope,
    label: textOf(attributes.get(IFA.label)),
    broadcast: bytesOf(attributes.get(IFA.broadcast)),
    peer: near && far && compareIp(near, far) !== 0 ? far : undefined,
    secondary: flag(IFA_F.secondary),
    tentative: flag(IFA_F.tentative),
    dadFailed: flag(IFA_F.dadFailed),
    deprecated: flag(IFA_F.deprecated),
    permanent: flag(IFA_F.permanent),
    ours: numberOf(attributes.get(IFA.protocol)) === OUR_PROTOCOL,
  };
}
