import type { TrackProcess } from '#conf/model.ts';
import { matchesProcess } from './process-match.ts';
import { type ProcessEntry, ProcessTable } from './process-table.ts';

/** How often /proc is looked at. */
const SCAN_MS = 500;

/** What is looked for, and when it counts. */
export type TrackedProcess = Pick<
  TrackProcess,
  'process' | 'paramMatch' | 'fullCommand' | 'quorum' | 'quorumMax' | 'forkDelayMs' | 'terminateDelayMs'
>;

interface Tracked {
  readonly wanted: TrackedProcess;
  count: number;
  told: boolean | undefined;
  /** Runs while the last scan contradicts what was told. */
  delay: NodeJS.Timeout | undefined;
}

/** Looks for the processes of `vrrp_track_process` and tells whether they have their quorum: at once, then on changes. */
export class ProcessTrackers {
  readonly #tracked = new Map<number, Tracked>();
  readonly #table: ProcessTable;
  readonly #onResult: (id: number, quorate: boolean, count: number) => void;
  #timer: NodeJS.Timeout | undefined;

  constructor(
    onResult: (id: number, quorate: boolean, count: number) => void,
    table: ProcessTable = new ProcessTable(),
  ) {
    this.#onResult = onResult;
    this.#table = table;
  }

  /** Starts or replaces the search `id`. */
  track(id: number, wanted: TrackedProcess): void {
    this.untrack(id);
    this.#tracked.set(id, { wanted, count: 0, told: undefined, delay: undefined });
    // Several are told one after the other: one scan does for all.
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#run(), 0);
  }

  untrack(id: number): void {
    clearTimeout(this.#tracked.get(id)?.delay);
    this.#tracked.delete(id);
    if (this.#tracked.size === 0) clearTimeout(this.#timer);
  }

  close(): void {
    for (const id of this.#tracked.keys()) this.untrack(id);
  }

  #run(): void {
    this.scan();
    this.#timer = setTimeout(() => this.#run(), SCAN_MS);
  }

  /** Counts once, now. */
  scan(): void {
    const patterns = [...this.#tracked.values()];
    const argv = (entry: ProcessEntry) => () => this.#table.argvOf(entry);
    const matches = ({ wanted }: Tracked, entry: ProcessEntry): boolean =>
      matchesProcess(wanted, entry.comm, argv(entry));
    for (const tracked of patterns) tracked.count = 0;
    const entries = this.#table.scan(entry => patterns.some(tracked => matches(tracked, entry)));
    for (const entry of entries) {
      for (const tracked of patterns) if (matches(tracked, entry)) tracked.count++;
    }
    for (const [id, tracked] of this.#tracked) this.#judge(id, tracked);
  }

  #judge(id: number, tracked: Tracked): void {
    const { wanted, count, told } = tracked;
    const quorate = count >= wanted.quorum && count <= (wanted.quorumMax ?? Infinity);
    if (quorate === told) {
      clearTimeout(tracked.delay);
      tracked.delay = undefined;
      return;
    }
    const delayMs = told === undefined ? 0 : quorate ? wanted.forkDelayMs : wanted.terminateDelayMs;
    if (delayMs === 0) this.#tell(id, tracked, quorate);
    else tracked.delay ??= setTimeout(() => this.#tell(id, tracked, quorate), delayMs);
  }

  #tell(id: number, tracked: Tracked, quorate: boolean): void {
    tracked.delay = undefined;
    tracked.told = quorate;
    this.#onResult(id, quorate, tracked.count);
  }
}
