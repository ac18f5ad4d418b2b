import type { Position } from '#base/position.ts';
import type { ScriptCommand, VrrpVersion } from './model.ts';

/** `smtp_server` and what mail needs. */
export interface MailSettings {
  readonly notificationEmail: readonly string[];
  /** Default `keepalived@<local host name>`; undefined when not configured. */
  readonly notificationEmailFrom: string | undefined;
  /** Name or address. */
  readonly smtpServer: string | undefined;
  /** Default 25. */
  readonly smtpPort: number;
  readonly smtpHeloName: string | undefined;
  /** Default 30000. */
  readonly smtpConnectTimeoutMs: number;
  readonly noEmailFaults: boolean;
}

/** A FIFO for event lines, and the script that reads it. */
export interface NotifyFifo {
  readonly path: string;
  readonly user: string | undefined;
  readonly group: string | undefined;
  readonly script: ScriptCommand | undefined;
}

/** Scheduling of the VRRP process. */
export interface ProcessSettings {
  /** Nice value, -20…19. */
  readonly vrrpPriority: number | undefined;
  /** SCHED_RR priority, 1–99. */
  readonly vrrpRtPriority: number | undefined;
  readonly vrrpNoSwap: boolean;
  readonly vrrpCpuAffinity: readonly number[];
  /** 0: never raise the priority. */
  readonly maxAutoPriority: number;
  /** How late the process must have been for its priority to be raised. */
  readonly minAutoPriorityDelayMs: number;
}

/** `lvs_sync_daemon`. */
interface LvsSyncDaemon {
  readonly interface: string;
  readonly instance: string | undefined;
  /** 0–255; undefined: the instance's virtual_router_id. */
  readonly id: number | undefined;
  readonly maxlen: number | undefined;
  readonly port: number | undefined;
  readonly ttl: number | undefined;
  readonly group: Uint8Array | undefined;
  readonly position: Position;
}

/** `global_defs`, and the few keywords that stand at the top level beside it. */
export interface GlobalDefs {
  readonly routerId: string;
  /** Not reloadable. */
  readonly netNamespace: string | undefined;
  readonly netNamespaceIpvs: string | undefined;
  /** Not reloadable. */
  readonly instance: string | undefined;
  readonly usePidDir: boolean;
  readonly mail: MailSettings;
  readonly smtpAlert: boolean | undefined;
  readonly smtpAlertVrrp: boolean | undefined;
  readonly smtpAlertChecker: boolean | undefined;
  readonly startupScript: ScriptCommand | undefined;
  readonly startupScriptTimeoutMs: number;
  readonly shutdownScript: ScriptCommand | undefined;
  readonly shutdownScriptTimeoutMs: number;
  readonly notifyFifo: NotifyFifo | undefined;
  readonly vrrpNotifyFifo: NotifyFifo | undefined;
  readonly lvsNotifyFifo: NotifyFifo | undefined;
  readonly vrrpNotifyPriorityChanges: boolean;
  readonly fifoWriteVrrpStatesOnReload: boolean;
  /** undefined: keepalived_script if that user exists, else root. */
  readonly scriptUser: string | undefined;
  readonly scriptGroup: string | undefined;
  readonly enableScriptSecurity: boolean;
  /** Adverts are drained and ignored for this long after start. */
  readonly vrrpStartupDelayMs: number;
  /** As vrrp_startup_delay, counted from the boot of the host (keepalived 2.4). */
  readonly vrrpDelayAfterBootMs: number;
  readonly vrrpVersion: VrrpVersion;
  readonly vrrpStrict: boolean;
  readonly vrrpMcastGroup4: Uint8Array;
  readonly vrrpMcastGroup6: Uint8Array;
  /** Pause between gratuitous ARPs on one interface. */
  readonly vrrpGarpIntervalMs: number;
  /** Pause between unsolicited neighbour advertisements on one interface. */
  readonly vrrpGnaIntervalMs: number;
  readonly defaultInterface: string;
  readonly dynamicInterfaces: 'off' | 'on' | 'allow_if_changes';
  readonly linkbeatUsePolling: boolean;
  readonly logUnknownVrids: boolean;
  readonly vmacPrefix: string;
  readonly vmacAddrPrefix: string;
  readonly process: ProcessSettings;
  readonly reloadCheckConfig: boolean;
  /** Path to write the check's log to. */
  readonly reloadCheckConfigLog: string | undefined;
  /** Path, or `true` for the default name. */
  readonly reloadFile: string | boolean;
  /** Table name when `nftables` names one. Default keepalived. */
  readonly nftables: string;
  readonly lvsFlush: boolean;
  readonly lvsFlushOnStop: 'off' | 'on' | 'VS';
  readonly lvsTimeouts: {
    readonly tcpS: number | undefined;
    readonly tcpfinS: number | undefined;
    readonly udpS: number | undefined;
  };
  readonly lvsSyncDaemon: LvsSyncDaemon | undefined;
  readonly checkerLogAllFailures: boolean;
  readonly position: Position;
}
