/**
 * The ownership ledger: an append-only file on the host (`/var/lib/tandem/ledger`, mode 0600), one JSON record a line,
 * each written and fsynced before the change that it announces, and once more when that is done. A line that is not a
 * whole record was cut short by a crash or a full disk, before its change began: it counts for nothing.
 */
import type { Departure } from './departures.ts';
import type { Json } from './module.ts';

/** What the ledger says of one resource, folded from its records. */
export interface LedgerEntry {
  readonly resource: string;
  /** Counted by role or cluster: the resource is taken back when the last owner goes. */
  readonly owners: readonly string[];
  /** What was there before Tandem first touched it; never overwritten. Large content is saved beside, named here. */
  readonly first: Json;
  /** What Tandem last wanted it to be. */
  readonly ours: Json;
  /** What it was to be before the present intention; undefined once that is done: either may be found on the host. */
  readonly previous: Json | undefined;
  /** `intended` until the change is known to have happened. */
  readonly state: 'intended' | 'done';
  /** Position of its first record: teardown goes backwards. */
  readonly order: number;
}

/** All that the file says. */
export interface Ledger {
  /** In order of their first records. */
  readonly entries: readonly LedgerEntry[];
  /** Handlers that were notified and have not run, in the order of their definition. */
  readonly handlers: readonly string[];
  /** Gates that had to hold after an earlier turn and have not been seen to. */
  readonly gates: readonly string[];
  /** The handler that failed or the gate that did not hold, if that ended the last turn. */
  readonly stopped: string | undefined;
  /** Real servers that this host, a director, does without. */
  readonly departures: readonly Departure[];
  /** Whole records read; many more than entries means that compaction pays. */
  readonly records: number;
  /** Bytes of the file, by which compaction knows that nobody wrote since. */
  readonly bytes: number;
}

type Record =
  | {
      readonly t: 'intend';
      readonly r: string;
      readonly o: readonly string[];
      readonly f: Json;
      readonly w: Json;
    }
  | { readonly t: 'done'; readonly r: string }
  /** Reverted, or given up by its owners. */
  | { readonly t: 'gone'; readonly r: string }
  | { readonly t: 'disown'; readonly r: string; readonly o: string }
  | { readonly t: 'notify'; readonly h: readonly string[]; readonly g: readonly string[] }
  | { readonly t: 'ran'; readonly h: string }
  | { readonly t: 'held'; readonly g: string }
  | { readonly t: 'stopped'; readonly at: string }
  /** A real server leaves this director, or is back. */
  | { readonly t: 'leave'; readonly d: Departure }
  | { readonly t: 'back'; readonly h: string };

/** One line, without the newline, of each kind of record. */
export const record = {
  intend: (resource: string, owner: string, first: Json, ours: Json): string =>
    line({ t: 'intend', r: resource, o: [owner], f: first, w: ours }),
  done: (resource: string): string => line({ t: 'done', r: resource }),
  gone: (resource: string): string => line({ t: 'gone', r: resource }),
  disown: (resource: string, owner: string): string => line({ t: 'disown', r: resource, o: owner }),
  notify: (handlers: readonly string[], gates: readonly string[]): string =>
    line({ t: 'notify', h: handlers, g: gates }),
  ran: (handler: string): string => line({ t: 'ran', h: handler }),
  held: (gate: string): string => line({ t: 'held', g: gate }),
  stopped: (at: string): string => line({ t: 'stopped', at }),
  leave: (departure: Departure): string => line({ t: 'leave', d: departure }),
  back: (host: string): string => line({ t: 'back', h: host }),
} as const;

function line(value: Record): string {
  return JSON.stringify(value);
}

