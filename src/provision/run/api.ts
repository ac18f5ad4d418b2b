/** What the commands ask of the runner, and what they get. */
import { hostname, userInfo } from 'node:os';
import type { EventSink, HostTally } from '#control/events.ts';
import type { DepartureOrders } from '#provision/model/departures.ts';
import type { HostPlan } from '#provision/model/plan.ts';
import { HOST_PATHS, type HostPaths } from '#provision/model/program.ts';
import type { Ask, RunCluster, RunHost, Transport } from './ports.ts';
import type { RetireOptions } from './retire.ts';

/** What all hosts of a run share. */
export interface RunContext {
  readonly transport: Transport;
  readonly emit: EventSink;
  readonly ask: Ask;
  readonly redact: (text: string) => string;
  readonly settings: RunSettings;
  readonly signal: AbortSignal | undefined;
}

/** How every command goes about its hosts. */
interface RunSettings {
  /** Hosts that are talked to at the same time. */
  readonly forks: number;
  /** How long to wait for another run's lock, milliseconds; 0 does not wait. */
  readonly lockTimeoutMs: number;
  /** A program that neither reads nor answers for so long is given up, milliseconds. */
  readonly silenceTimeoutMs: number;
  /** How soon a host takes back a change that may have cut our connection, unless a new one succeeds; milliseconds. */
  readonly selfRevertMs: number;
  /** How long two hosts may be MASTER after a start: an election is over within an advertisement of the better one. */
  readonly rivalryMs: number;
  /** Where Tandem keeps its things on a host. */
  readonly paths: HostPaths;
  /** Who holds the lock, for others to read: `ann@desk`. */
  readonly owner: string;
}

/** What `--forks`, `--lock-timeout` and `--timeout` are when they are not given. */
const DEFAULT_SETTINGS: Omit<RunSettings, 'owner'> = {
  forks: 20,
  lockTimeoutMs: 60_000,
  silenceTimeoutMs: 300_000,
  selfRevertMs: 45_000,
  rivalryMs: 5000,
  paths: HOST_PATHS,
};

/** What every command of the runner takes. */
export interface CommonOptions {
  readonly transport: Transport;
  readonly emit: EventSink;
  /** Asks on the terminal (sudo's password); absent where there is none. */
  readonly ask?: Ask;
  /** Masks secrets in what hosts say; see `redactor` of provision/model. Default: nothing is masked. */
  readonly redact?: (text: string) => string;
  readonly settings?: Partial<RunSettings>;
  /** Stops the run cleanly between two steps. */
  readonly signal?: AbortSignal;
}

/** Who runs this, for others to read: `ann@desk`. */
export function contextOwner(): string {
  return `${userInfo().username}@${hostname()}`;
}

/** The same with what was left out filled in. */
export function contextOf(options: CommonOptions): RunContext {
  const owner = contextOwner();
  return {
    transport: options.transport,
    emit: options.emit,
    ask: options.ask ?? (() => Promise.resolve(undefined)),
    redact: options.redact ?? (text => text),
    settings: { ...DEFAULT_SETTINGS, owner, ...options.settings },
    signal: options.signal,
  };
}

export interface ApplyOptions extends CommonOptions {
  /** For the events: `apply`, `plan`, `teardown`. */
  readonly command: string;
  /** All members of all clusters, also those outside the limit. */
  readonly hosts: readonly RunHost[];
  readonly clusters: readonly RunCluster[];
  /** Stop after the plan. */
  readonly check?: boolean;
  /** `--allow-unprotected`: how long a cluster may be without redundancy for a change its routers cannot speak across. */
  readonly allowUnprotectedSeconds?: number;
  /** `--force-degraded`: disturb a cluster though a member is unreachable or not healthy. */
  readonly forceDegraded?: boolean;
  /**
   * The planners' playbook takes down what is there (module `teardown`): backups first, then masters, without a
   * switchover, as a clean stop hands over by itself. `yes`: clusters that may lose a host which serves (`--yes`).
   */
  readonly teardown?: { readonly yes: readonly string[] };
  /** Real servers that leave the clusters named, or come back; with `teardown`, before they are taken down. */
  readonly retire?: RetireOptions & { readonly clusters: readonly string[] };
  /** What the planners were told of real servers that leave. */
  readonly departures?: DepartureOrders;
}

/** What became of one host. */
export interface HostReport {
  readonly tally: HostTally;
  /** All rounds' plans, in order. */
  readonly plans: readonly HostPlan[];
  readonly failure?: { readonly step: string; readonly message: string; readonly unreachable: boolean };
}

export interface RunReport {
  /** 0 fine, 1 failed, 2 changes pending (check), 3 unreachable, 64 unusable variables; the first of 64, 3, 1, 2. */
  readonly exitCode: number;
  readonly elapsedMs: number;
  readonly hosts: ReadonlyMap<string, HostReport>;
}
