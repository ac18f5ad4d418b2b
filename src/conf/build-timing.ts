import type { CheckTiming } from './model.ts';
import type { Settings } from './values.ts';

/** Timing as far as it is configured; what is missing is inherited. */
export type PartialTiming = { readonly [Key in keyof CheckTiming]: CheckTiming[Key] | undefined };

/** What a virtual server, a real server or a checker says of timing; above all it inherits from `outer`. */
export function readTiming(settings: Settings, outer: PartialTiming): PartialTiming {
  const retry = settings.lastOf('retry', 'nb_get_retry') ?? 'retry';
  return {
    alpha: settings.boolean('alpha') ?? outer.alpha,
    connectTimeoutMs: settings.number('connect_timeout') ?? outer.connectTimeoutMs,
    retry: settings.number(retry) ?? outer.retry,
    delayBeforeRetryMs: settings.number('delay_before_retry') ?? outer.delayBeforeRetryMs,
    warmupMs: settings.number('warmup') ?? outer.warmupMs,
    delayLoopMs: settings.number('delay_loop') ?? outer.delayLoopMs,
  };
}

/** Nothing is configured. */
export const NO_TIMING: PartialTiming = {
  alpha: undefined,
  connectTimeoutMs: undefined,
  retry: undefined,
  delayBeforeRetryMs: undefined,
  warmupMs: undefined,
  delayLoopMs: undefined,
};

/** What a checker of that kind does where nothing is configured. */
export function completeTiming(kind: string, timing: PartialTiming): CheckTiming {
  const delayLoopMs = timing.delayLoopMs ?? 60_000;
  return {
    alpha: timing.alpha ?? false,
    connectTimeoutMs: timing.connectTimeoutMs ?? 5000,
    retry: timing.retry ?? (kind === 'DNS_CHECK' ? 3 : kind === 'MISC_CHECK' ? 0 : 1),
    delayBeforeRetryMs: timing.delayBeforeRetryMs ?? defaultPause(kind, delayLoopMs),
    warmupMs: timing.warmupMs ?? delayLoopMs,
    delayLoopMs,
  };
}

function defaultPause(kind: string, delayLoopMs: number): number {
  if (kind === 'HTTP_GET' || kind === 'SSL_GET') return 3000;
  return kind === 'DNS_CHECK' ? delayLoopMs : 1000;
}
