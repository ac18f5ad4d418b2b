/** Maintenance marks: a host that somebody works on is reported and not started, reloaded or undrained. */
import { type Fragment, sh } from '#provision/model/shell.ts';

/** What the mark says; `/var/lib/tandem/maintenance` holds it as one JSON object. */
export interface MaintenanceMark {
  readonly owner: string;
  readonly reason: string;
  /** Unix epoch milliseconds; after that the mark counts for nothing. */
  readonly untilMs: number;
}

/** Prints the mark, if there is one. */
export const READ_MAINTENANCE: Fragment = sh`[ ! -s "$t_state/maintenance" ] || cat "$t_state/maintenance"`;

/** The mark that holds at `nowMs`. A mark that cannot be read holds: somebody meant something by it. */
export function parseMaintenance(answer: Uint8Array | undefined, nowMs: number): MaintenanceMark | undefined {
  const text = new TextDecoder().decode(answer).trim();
  if (text === '') return undefined;
  const unreadable = {
    owner: 'somebody',
    reason: `unreadable mark: ${text.slice(0, 200)}`,
    untilMs: Number.MAX_VALUE,
  };
  try {
    const mark = JSON.parse(text) as Partial<MaintenanceMark> | null;
    if (typeof mark?.owner !== 'string' || typeof mark.untilMs !== 'number') return unreadable;
    return mark.untilMs > nowMs
      ? { reason: '', ...mark, owner: mark.owner, untilMs: mark.untilMs }
      : undefined;
  } catch {
    return unreadable;
  }
}
