import type { Checker } from '#conf/model.ts';
import type { Decision } from './decide.ts';
import type { CheckerState } from './state.ts';

type HttpChecker = Extract<Checker, { readonly fastRecovery: boolean }>;

/**
 * HTTP_GET and SSL_GET fetch one url at a time, `delay_loop` apart, and are up when the last one was fine
 * (keepalived's `epilog` in check_http.c). After a failure that counted, the url that failed is tried alone; when it is
 * fine again, all are fetched from the first one on before the verdict is up. `fast_recovery` leaves out the pauses
 * before the first verdict and on the way up.
 */
export function decideHttp(state: CheckerState, checker: HttpChecker, ok: boolean): Decision {
  const decision = ok ? succeeded(state, checker) : failed(state, checker);
  const isUp = decision.verdict ?? state.up;
  const isOnItsWayUp = !state.hasRun || (!isUp && !state.hasFailedUrl);
  return checker.fastRecovery && isOnItsWayUp ? { ...decision, delayMs: 0 } : decision;
}

function succeeded(state: CheckerState, checker: HttpChecker): Decision {
  const { delayLoopMs, retry, urls } = checker;
  const isLast = state.urlIndex + 1 >= urls.length;
  const isUp = isLast && !state.hasFailedUrl;
  state.urlIndex = isLast || state.hasFailedUrl ? 0 : state.urlIndex + 1;
  state.hasFailedUrl = false;
  if (isUp) state.hasRun = true;
  // Until the first verdict every url's first failure counts.
  state.retries = state.hasRun ? 0 : retry;
  return { verdict: isUp ? true : undefined, delayMs: delayLoopMs };
}

function failed(state: CheckerState, checker: HttpChecker): Decision {
  const { delayLoopMs, delayBeforeRetryMs, retry } = checker;
  const isDown = !state.up && state.hasRun;
  state.hasRun = true;
  if (!isDown) state.retries++;
  const counts = !isDown && state.retries > retry;
  if (counts) state.hasFailedUrl = true;
  return {
    verdict: counts ? false : undefined,
    delayMs: state.hasFailedUrl ? Math.max(delayBeforeRetryMs, delayLoopMs) : delayBeforeRetryMs,
  };
}
