/** What a run's tasks came to, counted. */
import type { HostTally, TaskStatus } from '#control/events.ts';

const EMPTY_TALLY: HostTally = { ok: 0, changed: 0, pending: 0, unknown: 0, skipped: 0, failed: 0 };

export function tallyOf(statuses: Iterable<TaskStatus>): HostTally {
  const tally: Record<TaskStatus, number> = { ...EMPTY_TALLY };
  for (const status of statuses) tally[status] += 1;
  return tally;
}

export function sumOf(tallies: Iterable<HostTally>): HostTally {
  const sum: Record<TaskStatus, number> = { ...EMPTY_TALLY };
  for (const tally of tallies)
    for (const status of Object.keys(sum) as TaskStatus[]) sum[status] += tally[status];
  return sum;
}

/** How a run ends for scripts: the first that holds of 64, 3, 1 and 2. */
export function exitCodeOf(outcome: {
  readonly invalid: boolean;
  readonly unreachable: boolean;
  readonly failed: boolean;
  readonly pending: boolean;
}): number {
  if (outcome.invalid) return 64;
  if (outcome.unreachable) return 3;
  if (outcome.failed) return 1;
  return outcome.pending ? 2 : 0;
}
