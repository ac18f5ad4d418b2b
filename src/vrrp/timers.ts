import type { VirtualRouter } from './state.ts';

/** Linger after the successor of a handover was heard, so that its addresses are up before ours go. */
export const HANDOVER_LINGER_MS = 10;
/** Pause between attempts to put back an address that keeps vanishing or that the kernel refuses. */
export const RESTORE_INTERVAL_MS = 1000;
/** How long the kernel may take to tell that an address is gone which we removed. */
export const ECHO_PATIENCE_MS = 10_000;
/** Pause between log lines that say the same about the same router. */
export const LOG_INTERVAL_MS = 10_000;

/**
 * Skew_Time in ms, fractions included (a legal one is 78 µs). Version 2 (RFC 3768 §6.1): (256 − priority)/256 seconds,
 * whatever the interval. Version 3 (RFC 9568 §6.1): (256 − priority) × master's interval / 256.
 */
function skewTime(version: 2 | 3, priority: number, masterAdverIntervalMs: number): number {
  return ((256 - priority) * (version === 2 ? 1000 : masterAdverIntervalMs)) / 256;
}

/** Skew_Time of `router` as it is now. */
export function skewTimeOf(router: VirtualRouter): number {
  return skewTime(router.config.version, router.effectivePriority, router.masterAdverIntervalMs);
}

/** The smallest skew there is: that of priority 255. */
export function minimalSkewOf(router: VirtualRouter): number {
  return skewTime(router.config.version, 255, router.masterAdverIntervalMs);
}

/** Active_Down_Interval (RFC 9568 §6.1; RFC 5798: Master_Down_Interval): 3 intervals of the master, and the skew. */
export function activeDownInterval(router: VirtualRouter): number {
  return router.config.downTimerAdverts * router.masterAdverIntervalMs + skewTimeOf(router);
}

/**
 * How much earlier than due an advertisement may go out, so that routers whose timers lie close together share one
 * wake-up: 1 % of the interval, at most 2 ms. The phase is kept: the next one is due an interval after this was.
 */
export function adverBatchWindow(intervalMs: number): number {
  return Math.min(2, intervalMs / 100);
}
