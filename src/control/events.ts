/**
 * The one stream of events that a run of the provisioner emits. The terminal, plain-line and JSON renderers are
 * three sinks of it; `--json` prints each event as one line. Nothing in an event is secret: senders redact.
 */
import type { Diagnostic } from '#base/errors.ts';

/** What a task came to on one host, in Ansible's words, plus `pending` (check mode) and `unknown` (behind a barrier). */
export type TaskStatus = 'ok' | 'changed' | 'pending' | 'unknown' | 'skipped' | 'failed';

/** Everything a summary line says about a host. */
export interface HostTally {
  readonly ok: number;
  readonly changed: number;
  readonly pending: number;
  readonly unknown: number;
  readonly skipped: number;
  readonly failed: number;
}

/** One difference, already redacted: a text diff, or an attribute from → to. */
export interface ShownChange {
  /** For instance `file:/etc/tandem/keepalived.conf` or `sysctl:net.ipv4.ip_forward`. */
  readonly resource: string;
  readonly summary: string;
  /** Whole texts where a line diff makes sense; absent where content is binary or secret. */
  readonly before?: string;
  readonly after?: string;
  readonly effect: 'none' | 'reload' | 'restart' | 'connectivity';
}

export type RunEvent =
  | {
      readonly type: 'run-start';
      readonly command: string;
      readonly check: boolean;
      readonly hosts: readonly string[];
      readonly clusters: readonly { readonly name: string; readonly hosts: readonly string[] }[];
    }
  | { readonly type: 'diagnostic'; readonly diagnostic: Diagnostic }
  | {
      readonly type: 'host-connected';
      readonly host: string;
      readonly transport: string;
      readonly elapsedMs: number;
    }
  | {
      readonly type: 'host-phase';
      readonly host: string;
      readonly phase: HostPhase;
      readonly detail?: string;
    }
  | {
      readonly type: 'task';
      readonly host: string;
      readonly role: string | undefined;
      readonly task: string;
      readonly status: TaskStatus;
      readonly changes: readonly ShownChange[];
      /** Why it was skipped, is unknown, or failed. */
      readonly reason?: string;
    }
  | {
      readonly type: 'upload';
      readonly host: string;
      readonly what: string;
      readonly sent: number;
      readonly total: number;
    }
  | {
      readonly type: 'handler';
      readonly host: string;
      readonly handler: string;
      readonly status: 'ran' | 'pending' | 'failed';
    }
  | {
      readonly type: 'gate';
      readonly host: string;
      readonly gate: string;
      readonly status: 'waiting' | 'passed' | 'failed';
      readonly elapsedMs: number;
      readonly detail?: string;
    }
  | {
      readonly type: 'switchover';
      readonly cluster: string;
      readonly from: string;
      readonly instances: readonly string[];
    }
  | {
      /** What `tandem failover` came to; its last event. */
      readonly type: 'failover';
      readonly cluster: string;
      /** The instance that was named, and the others of its sync group. */
      readonly instances: readonly string[];
      /** `unchanged`: it was where it should be. `refused`: nothing was disturbed. */
      readonly status: 'done' | 'unchanged' | 'refused' | 'failed';
      /** Absent where nobody, or more than one host, was MASTER. */
      readonly from?: string;
      readonly to?: string;
      /** True if `from` has the higher priority and does not preempt until it is told to. */
      readonly held: boolean;
      /** From the request until the new master held every VIP; 0 if nothing was disturbed. */
      readonly elapsedMs: number;
      /** What was done, or why not, and the way on. */
      readonly message: string;
      readonly exitCode: number;
    }
  | {
      /** A change across which the routers of a cluster do not understand each other: backups stopped meanwhile. */
      readonly type: 'wire-breaking';
      readonly cluster: string;
      readonly instances: readonly { readonly instance: string; readonly keywords: readonly string[] }[];
      /** How long, about, nobody could take over. */
      readonly expectedSeconds: number;
      /** `refused`: only with `--allow-unprotected` of at least so many seconds. */
      readonly status: 'planned' | 'refused' | 'started' | 'done';
      /** `done`: how long it was. */
      readonly elapsedMs?: number;
    }
  | {
      /** Real servers leave a cluster's directors, or a director its cluster; or they are back. */
      readonly type: 'drain';
      readonly cluster: string;
      readonly hosts: readonly string[];
      /**
       * `yielded`: MASTER of nothing; `draining`: no new connections, and so many are open; `drained`: none is any more; `removed`: the directors have
       * forgotten them; `undrained`: they serve again.
       */
      readonly status: 'yielded' | 'draining' | 'drained' | 'removed' | 'undrained';
      readonly connections: number;
      readonly elapsedMs: number;
    }
  | { readonly type: 'warning'; readonly host?: string; readonly message: string }
  | {
      readonly type: 'host-failed';
      readonly host: string;
      readonly step: string;
      readonly message: string;
      readonly unreachable: boolean;
    }
  | { readonly type: 'host-done'; readonly host: string; readonly tally: HostTally }
  | {
      readonly type: 'run-done';
      readonly exitCode: number;
      readonly elapsedMs: number;
      readonly totals: HostTally;
    };

/** Where a host is in a run. */
export type HostPhase =
  'connecting' | 'probing' | 'planned' | 'staging' | 'waiting-turn' | 'turn' | 'verifying' | 'done';

/** Receives the events of a run, in order. */
export type EventSink = (event: RunEvent) => void;
