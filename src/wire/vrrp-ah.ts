import { createHmac } from 'node:crypto';
import { authenticationHeader, IPPROTO_AH, IPPROTO_VRRP, ipv4Header, VRRP_TTL } from './vrrp.ts';

/**
 * Authentication Header for VRRP version 2 over IPv4 as RFC 2338 §5.3.6.3 and keepalived have it: HMAC-MD5-96
 * (RFC 2403) over the IP header with its mutable fields zeroed, the AH header with a zero check value, and the message.
 * The TTL counts as immutable (255) for multicast and as zero for unicast; the SPI is the source address.
 */

const AH_FIELD = authenticationHeader.field;
const IP_FIELD = ipv4Header.field;
const ICV_LENGTH = AH_FIELD.icv.length;

/** Writes the AH header, check value excepted, that precedes a VRRP message. */
export function writeAuthenticationHeader(view: DataView, base: number, source: Uint8Array): void {
  authenticationHeader.write(view, base, {
    nextHeader: IPPROTO_VRRP,
    payloadLength: authenticationHeader.length / 4 - 2,
    spi: spiOf(source),
    sequence: 0,
    icv: new Uint8Array(ICV_LENGTH),
  });
}

/** Security Parameters Index: the source address as a number. */
export function spiOf(source: Uint8Array): number {
  return new DataView(source.buffer, source.byteOffset).getUint32(0);
}

/** The IP header that the check value covers, for a packet that we send; the kernel builds the real one, with identification 0. */
export function immutableIpHeader(
  source: Uint8Array,
  destination: Uint8Array,
  totalLength: number,
  cast: 'multicast' | 'unicast',
): Uint8Array {
  return ipv4Header.encode({
    versionIhl: 0x45,
    tos: 0,
    totalLength,
    identification: 0,
    flagsFragment: 0,
    ttl: cast === 'multicast' ? VRRP_TTL : 0,
    protocol: IPPROTO_AH,
    checksum: 0,
    source,
    destination,
  });
}

/** Zeroes the mutable fields of a received IP header (RFC 2402 §3.3.3.1.1) in `header`, a copy. */
export function zeroMutableFields(header: DataView, cast: 'multicast' | 'unicast'): void {
  IP_FIELD.tos.set(header, 0, 0);
  IP_FIELD.flagsFragment.set(header, 0, 0);
  IP_FIELD.checksum.set(header, 0, 0);
  if (cast === 'unicast') IP_FIELD.ttl.set(header, 0, 0);
}

/** HMAC-MD5-96 over the parts; `ahAndMessage` must have a zero check value. Allocates: AH is a second-scale matter. */
export function integrityCheckValue(
  key: Uint8Array,
  ipHeader: Uint8Array,
  ahAndMessage: Uint8Array,
): Uint8Array {
  return createHmac('md5', key).update(ipHeader).update(ahAndMessage).digest().subarray(0, ICV_LENGTH);
}

/** True if both have the same bytes; takes as long for any difference. */
export function equalInConstantTime(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let i = 0; i < a.length; i++) difference |= (a[i] ?? 0) ^ (b[i] ?? 0);
  return difference === 0;
}
