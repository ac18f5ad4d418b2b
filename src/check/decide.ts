import type { CheckerState } from './state.ts';

/** What an outcome means. */
export interface Decision {
  /** The verdict from now on; undefined: it is not decided, the old one goes on. */
  readonly verdict: boolean | undefined;
  /** Until the next attempt. */
  readonly delayMs: number;
}

/**
 * One success means up. A failure is repeated after `delay_before_retry`, `retry` times, and then means down. What is
 * down is looked at every `delay_loop`; TCP_CHECK and SMTP_CHECK repeat a failure then too (keepalived's `tcp_epilog`,
 * `smtp_final`; `udp_epilog`, `icmp_epilog`, `dns_final` and `misc_check_child_thread` do not).
 */
export function decide(state: CheckerState, ok: boolean): Decision {
  const { checker } = state;
  const { kind, retry, delayLoopMs, delayBeforeRetryMs } = checker;
  const retriesWhileDown = kind === 'TCP_CHECK' || kind === 'SMTP_CHECK';
  const mayRetry = state.up || !state.hasRun || retriesWhileDown;
  if (!ok && mayRetry && state.retries < retry) {
    state.retries++;
    return { verdict: undefined, delayMs: delayBeforeRetryMs };
  }
  state.retries = 0;
  state.hasRun = true;
  return { verdict: ok, delayMs: delayLoopMs };
}
