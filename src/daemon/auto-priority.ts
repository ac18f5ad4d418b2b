import type { ProcessSettings } from '#conf/model-global.ts';
import type { SchedulingStatus } from '#control/status.ts';
import type { Kernel } from '#linux/ports.ts';
import type { Log } from './log.ts';

/**
 * `max_auto_priority`: one real-time priority more each time that the process was late by `min_auto_priority_delay`.
 * Returns how the process is scheduled now.
 */
export function raisePriority(
  kernel: Pick<Kernel, 'setRealtime'>,
  settings: ProcessSettings,
  now: SchedulingStatus,
  lateMs: number,
  log: Log,
): SchedulingStatus {
  const { maxAutoPriority, minAutoPriorityDelayMs } = settings;
  if (lateMs < minAutoPriorityDelayMs || now.priority >= maxAutoPriority) return now;
  const priority = now.priority + 1;
  const failure = kernel.setRealtime(priority);
  if (failure) {
    log.warning(`the priority cannot be raised to ${priority}: ${failure.message}`, 'auto priority');
    return { ...now, degraded: failure.message };
  }
  log.notice(`raised the real-time priority to ${priority} (max_auto_priority ${maxAutoPriority})`);
  return { policy: 'rr', priority, degraded: null };
}
