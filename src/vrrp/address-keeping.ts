import { addMissingAddresses } from './mastership.ts';
import { type AddressState, NEVER, type VirtualRouter } from './state.ts';
import { RESTORE_INTERVAL_MS } from './timers.ts';
import { announce, type Turn } from './turn.ts';

/**
 * Keeping the addresses of a master on the interface when someone else removes them or the kernel refuses them: at
 * once when the last attempt lies back far enough, otherwise when `RESTORE_INTERVAL_MS` have passed since it.
 */
export function retryLater(turn: Turn, router: VirtualRouter, address: AddressState): void {
  const earliestMs = address.restoredAtMs + RESTORE_INTERVAL_MS;
  if (earliestMs <= turn.nowMs) addAgain(turn, router);
  else router.timers.restoreAtMs = Math.min(router.timers.restoreAtMs, earliestMs);
}

/** Asks again for all that is missing, and announces it. */
export function addAgain(turn: Turn, router: VirtualRouter): void {
  const missing = router.addresses.filter(state => !state.held);
  if (missing.length === 0) return;
  for (const state of missing) state.restoredAtMs = turn.nowMs;
  router.counters.addressesRestored += missing.length;
  router.timers.restoreAtMs = NEVER;
  addMissingAddresses(turn, router);
  announce(turn, router, 'restored', 1);
}
