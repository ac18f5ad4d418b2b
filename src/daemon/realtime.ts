import { setPriority } from 'node:os';
import { messageOf } from '#base/errors.ts';
import type { Config } from '#conf/model.ts';
import type { SchedulingStatus } from '#control/status.ts';
import type { Kernel } from '#linux/ports.ts';
import type { Log } from './log.ts';

/** The lowest real-time priority: above everything ordinary, below whatever else was made real-time on purpose. */
const DEFAULT_RT_PRIORITY = 1;

/**
 * Makes the VRRP process punctual (`vrrp_rt_priority`, by default SCHED_RR 1; `vrrp_priority` is its nice value). A
 * refusal by the kernel is a notice: the daemon works, less punctually under load.
 */
export function schedule(kernel: Kernel, config: Config, wanted: boolean, log: Log): SchedulingStatus {
  const { vrrpPriority, vrrpRtPriority } = config.globalDefs.process;
  if (vrrpPriority !== undefined) {
    try {
      setPriority(vrrpPriority);
    } catch (error) {
      log.warning(`vrrp_priority ${vrrpPriority}: ${messageOf(error)}`);
    }
  }
  if (!wanted) return { policy: 'other', priority: 0, degraded: null };
  const priority = vrrpRtPriority ?? DEFAULT_RT_PRIORITY;
  const failure = kernel.setRealtime(priority);
  if (!failure) return { policy: 'rr', priority, degraded: null };
  log.notice(`not scheduled in real time, adverts may be late under load: ${failure.message}`);
  return { policy: 'other', priority: 0, degraded: failure.message };
}
