/**
 * What a running tandemd says about itself over the control socket. Names are keepalived's where it has one; times
 * are milliseconds; wall-clock times are Unix epoch milliseconds and end in `AtMs`, durations and ages end in `Ms`.
 */

/** keepalived's words for the states of RFC 5798 §6.4; INIT only between reading the file and the first event. */
export type InstanceState = 'INIT' | 'BACKUP' | 'MASTER' | 'FAULT';

/** One address that an instance owns while it is MASTER. */
interface VipStatus {
  /** `address/prefix`. */
  readonly address: string;
  readonly dev: string;
  /** True if the kernel says that the address is on `dev` now. */
  readonly present: boolean;
  /** True for `virtual_ipaddress_excluded`: held, but not in the adverts. */
  readonly excluded: boolean;
  /** How often somebody else removed it while we were MASTER. */
  readonly lost: number;
  /** Why the kernel refused it, if it is missing because of that. */
  readonly error: string | null;
}

/** The other router whose adverts were accepted last. */
export interface HeardStatus {
  readonly address: string;
  /** 0–255; 0 is a router that is giving up (RFC 5798 §5.2.4). */
  readonly priority: number;
  /** Time since its last advert. */
  readonly ageMs: number;
}

/** One VRRP instance. */
export interface InstanceStatus {
  readonly name: string;
  readonly state: InstanceState;
  /** When `state` was entered. */
  readonly stateAtMs: number;
  /** Why, in words. */
  readonly reason: string;
  readonly interface: string;
  readonly virtualRouterId: number;
  readonly family: 4 | 6;
  readonly vrrpVersion: 2 | 3;
  readonly cast: 'multicast' | 'unicast';
  /** As configured, 1–255. */
  readonly priority: number;
  /** With the trackers' weights, 1–255. */
  readonly effectivePriority: number;
  readonly advertIntervalMs: number;
  /** The source address of our adverts; null while the interface has none. */
  readonly sourceAddress: string | null;
  /** How long after the last advert a BACKUP takes over; the learned interval counts in version 3. */
  readonly masterDownIntervalMs: number;
  readonly syncGroup: string | null;
  /** Handed over on request: does not preempt until that is taken back, or the peer is gone. */
  readonly handedOver: boolean;
  /** False: it cannot be asked to hand over; only a stop of its daemon gives it away. Absent: it can. */
  readonly canHandOver?: false;
  readonly vips: readonly VipStatus[];
  /** Null until an advert of another router was accepted. */
  readonly heard: HeardStatus | null;
  /** Why the instance is in FAULT; empty otherwise. */
  readonly faults: readonly string[];
  readonly counters: InstanceCounters;
}

/** Counters since the instance was first configured; a reload keeps them. The ones of packets that were refused are by reason. */
export interface InstanceCounters {
  readonly becomeMaster: number;
  readonly releaseMaster: number;
  readonly advertsSent: number;
  readonly advertsReceived: number;
  readonly priorityZeroSent: number;
  readonly priorityZeroReceived: number;
  readonly sendErrors: number;
  /** VIPs put back because somebody else removed them. */
  readonly vipsRestored: number;
  readonly vipErrors: number;
  /** Handovers that nobody took. */
  readonly handoversFailed: number;
  /** Rung of the receive ladder → packets refused there. */
  readonly refused: Readonly<Record<string, number>>;
}

/** One `vrrp_sync_group`. */
export interface SyncGroupStatus {
  readonly name: string;
  readonly state: InstanceState;
  readonly members: readonly string[];
}

/** What the last attempt to load a configuration came to. */
export interface ReloadStatus {
  readonly atMs: number;
  readonly outcome: 'loaded' | 'rejected';
  /** `file:line:column: error: …`, one per line of the answer; of a rejected file all, of a loaded one its warnings. */
  readonly diagnostics: readonly string[];
}

/** The second process, which runs scripts. */
interface WorkerStatus {
  readonly state: 'absent' | 'starting' | 'running' | 'backing-off';
  readonly pid: number | null;
  readonly restarts: number;
  /** Why it was last lost; null if it never was. While it is lost trackers keep their last verdicts. */
  readonly lastLoss: string | null;
}

/** How the kernel schedules the VRRP process. */
export interface SchedulingStatus {
  readonly policy: 'rr' | 'other';
  /** 1–99 under `rr`, otherwise 0. */
  readonly priority: number;
  /** Why it is not `rr` though it should be. */
  readonly degraded: string | null;
}

/** The answer to `status`. */
export interface DaemonStatus {
  /** Absent: tandemd's own account. `keepalived`: what could be learnt from a stock one; what it does not tell is empty. */
  readonly program?: 'keepalived';
  readonly version: string;
  /** The release's id (SHA-256 of its files), or null when run from sources. */
  readonly release: string | null;
  readonly pid: number;
  readonly startedAtMs: number;
  readonly routerId: string;
  readonly configurationFile: string;
  /** SHA-256 of the main file's bytes as they were loaded. */
  readonly configurationSha256: string;
  readonly reload: ReloadStatus;
  readonly scheduling: SchedulingStatus;
  /** How often the VRRP process did not get to its work in time (stopped, no CPU), and for how long at most. */
  readonly stalls?: { readonly count: number; readonly longestMs: number };
  readonly worker: WorkerStatus;
  readonly instances: readonly InstanceStatus[];
  readonly syncGroups: readonly SyncGroupStatus[];
}

/** One reason in the answer to `explain`; its own causes are the `because`. */
export interface Cause {
  /** A full sentence. */
  readonly text: string;
  readonly because: readonly Cause[];
}

/** The answer to `explain`: why an instance is in its state. */
export interface Explanation {
  readonly instance: string;
  readonly state: InstanceState;
  readonly causes: readonly Cause[];
}

/** One line of `subscribe`. */
export type DaemonEvent =
  | {
      readonly type: 'state';
      readonly atMs: number;
      readonly instance: string;
      readonly from: InstanceState;
      readonly to: InstanceState;
      readonly reason: string;
    }
  | {
      readonly type: 'vip';
      readonly atMs: number;
      readonly instance: string;
      readonly address: string;
      readonly change: 'added' | 'removed' | 'failed';
      readonly reason: string;
    }
  | {
      readonly type: 'master';
      readonly atMs: number;
      readonly instance: string;
      readonly address: string;
      readonly priority: number;
    }
  | { readonly type: 'reload'; readonly atMs: number; readonly outcome: 'loaded' | 'rejected' }
  | { readonly type: 'worker'; readonly atMs: number; readonly state: WorkerStatus['state'] };

/** The answer to `handover`: who was heard as MASTER afterwards. */
export interface HandoverResult {
  readonly instance: string;
  /** Null only when a handover was taken back and nobody has been heard. */
  readonly master: HeardStatus | null;
  /** From the request to the first advert of the new master. */
  readonly tookMs: number;
}
