import type { Checker } from '#conf/model.ts';
import { dnsResponseCode, encodeDnsQuery } from '#wire/dns.ts';
import { randomInt } from 'node:crypto';
import { type AttemptDone, type CancelAttempt, placeOf } from './check-attempt.ts';
import { exchange } from './check-datagram.ts';

type DnsChecker = Extract<Checker, { readonly kind: 'DNS_CHECK' }>;

/** Longer than any response over UDP without EDNS (RFC 1035 §4.2.1). */
const RESPONSE_LENGTH_MAX = 512;

/** DNS_CHECK: a query whose response says NOERROR, with or without records. */
export function attemptDns(checker: DnsChecker, done: AttemptDone): CancelAttempt {
  const { type, name, connectTimeoutMs } = checker;
  const what = `${type} ${name}`;
  const where = placeOf(checker);
  const id = randomInt(0x10000);
  const payload = encodeDnsQuery(id, type, name);
  if (!payload) {
    done({ made: false, said: `could not be checked: ${what} is not a query` });
    return () => {};
  }
  return exchange(
    checker,
    {
      payload,
      answerLengthMax: RESPONSE_LENGTH_MAX,
      answered: bytes => {
        const code = dnsResponseCode(bytes, id);
        if (code === undefined) return undefined;
        return { made: true, ok: code === 'NOERROR', said: `${code} for ${what} from ${where}` };
      },
      unanswered: () => ({
        made: true,
        ok: false,
        said: `no response for ${what} from ${where} within ${connectTimeoutMs} ms`,
      }),
    },
    done,
  );
}
