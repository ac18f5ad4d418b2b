import { DEFAULT_PAYLOAD, replyFault } from '#check/udp-reply.ts';
import type { Checker } from '#conf/model.ts';
import { type AttemptDone, type CancelAttempt, placeOf } from './check-attempt.ts';
import { exchange } from './check-datagram.ts';

type UdpChecker = Extract<Checker, { readonly kind: 'UDP_CHECK' }>;

/** UDP_CHECK: fine unless an ICMP error comes back; with `require_reply` only a right reply is fine. */
export function attemptUdp(checker: UdpChecker, done: AttemptDone): CancelAttempt {
  const where = placeOf(checker);
  const { requireReply, maxReplyLength, connectTimeoutMs } = checker;
  return exchange(
    checker,
    {
      payload: checker.payload ?? DEFAULT_PAYLOAD,
      answerLengthMax: requireReply ? maxReplyLength : 0,
      answered: bytes => {
        const fault = requireReply ? replyFault(checker, bytes) : undefined;
        if (fault !== undefined) return { made: true, ok: false, said: `${fault} from ${where}` };
        return { made: true, ok: true, said: `a reply from ${where}` };
      },
      unanswered: () => ({
        made: true,
        ok: !requireReply,
        said: `no ${requireReply ? 'reply' : 'error'} from ${where} within ${connectTimeoutMs} ms`,
      }),
    },
    done,
  );
}
