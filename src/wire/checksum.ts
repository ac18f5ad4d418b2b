/**
 * The Internet checksum (RFC 1071): the one's complement of the one's complement sum of 16-bit big-endian words. Sums
 * are plain numbers, so that a pseudo-header and a message that are not adjacent can be added up; 2^37 words fit
 * before precision is lost.
 */

/** `initial` plus the words in `view[start, end)`; an odd last byte is padded with a zero. */
export function sumWords(view: DataView, start: number, end: number, initial = 0): number {
  let sum = initial;
  let at = start;
  for (; at + 1 < end; at += 2) sum += view.getUint16(at);
  return at < end ? sum + (view.getUint8(at) << 8) : sum;
}

/** As {@link sumWords} over a whole byte array: addresses of a pseudo-header. */
export function sumBytes(bytes: Uint8Array, initial = 0): number {
  let sum = initial;
  for (let i = 0; i < bytes.length; i++) sum += (bytes[i] ?? 0) << (i % 2 === 0 ? 8 : 0);
  return sum;
}

/** The checksum of what was summed. Over data that contains its own correct checksum it is 0. */
export function checksumOf(sum: number): number {
  let folded = sum;
  while (folded > 0xffff) folded = (folded % 0x10000) + Math.floor(folded / 0x10000);
  return ~folded & 0xffff;
}

/** The checksum after one word under it changed from `before` to `after` (RFC 1624 §3, equation 3). */
export function updateChecksum(checksum: number, before: number, after: number): number {
  return checksumOf((~checksum & 0xffff) + (~before & 0xffff) + after);
}

/** Sum of an IPv4 (RFC 9293 §3.1's form) or IPv6 (RFC 8200 §8.1) pseudo-header. */
export function pseudoHeaderSum(
  source: Uint8Array,
  destination: Uint8Array,
  protocol: number,
  lengthBytes: number,
): number {
  return sumBytes(source, sumBytes(destination, protocol + lengthBytes));
}
