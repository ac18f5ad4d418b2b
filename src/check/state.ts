import type { Checker } from '#conf/model.ts';
import type { CheckerStatus, Verdict } from './ports.ts';

/** Added to the first check's random delay: keepalived lets the start settle. */
const BOOTSTRAP_DELAY_MS = 1000;

/** A checker with its opinion, its counters and its next deadline. */
export interface CheckerState {
  readonly checker: Checker;
  up: boolean;
  weight: number | undefined;
  weightAdded: number;
  said: string;
  /** A first result has been decided (keepalived's `has_run`), or was taken over. */
  hasRun: boolean;
  /** Its first verdict has been told. */
  told: boolean;
  /** keepalived's `retry_it`: failures that were answered with a retry; HTTP counts the last one too. */
  retries: number;
  /** HTTP_GET, SSL_GET: the url that is fetched next. */
  urlIndex: number;
  /** HTTP_GET, SSL_GET: the next url is the one that brought the verdict down. */
  hasFailedUrl: boolean;
  /** `ha_suspend`: deadlines pass without a check. */
  suspended: boolean;
  /** When the next attempt is due; Infinity while one is under way, and for FILE_CHECK. */
  dueAtMs: number;
  startedAtMs: number;
  attempts: number;
  failures: number;
  failuresInARow: number;
  lastAttemptAtMs: number | undefined;
  lastChangeAtMs: number | undefined;
}

/**
 * A checker at its start: up, or down with `alpha`, and its first check due after a random part of `warmup`. The first
 * failure counts at once, except for SMTP_CHECK. With `initial`, a verdict that goes on, it is past all that.
 *
 * @param random 0…1
 */
export function startChecker(
  checker: Checker,
  random: number,
  nowMs: number,
  initial?: Verdict,
): CheckerState {
  const isWatched = checker.kind === 'FILE_CHECK';
  const retriesAtStart = initial || checker.kind === 'SMTP_CHECK' ? 0 : checker.retry;
  return {
    checker,
    up: initial?.up ?? (isWatched || !checker.alpha),
    weight: initial?.weight,
    weightAdded: initial?.weightAdded ?? 0,
    said: initial?.said ?? '',
    hasRun: initial !== undefined,
    told: initial !== undefined,
    retries: retriesAtStart,
    urlIndex: 0,
    hasFailedUrl: false,
    suspended: false,
    dueAtMs: isWatched ? Infinity : nowMs + BOOTSTRAP_DELAY_MS + random * checker.warmupMs,
    startedAtMs: nowMs,
    attempts: 0,
    failures: 0,
    failuresInARow: 0,
    lastAttemptAtMs: undefined,
    lastChangeAtMs: undefined,
  };
}

export function verdictOf({ up, weight, weightAdded, said }: CheckerState): Verdict {
  return { up, weight, weightAdded, said };
}

export function statusOf(state: CheckerState): CheckerStatus {
  const { attempts, failures, failuresInARow, lastAttemptAtMs, lastChangeAtMs } = state;
  return {
    ...verdictOf(state),
    kind: state.checker.kind,
    attempts,
    failures,
    failuresInARow,
    lastAttemptAtMs,
    lastChangeAtMs,
  };
}
