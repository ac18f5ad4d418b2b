import type { DaemonStatus } from './status.ts';

/** Counters of the kernel since the virtual server was made. */
interface TrafficStatus {
  readonly connections: number;
  readonly packetsIn: number;
  readonly packetsOut: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
}

/** A health checker of a real server. */
interface CheckerReport {
  /** keepalived's name: `HTTP_GET`. */
  readonly kind: string;
  readonly up: boolean;
  /** What the last attempt saw: `connection refused by 10.0.0.1:80`; empty before the first. */
  readonly said: string;
  readonly attempts: number;
  readonly failures: number;
  readonly failuresInARow: number;
  /** Null before the first. */
  readonly lastAttemptAgeMs: number | null;
  readonly lastChangeAgeMs: number | null;
}

/** One `real_server`. */
export interface RealServerStatus {
  /** keepalived's: `[10.0.0.1]:tcp:80`. */
  readonly name: string;
  readonly up: boolean;
  /** As the configuration and the checkers ask, 0–65535. */
  readonly weight: number;
  /** Null: it is not in the kernel's table. */
  readonly weightInKernel: number | null;
  readonly activeConnections: number;
  readonly inactiveConnections: number;
  readonly traffic: TrafficStatus;
  readonly checkers: readonly CheckerReport[];
}

/** One `virtual_server`. */
export interface VirtualServerStatus {
  /** keepalived's: `[10.0.0.1]:tcp:80`, `FWM 5`, `[group]:0`. */
  readonly name: string;
  readonly protocol: string;
  readonly quorate: boolean;
  /** Sum of the weights of real servers that are up. */
  readonly liveWeight: number;
  readonly quorum: number;
  /** The sorry server stands in for all real servers. */
  readonly sorry: boolean;
  /** `ha_suspend`: its address is not here, so nothing is checked. */
  readonly suspended: boolean;
  /** False: the kernel does not have it (yet, or it has no IPVS). */
  readonly inKernel: boolean;
  /** Real servers that were removed and finish their connections. */
  readonly draining: readonly string[];
  readonly traffic: TrafficStatus;
  readonly realServers: readonly RealServerStatus[];
}

/** What `tandemd status --json` prints: both accounts in one; without virtual servers where the worker does not answer. */
export type LiveStatus = DaemonStatus & { readonly virtualServers?: readonly VirtualServerStatus[] };
