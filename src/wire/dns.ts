import { bytes as fixed, layout, u16be, viewOf } from './layout.ts';

/** DNS messages (RFC 1035 §4.1), as far as a health check needs them: a query, and the head of a response. */

const header = layout({
  id: u16be,
  flags: u16be,
  questions: u16be,
  answers: u16be,
  authorities: u16be,
  additionals: u16be,
});
const question = layout({ type: u16be, class: u16be });

const FLAG_RESPONSE = 0x8000;
const FLAG_RECURSION_DESIRED = 0x0100;
const RCODE_MASK = 0x000f;
const CLASS_IN = 1;
const LABEL_LENGTH_MAX = 63;
const NAME_LENGTH_MAX = 255;

/** Query types by name (RFC 1035 §3.2.2, RFC 3596 §2.1, RFC 4034). */
const TYPES = {
  A: 1,
  NS: 2,
  CNAME: 5,
  SOA: 6,
  MX: 15,
  TXT: 16,
  AAAA: 28,
  RRSIG: 46,
  DNSKEY: 48,
} as const satisfies Record<string, number>;

/** Names of response codes (RFC 1035 §4.1.1, RFC 2136 §2.2). */
const RCODES = ['NOERROR', 'FORMERR', 'SERVFAIL', 'NXDOMAIN', 'NOTIMP', 'REFUSED'];

/**
 * A query for one record with recursion desired; undefined if the type is not known, or the name is not one: it has an
 * empty label or is too long. A final dot may be given; `.` is the root.
 */
export function encodeDnsQuery(id: number, type: string, name: string): Uint8Array | undefined {
  const number = Object.entries(TYPES).find(([known]) => known === type.toUpperCase())?.[1];
  const labels = name === '.' ? [] : name.replace(/\.$/, '').split('.');
  const encoded = labels.map(label => new TextEncoder().encode(label));
  const isName = encoded.every(label => label.length > 0 && label.length <= LABEL_LENGTH_MAX);
  const named = Uint8Array.from([...encoded.flatMap(label => [label.length, ...label]), 0]);
  if (number === undefined || !isName || named.length > NAME_LENGTH_MAX) return undefined;
  const message = layout({ header, name: fixed(named.length), question });
  return message.encode({
    header: {
      id,
      flags: FLAG_RECURSION_DESIRED,
      questions: 1,
      answers: 0,
      authorities: 0,
      additionals: 0,
    },
    name: named,
    question: { type: number, class: CLASS_IN },
  });
}

/** The response code of a message, if it is the response to the query `id`. */
export function dnsResponseCode(message: Uint8Array, id: number): string | undefined {
  const decoded = header.decode(viewOf(message));
  if (!decoded || decoded.id !== id || (decoded.flags & FLAG_RESPONSE) === 0) return undefined;
  const code = decoded.flags & RCODE_MASK;
  return RCODES[code] ?? `RCODE${code}`;
}
