import { inSlices } from '#daemon/slices.ts';
import type { Ipvs, Result } from '#linux/ports.ts';
import { serviceName } from '#lvs/keys.ts';
import type { Operation, SeenService } from '#lvs/ports.ts';
import { type ActualService, type DesiredService, type Owned, reconcile } from '#lvs/reconcile.ts';
import { OwnedEntries } from './owned-entries.ts';

/** How often the table is read, to mend what somebody else changed. */
const POLL_MS = 1000;
/** Reading a large table may take no more than this part of the time. */
const POLL_COST_FACTOR = 20;
/** Reading a large table takes a second: checks go on meanwhile. */
const READ_SLICE_MS = 10;
/** Changes that are made between two looks at everything else: some tens of milliseconds. */
const CHANGES_PER_SLICE = 1024;

/** What should be in the table. */
export interface Wanted {
  readonly services: readonly DesiredService[];
  /** There should be nothing else of ours; otherwise other services stay as they were. */
  readonly isWhole: boolean;
}

export interface TableTools {
  readonly nowMs: () => number;
  readonly warn: (line: string) => void;
  /** What has changed since the last call of what should be in the table. */
  readonly wanted: () => Wanted;
  /** The table has been read. */
  readonly seen: (services: readonly SeenService[]) => void;
}

/** For what we have made ourselves. */
const ALL_OURS: Owned = { service: () => true, destination: () => true };

/**
 * Keeps the kernel's table as it should be. It is read at first, and again and again, and only the difference is applied.
 * Between two readings it is taken to be as we left it, so that a verdict does not cost the reading of a large table;
 * when the kernel refuses a change, somebody else was there, and it is read at once.
 */
export class IpvsTable {
  readonly #ipvs: Ipvs;
  readonly #tools: TableTools;
  readonly #owned: OwnedEntries;
  readonly #closing = new AbortController();
  /** By name. */
  #desired = new Map<string, DesiredService>();
  /** The kernel has `#desired`, as far as we know. */
  #isKnown = false;
  #hasChanged = false;
  /** It is being read or changed. */
  #isBusy = false;
  #timer: NodeJS.Timeout | undefined;
  #readAtMs = -Infinity;
  #readAgainAtMs = -Infinity;
  #readingMs = 0;
  #changingMs = 0;
  /** What was said about the table last: it is not repeated at every poll. */
  #said = new Set<string>();

  /** `record`: the file that remembers, across processes, what is ours. */
  constructor(ipvs: Ipvs, record: string, tools: TableTools) {
    this.#ipvs = ipvs;
    this.#tools = tools;
    this.#owned = new OwnedEntries(record, line => tools.warn(line));
  }

  get ipvs(): Ipvs {
    return this.#ipvs;
  }