/** Folds the file's text; what is torn or unknown is skipped. */
export function foldLedger(text: string): Ledger {
  const entries = new Map<string, LedgerEntry>();
  const handlers = new Set<string>();
  const gates = new Set<string>();
  const departures = new Map<string, Departure>();
  let records = 0;
  let stopped: string | undefined;
  for (const raw of text.split('\n')) {
    const item = parseRecord(raw);
    if (!item) continue;
    records += 1;
    // A new turn, or one that came to its end after all.
    if (item.t === 'notify' || item.t === 'held') stopped = undefined;
    if (item.t === 'notify') {
      for (const handler of item.h) handlers.add(handler);
      for (const gate of item.g) gates.add(gate);
    } else if (item.t === 'ran') handlers.delete(item.h);
    else if (item.t === 'held') gates.delete(item.g);
    else if (item.t === 'stopped') stopped = item.at;
    else if (item.t === 'leave') departures.set(item.d.host, item.d);
    else if (item.t === 'back') departures.delete(item.h);
    else foldEntry(entries, item, records);
  }
  const bytes = new TextEncoder().encode(text).length;
  const ordered = [...entries.values()].sort((a, b) => a.order - b.order);
  return {
    entries: ordered,
    handlers: [...handlers],
    gates: [...gates],
    stopped,
    departures: [...departures.values()],
    records,
    bytes,
  };
}

function foldEntry(
  entries: Map<string, LedgerEntry>,
  item: Exclude<Record, { t: 'notify' | 'ran' | 'held' | 'stopped' | 'leave' | 'back' }>,
  order: number,
): void {
  const known = entries.get(item.r);
  if (item.t === 'intend') {
    entries.set(item.r, {
      resource: item.r,
      owners: [...new Set([...(known?.owners ?? []), ...item.o])],
      first: known ? known.first : item.f,
      ours: item.w,
      previous: known?.state === 'done' ? known.ours : known?.previous,
      state: 'intended',
      order: known?.order ?? order,
    });
  } else if (item.t === 'gone') entries.delete(item.r);
  else if (!known) return;
  else if (item.t === 'done') entries.set(item.r, { ...known, state: 'done', previous: undefined });
  else entries.set(item.r, { ...known, owners: known.owners.filter(owner => owner !== item.o) });
}

function parseRecord(text: string): Record | undefined {
  if (!text.startsWith('{')) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is Record {
  if (typeof value !== 'object' || value === null || !('t' in value)) return false;
  const fields = value as { [key: string]: unknown };
  switch (fields['t']) {
    case 'intend':
      return typeof fields['r'] === 'string' && isStrings(fields['o']) && 'f' in fields && 'w' in fields;
    case 'done':
    case 'gone':
      return typeof fields['r'] === 'string';
    case 'disown':
      return typeof fields['r'] === 'string' && typeof fields['o'] === 'string';
    case 'notify':
      return isStrings(fields['h']) && isStrings(fields['g']);
    case 'ran':
      return typeof fields['h'] === 'string';
    case 'held':
      return typeof fields['g'] === 'string';
    case 'stopped':
      return typeof fields['at'] === 'string';
    case 'leave':
      return isDeparture(fields['d']);
    case 'back':
      return typeof fields['h'] === 'string';
    default:
      return false;
  }
}

function isDeparture(value: unknown): value is Departure {
  if (typeof value !== 'object' || value === null) return false;
  const { host, state, cause, owner, atMs } = value as { [key: string]: unknown };
  return (
    typeof host === 'string' &&
    (state === 'drained' || state === 'removed') &&
    (cause === 'drain' || cause === 'teardown') &&
    typeof owner === 'string' &&
    typeof atMs === 'number'
  );
}

function isStrings(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every(item => typeof item === 'string');
}

/** The shortest text that folds to the same. */
export function compactLedger(ledger: Ledger): string {
  const lines = ledger.entries.flatMap(entry => [
    ...(entry.previous === undefined
      ? []
      : [
          line({ t: 'intend', r: entry.resource, o: entry.owners, f: entry.first, w: entry.previous }),
          record.done(entry.resource),
        ]),
    line({ t: 'intend', r: entry.resource, o: entry.owners, f: entry.first, w: entry.ours }),
    ...(entry.state === 'done' ? [record.done(entry.resource)] : []),
  ]);
  if (ledger.handlers.length + ledger.gates.length > 0)
    lines.push(record.notify(ledger.handlers, ledger.gates));
  if (ledger.stopped !== undefined) lines.push(record.stopped(ledger.stopped));
  for (const departure of ledger.departures) lines.push(record.leave(departure));
  return lines.map(text => `${text}\n`).join('');
}
