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
  #isReading = false;
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
    if (!this.#isReading) this.#schedule(Math.min(costMs, POLL_MS));
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
    this.#timer = setTimeout(() => this.#turn(), Math.max(0, afterMs));
  }

  #turn(): void {
    if (this.#isKnown && this.#hasChanged) this.#change();
    const waitMs = this.#readAgainAtMs - this.#tools.nowMs();
    if (this.#isKnown && waitMs > 0) this.#schedule(waitMs);
    else void this.#read();
  }

  /** Changes what we know. */
  #change(): void {
    const startedAtMs = this.#tools.nowMs();
    const before = this.#desired;
    const wanted = this.#takeWanted();
    const actual = wanted.isWhole
      ? [...before.values()]
      : wanted.services.flatMap(({ service }) => before.get(serviceName(service.key)) ?? []);
    const failures = this.#apply(reconcile(wanted.services, actual.map(asActual), ALL_OURS).operations);
    this.#isKnown = failures.length === 0;
    if (this.#isKnown && wanted.isWhole) this.#owned.settle();
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

  /** Changes of what is wanted wait until the reading has ended. */
  async #read(): Promise<void> {
    const { nowMs } = this.#tools;
    const { signal } = this.#closing;
    const startedAtMs = nowMs();
    const pace = { sliceMs: READ_SLICE_MS, pauseMs: 0, nowMs };
    this.#isReading = true;
    const services = await inSlices(this.#ipvs.servicesInSteps(), pace, signal).then(
      read => this.#valueOf(read),
      () => undefined,
    );
    this.#isReading = false;
    if (signal.aborted) return;
    this.#readAtMs = nowMs();
    this.#readingMs = this.#readAtMs - startedAtMs;
    this.#readAgainAtMs = this.#readAtMs + Math.max(POLL_MS, POLL_COST_FACTOR * this.#readingMs);
    if (services) {
      this.#mend(services);
      this.#tools.seen(services);
    }
    this.#schedule(this.#isKnown && this.#hasChanged ? 0 : this.#readAgainAtMs - nowMs());
  }

  #mend(services: readonly SeenService[]): void {
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
    const failures = this.#apply(operations);
    this.#sayNew([...lines, ...failures]);
    this.#isKnown = failures.length === 0;
    if (this.#isKnown && !this.#hasChanged) this.#owned.settle();
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