  /** What is in the table and was made by us or a predecessor, by name. */
  leftovers(): ReadonlyMap<string, SeenService> {
    return new Map(
      this.#readAtOnce()
        .filter(({ key }) => this.#owned.service(key))
        .map(service => {
          const destinations = service.destinations.filter(each =>
            this.#owned.destination(service.key, each),
          );
          return [serviceName(service.key), { ...service, destinations }];
        }),
    );
  }

  /** Whether a predecessor, or we, had this destination in its list, up or down. */
  get owned(): Pick<OwnedEntries, 'destination'> {
    return this.#owned;
  }

  /** `configured`: everything that may be in the table, for the record; written before anything is made. */
  claim(configured: readonly DesiredService[]): void {
    this.#owned.claim(configured);
  }

  /**
   * What is wanted has changed. It is asked for in the next turn of the event loop, or when the last change is paid for:
   * thousands of verdicts may come before.
   */
  want(): void {
    if (this.#hasChanged) return;
    this.#hasChanged = true;
    const costMs = this.#isKnown ? this.#changingMs : this.#readingMs;
    if (!this.#isBusy) this.#schedule(Math.min(costMs, POLL_MS));
  }

  /** `lvs_flush`: removes everything that is not ours. */
  flushForeign(): void {
    const foreign = this.#readAtOnce().filter(({ key }) => !this.#owned.service(key));
    this.#apply(foreign.map(({ key }) => ({ type: 'removeService' as const, key })));
  }

  /** Removes what is ours, or everything. Nothing else follows but `close`. */
  remove(everything: boolean): void {
    this.#stop();
    const keys =
      this.#isKnown && !everything
        ? [...this.#desired.values()].map(({ service }) => service.key)
        : this.#readAtOnce().flatMap(({ key }) => (everything || this.#owned.service(key) ? [key] : []));
    this.#apply(keys.map(key => ({ type: 'removeService' as const, key })));
    this.#owned.forget();
  }

  close(): void {
    this.#stop();
    this.#ipvs.close();
  }

  #stop(): void {
    clearTimeout(this.#timer);
    this.#closing.abort();
  }

  #schedule(afterMs: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#turn(), Math.max(0, afterMs));
  }

  /** What is wanted meanwhile waits for the next turn. */
  async #turn(): Promise<void> {
    const { nowMs } = this.#tools;
    this.#isBusy = true;
    if (this.#isKnown && this.#hasChanged) await this.#change();
    const isDue = !this.#isKnown || nowMs() >= this.#readAgainAtMs;
    if (isDue && !this.#closing.signal.aborted) await this.#read();
    this.#isBusy = false;
    if (this.#closing.signal.aborted) return;
    const isNext = this.#isKnown && this.#hasChanged;
    this.#schedule(isNext ? Math.min(this.#changingMs, POLL_MS) : this.#readAgainAtMs - nowMs());
  }

  /** Changes what we know. */
  async #change(): Promise<void> {
    const startedAtMs = this.#tools.nowMs();
    const before = this.#desired;
    const wanted = this.#takeWanted();
    const actual = wanted.isWhole
      ? [...before.values()]
      : wanted.services.flatMap(({ service }) => before.get(serviceName(service.key)) ?? []);
    const { operations } = reconcile(wanted.services, actual.map(asActual), ALL_OURS);
    await this.#applyKnowingly(operations, wanted.isWhole);
    this.#changingMs = this.#tools.nowMs() - startedAtMs;
    // Whether it came out as we believe is seen soon.
    this.#readAgainAtMs = this.#readAtMs + POLL_COST_FACTOR * this.#readingMs;
  }

  #takeWanted(): Wanted {
    const wanted = this.#tools.wanted();
    this.#hasChanged = false;
    this.#desired = new Map([
      ...(wanted.isWhole ? [] : this.#desired),
      ...wanted.services.map(each => [serviceName(each.service.key), each] as const),
    ]);
    return wanted;
  }

  async #read(): Promise<void> {
    const { nowMs } = this.#tools;
    const startedAtMs = nowMs();
    const pace = { sliceMs: READ_SLICE_MS, pauseMs: 0, nowMs };
    const services = await inSlices(this.#ipvs.servicesInSteps(), pace, this.#closing.signal).then(
      read => this.#valueOf(read),
      () => undefined,
    );
    this.#readAtMs = nowMs();
    this.#readingMs = this.#readAtMs - startedAtMs;
    this.#readAgainAtMs = this.#readAtMs + Math.max(POLL_MS, POLL_COST_FACTOR * this.#readingMs);
    if (!services || this.#closing.signal.aborted) return;
    await this.#mend(services);
    this.#tools.seen(services);
  }

  async #mend(services: readonly SeenService[]): Promise<void> {
    const wasKnown = this.#isKnown;
    if (!wasKnown) this.#takeWanted();
    const desired = [...this.#desired.values()];
    const { operations, foreignServices, foreignDestinations } = reconcile(desired, services, this.#owned);
    if (wasKnown && operations.length > 0)
      this.#tools.warn(
        `the IPVS table was changed by somebody else: ${operations.length} entries are put right`,
      );
    const lines = [
      ...foreignServices.map(key => `virtual service ${serviceName(key)} is not ours and left alone`),
      ...foreignDestinations.map(
        ({ service, key }) =>
          `a real server ${key.address.join('.')} port ${key.port} of ${serviceName(service)} is not ours and left alone`,
      ),
    ];
    const failures = await this.#applyKnowingly(operations, true);
    this.#sayNew([...lines, ...failures]);
  }

  /** Returns what the kernel refused; only without that is the table known. `settles`: there is nothing else of ours then. */
  async #applyKnowingly(operations: readonly Operation[], settles: boolean): Promise<string[]> {
    const { signal } = this.#closing;
    const failures: string[] = [];
    this.#isKnown = false;
    for (let at = 0; at < operations.length && !signal.aborted; at += CHANGES_PER_SLICE) {
      if (at > 0) await new Promise(setImmediate);
      if (!signal.aborted) failures.push(...this.#apply(operations.slice(at, at + CHANGES_PER_SLICE)));
    }
    this.#isKnown = failures.length === 0 && !signal.aborted;
    if (this.#isKnown && settles && !this.#hasChanged) this.#owned.settle();
    return failures;
  }

  #readAtOnce(): readonly SeenService[] {
    return this.#valueOf(this.#ipvs.services()) ?? [];
  }

  #valueOf(read: Result<readonly SeenService[]>): readonly SeenService[] | undefined {
    if (read.ok) return read.value;
    this.#sayNew([`the IPVS table cannot be read: ${read.failure.message}`]);
    return undefined;
  }

  /** Returns what the kernel refused, in words. */
  #apply(operations: readonly Operation[]): string[] {
    if (operations.length === 0) return [];
    return this.#ipvs.apply(operations).flatMap(failure => (failure ? [failure.message] : []));
  }

  #sayNew(lines: readonly string[]): void {
    for (const line of lines) if (!this.#said.has(line)) this.#tools.warn(line);
    this.#said = new Set(lines);
  }
}

function asActual({ service, destinations }: DesiredService): ActualService {
  return { ...service, destinations };
}
