import type { Ipvs } from '#linux/ports.ts';
import { serviceName } from '#lvs/keys.ts';
import type { SeenService } from '#lvs/ports.ts';
import { type DesiredService, reconcile } from '#lvs/reconcile.ts';
import { OwnedEntries } from './owned-entries.ts';

/** How often the table is read, to mend what somebody else changed. */
const POLL_MS = 1000;
/** Reading a large table may take no more than this part of the time. */
const POLL_COST_FACTOR = 20;

export interface TableTools {
  readonly nowMs: () => number;
  readonly warn: (line: string) => void;
  /** The table has been read. */
  readonly seen: (services: readonly SeenService[]) => void;
}

/** Keeps the kernel's table as it should be: reads it, applies only the difference, and reads it again and again. */
export class IpvsTable {
  readonly #ipvs: Ipvs;
  readonly #tools: TableTools;
  readonly #owned: OwnedEntries;
  #desired: readonly DesiredService[] = [];
  /** Computes what is wanted; undefined when `#desired` is that. */
  #wanted: (() => readonly DesiredService[]) | undefined;
  #timer: NodeJS.Timeout | undefined;
  #costMs = 0;
  /** What was said about the table last: it is not repeated at every poll. */
  #said = new Set<string>();
  #mends = false;

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
    const services = this.#read() ?? [];
    return new Map(
      services
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
   * Another table is wanted from now on; it is made in the next turn of the event loop, or when the last one is paid for.
   * Only then is it computed: thousands of verdicts may come before.
   */
  want(desired: () => readonly DesiredService[]): void {
    this.#wanted = desired;
    this.#mends = false;
    this.#schedule(Math.min(this.#costMs, POLL_MS));
  }

  /** `lvs_flush`: removes everything that is not ours. */
  flushForeign(): void {
    const foreign = (this.#read() ?? []).filter(({ key }) => !this.#owned.service(key));
    this.#apply(foreign.map(({ key }) => ({ type: 'removeService' as const, key })));
  }

  /** Removes what is ours, or everything. */
  remove(everything: boolean): void {
    clearTimeout(this.#timer);
    const services = (this.#read() ?? []).filter(({ key }) => everything || this.#owned.service(key));
    this.#apply(services.map(({ key }) => ({ type: 'removeService' as const, key })));
    this.#owned.forget();
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#ipvs.close();
  }

  #schedule(afterMs: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#sync(), afterMs);
  }

  #sync(): void {
    const startedAtMs = this.#tools.nowMs();
    const services = this.#read();
    if (services) {
      this.#desired = this.#wanted?.() ?? this.#desired;
      this.#wanted = undefined;
      const { operations, foreignServices, foreignDestinations } = reconcile(
        this.#desired,
        services,
        this.#owned,
      );
      if (this.#mends && operations.length > 0)
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
      this.#mends = failures.length === 0;
      if (failures.length === 0) this.#owned.settle();
      this.#tools.seen(services);
    }
    this.#costMs = this.#tools.nowMs() - startedAtMs;
    this.#schedule(Math.max(POLL_MS, POLL_COST_FACTOR * this.#costMs));
  }

  #read(): readonly SeenService[] | undefined {
    const read = this.#ipvs.services();
    if (read.ok) return read.value;
    this.#sayNew([`the IPVS table cannot be read: ${read.failure.message}`]);
    return undefined;
  }

  /** Returns what the kernel refused, in words. */
  #apply(operations: Parameters<Ipvs['apply']>[0]): string[] {
    if (operations.length === 0) return [];
    return this.#ipvs.apply(operations).flatMap(failure => (failure ? [failure.message] : []));
  }

  #sayNew(lines: readonly string[]): void {
    for (const line of lines) if (!this.#said.has(line)) this.#tools.warn(line);
    this.#said = new Set(lines);
  }
}
