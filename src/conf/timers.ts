import type { InitialState, VrrpVersion } from './model.ts';

/** Priority of the router that owns the addresses (RFC 9568 §5.2.4). */
export const PRIORITY_OWNER = 255;
/** Priority unless configured. */
export const PRIORITY_DEFAULT = 100;

/** keepalived's default: an instance that shall be MASTER and has no priority owns the addresses. */
export function defaultPriority(state: InitialState | undefined): number {
  return state === 'MASTER' ? PRIORITY_OWNER : PRIORITY_DEFAULT;
}

/**
 * The delay by which lower priorities wait longer, in milliseconds with fractions. Version 2 (RFC 3768 §6.1):
 * (256 − priority) / 256 seconds whatever the interval; version 3 (RFC 9568 §6.1): that part of the master's interval.
 * @param priority the effective priority, 1–255
 * @param masterAdvertIntervalMs in version 3 the interval learned from the master
 */
export function skewTimeMs(version: VrrpVersion, priority: number, masterAdvertIntervalMs: number): number {
  return ((256 - priority) / 256) * (version === 2 ? 1000 : masterAdvertIntervalMs);
}

/**
 * How long the master may be silent before it counts as down, in milliseconds with fractions.
 * @param downTimerAdverts keepalived's `down_timer_adverts`; the RFCs say 3
 */
export function masterDownIntervalMs(
  version: VrrpVersion,
  priority: number,
  masterAdvertIntervalMs: number,
  downTimerAdverts = 3,
): number {
  return downTimerAdverts * masterAdvertIntervalMs + skewTimeMs(version, priority, masterAdvertIntervalMs);
}
