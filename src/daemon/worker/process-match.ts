import type { TrackProcess } from '#conf/model.ts';

/** Longest name that the kernel keeps (TASK_COMM_LEN is 16 with its NUL). */
const COMM_LENGTH = 15;

/** What a `vrrp_track_process` looks for. */
export type ProcessPattern = Pick<TrackProcess, 'process' | 'paramMatch' | 'fullCommand'>;

/**
 * Whether a process is the one that is looked for. Without `full_command` its name (`/proc/PID/comm`) decides, else its
 * argv: the program as it was called, and the parameters exactly (`exact`), the first ones exactly (`partial`), or the
 * first ones and the beginning of the last one (`initial`). `argv` is only called when it is needed.
 */
export function matchesProcess(
  pattern: ProcessPattern,
  comm: string,
  argv: () => readonly string[],
): boolean {
  const [program = '', ...parameters] = pattern.process;
  if (!pattern.fullCommand) return comm === program.slice(0, COMM_LENGTH);
  const [called, ...given] = argv();
  return called === program && parametersMatch(pattern.paramMatch, parameters, given);
}

function parametersMatch(
  how: ProcessPattern['paramMatch'],
  wanted: readonly string[],
  given: readonly string[],
): boolean {
  if (how === undefined) return true;
  if (given.length < wanted.length || (how === 'exact' && given.length > wanted.length)) return false;
  const last = wanted.length - 1;
  return wanted.every((parameter, i) =>
    how === 'initial' && i === last ? (given[i] ?? '').startsWith(parameter) : given[i] === parameter,
  );
}
