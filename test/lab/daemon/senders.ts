import type { Advert } from './adverts.ts';

/** A time during which one router sent advertisements without a pause, Unix epoch in ms. */
interface Shift {
  readonly from: string;
  readonly firstAtMs: number;
  lastAtMs: number;
}

/** How many intervals without an advertisement end a shift: fewer than a backup waits, more than a late timer. */
const PAUSE_INTERVALS = 2.5;

/** Who sent when. A farewell (priority 0) ends a shift, as does a pause. */
function shiftsOf(adverts: readonly Advert[]): Shift[] {
  const shifts: Shift[] = [];
  const open = new Map<string, Shift>();
  for (const { from, atMs, priority, intervalMs } of adverts) {
    if (priority === 0) {
      open.delete(from);
      continue;
    }
    const shift = open.get(from);
    if (shift && atMs - shift.lastAtMs <= PAUSE_INTERVALS * intervalMs) {
      shift.lastAtMs = atMs;
      continue;
    }
    const begun = { from, firstAtMs: atMs, lastAtMs: atMs };
    shifts.push(begun);
    open.set(from, begun);
  }
  return shifts;
}

/**
 * The longest time during which two senders of one VRID were at work, in ms. Unlike `overlapMs` it holds for any
 * number of changes of mastership.
 */
export function longestDoubleMs(adverts: readonly Advert[]): number {
  const shifts = shiftsOf(adverts);
  let longestMs = 0;
  for (const [i, one] of shifts.entries())
    for (const other of shifts.slice(i + 1)) {
      if (one.from === other.from) continue;
      const sharedMs = Math.min(one.lastAtMs, other.lastAtMs) - Math.max(one.firstAtMs, other.firstAtMs);
      longestMs = Math.max(longestMs, sharedMs);
    }
  return longestMs;
}

/**
 * From the last advertisement of `old` (with priority 0: the farewell) to the first that its successor sent at
 * `sinceMs` or later, in ms. NaN until that is recorded: a recording lags behind, and one that ends early shows the
 * crossing advertisements of an earlier change of mastership.
 */
export function takeoverMs(
  adverts: readonly Advert[],
  old: readonly string[],
  successor: readonly string[],
  sinceMs: number,
): number {
  const first = adverts.findIndex(({ from, atMs }) => atMs >= sinceMs && successor.includes(from));
  const last = adverts.slice(0, Math.max(0, first)).findLast(({ from }) => old.includes(from));
  return (adverts[first]?.atMs ?? Number.NaN) - (last?.atMs ?? Number.NaN);
}
