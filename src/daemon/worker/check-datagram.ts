import type { AttemptEnd } from '#check/ports.ts';
import type { CheckConnection, CheckTiming } from '#conf/model.ts';
import { openDatagramSocket } from '#linux/datagram-socket.ts';
import { type AttemptDone, type CancelAttempt, connectFailed, placeOf, wordsOf } from './check-attempt.ts';

/** A datagram that is sent, and what its answer means. */
export interface Exchange {
  readonly payload: Uint8Array;
  /** Longest answer that is told from a longer one. */
  readonly answerLengthMax: number;
  /** What an answer means; undefined: it is none, go on. */
  answered(bytes: Uint8Array): AttemptEnd | undefined;
  /** No answer came within `connect_timeout`. */
  unanswered(): AttemptEnd;
}

/** Sends a datagram and waits for its answer, or an ICMP error, for `connect_timeout`. */
export function exchange(
  checker: CheckConnection & CheckTiming,
  wanted: Exchange,
  done: AttemptDone,
): CancelAttempt {
  const where = placeOf(checker);
  const closers: (() => void)[] = [];
  const close = (): void => {
    clearTimeout(timer);
    for (const each of closers) each();
  };
  const finish = (end: AttemptEnd): void => {
    close();
    done(end);
  };
  const timer = setTimeout(() => finish(wanted.unanswered()), checker.connectTimeoutMs);
  const opened = openDatagramSocket(
    checker.connect,
    { ...(checker.bindto && { address: checker.bindto }), port: checker.bindPort ?? 0 },
    checker,
    wanted.answerLengthMax + 1,
    {
      received: bytes => {
        const end = wanted.answered(bytes);
        if (end) finish(end);
      },
      failed: ({ code }) => finish({ made: true, ok: false, said: `${wordsOf(code)} by ${where}` }),
    },
  );
  if (!opened.ok) {
    finish(connectFailed(opened.failure.code, where));
    return close;
  }
  closers.push(() => opened.value.close());
  const refused = opened.value.send(wanted.payload);
  if (refused) finish(connectFailed(refused.code, where));
  return close;
}
