import { deliver } from './refresh.ts';
import { NEVER, type VirtualRouter, type VrrpEngine } from './state.ts';
import { adverBatchWindow } from './timers.ts';
import type { Turn } from './turn.ts';

// Made once: delivering a timer allocates nothing.
const START = { kind: 'startTimer' } as const;
const MASTER_DOWN = { kind: 'masterDownTimer' } as const;
const RELEASE = { kind: 'releaseTimer' } as const;
const ADVER = { kind: 'adverTimer' } as const;
const ANNOUNCE = { kind: 'announceTimer' } as const;
const REFRESH = { kind: 'refreshTimer' } as const;
const RESTORE = { kind: 'restoreTimer' } as const;

/** When the next timer runs out, in ms; Infinity when none runs. Allocates nothing. */
export function nextDeadline(engine: VrrpEngine): number {
  let nextMs = NEVER;
  for (const { timers } of engine.routers) {
    nextMs = Math.min(
      nextMs,
      timers.startAtMs,
      timers.masterDownAtMs,
      timers.adverAtMs,
      timers.announceAtMs,
      timers.refreshAtMs,
      timers.releaseAtMs,
      timers.restoreAtMs,
    );
  }
  return nextMs;
}

/** Delivers every timer that has run out, or asks for the sockets to be drained first. */
export function fireTimers(engine: VrrpEngine, turn: Turn, socketsDrained: boolean): void {
  let mustDrain = false;
  for (const router of engine.routers) {
    if (!socketsDrained && needsDrain(turn, router)) mustDrain = true;
    else fireTimersOf(turn, router);
  }
  if (mustDrain) turn.actions.push({ kind: 'drainSockets' });
}

/**
 * Timers whose end makes a master of us or takes our addresses away must not fire on what an unread socket would refute.
 * The same goes for a master that was stalled for longer than an interval: it may have been replaced meanwhile.
 */
function needsDrain({ nowMs }: Turn, { timers, config }: VirtualRouter): boolean {
  if (nowMs - timers.adverAtMs > config.advertIntervalMs) return true;
  return timers.masterDownAtMs <= nowMs || timers.releaseAtMs <= nowMs;
}

/** Each timer is looked at after the previous one was delivered, which may have stopped or started it. */
function fireTimersOf(turn: Turn, router: VirtualRouter): void {
  const { timers } = router;
  const { nowMs } = turn;
  if (timers.startAtMs <= nowMs) {
    timers.startAtMs = NEVER;
    deliver(turn, router, START);
  }
  if (timers.masterDownAtMs <= nowMs) deliver(turn, router, MASTER_DOWN);
  if (timers.releaseAtMs <= nowMs) deliver(turn, router, RELEASE);
  if (timers.adverAtMs - adverBatchWindow(router.config.advertIntervalMs) <= nowMs)
    deliver(turn, router, ADVER);
  if (timers.announceAtMs <= nowMs) deliver(turn, router, ANNOUNCE);
  if (timers.refreshAtMs <= nowMs) deliver(turn, router, REFRESH);
  if (timers.restoreAtMs <= nowMs) deliver(turn, router, RESTORE);
}
