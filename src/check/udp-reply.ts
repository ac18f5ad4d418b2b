/** What UDP_CHECK sends without a `payload`: keepalived's text over and over, 32 bytes. */
export const DEFAULT_PAYLOAD: Uint8Array = new TextEncoder().encode('keepalived check - keepalived ch');

/** What a reply must look like. */
export interface ReplyRule {
  readonly replyPattern: string | undefined;
  readonly minReplyLength: number;
  readonly maxReplyLength: number;
}

/** Why a reply is not the right one; undefined if it is. */
export function replyFault(rule: ReplyRule, reply: Uint8Array): string | undefined {
  const { minReplyLength, maxReplyLength, replyPattern } = rule;
  if (reply.length < minReplyLength)
    return `a reply of ${reply.length} bytes, at least ${minReplyLength} expected`;
  if (reply.length > maxReplyLength)
    return `a reply of more than ${maxReplyLength} bytes, which is the most allowed`;
  const at = parsePattern(replyPattern ?? '').findIndex(
    ({ value, mask }, index) => index < reply.length && (((reply[index] ?? 0) ^ value) & mask) !== 0,
  );
  return at < 0 ? undefined : `a reply that differs from require_reply at byte ${at}`;
}

interface PatternByte {
  readonly value: number;
  /** Bits that count. */
  readonly mask: number;
}

/**
 * keepalived's free form of bytes: within a word two digits make a byte, a last single one makes a byte too
 * (`Ab12f 3` is AB 12 0F 03); `x` is four bits that do not count.
 */
function parsePattern(text: string): PatternByte[] {
  const pairs = text.split(/\s+/).flatMap(word => word.match(/[0-9a-fx]{1,2}/gi) ?? []);
  return pairs.map(pair => {
    const digits = pair.padStart(2, '0');
    const value = Number.parseInt(digits.replaceAll(/x/gi, '0'), 16);
    const mask = Number.parseInt(digits.replaceAll(/[0-9a-f]/gi, 'f').replaceAll(/x/gi, '0'), 16);
    return { value, mask };
  });
}
