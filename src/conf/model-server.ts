import type { Family } from '#base/address.ts';
import type { Position } from '#base/position.ts';
import type { ScriptCommand } from './model.ts';
import type { SecretBytes } from './secret.ts';

/** Where a virtual or real server listens; port 0 means every port. */
export interface ServerAddress {
  readonly address: Uint8Array;
  readonly port: number;
}

/** One line of a `virtual_server_group`. */
export type VirtualServerGroupEntry =
  | { readonly kind: 'range'; readonly first: Uint8Array; readonly last: Uint8Array; readonly port: number }
  | { readonly kind: 'fwmark'; readonly fwmark: number; readonly family: Family | undefined };

export interface VirtualServerGroup {
  readonly name: string;
  readonly entries: readonly VirtualServerGroupEntry[];
  readonly position: Position;
}

export type VirtualServerKey =
  | ({ readonly kind: 'address' } & ServerAddress)
  | { readonly kind: 'fwmark'; readonly fwmark: number }
  | { readonly kind: 'group'; readonly group: string };

/** `lvs_method` (`lb_kind`). */
export type ForwardingMethod =
  | { readonly kind: 'NAT' | 'DR' }
  | {
      readonly kind: 'TUN';
      readonly type: 'ipip' | 'gue' | 'gre';
      /** With gue. */
      readonly port: number | undefined;
      readonly checksum: 'nocsum' | 'csum' | 'remcsum';
    };

/** Timing that a checker inherits: virtual server → real server → checker → the checker's own default. */
export interface CheckTiming {
  /** Down until the first success. */
  readonly alpha: boolean;
  readonly connectTimeoutMs: number;
  /** Further attempts before a failure counts. */
  readonly retry: number;
  readonly delayBeforeRetryMs: number;
  /** Greatest random delay of the first attempt. */
  readonly warmupMs: number;
  readonly delayLoopMs: number;
}

export interface VirtualServer {
  readonly key: VirtualServerKey;
  readonly family: Family;
  readonly position: Position;
  readonly protocol: 'TCP' | 'UDP' | 'SCTP';
  /** `lvs_sched` (`lb_algo`). Default wlc. */
  readonly scheduler: string;
  readonly schedulerFlags: readonly string[];
  readonly forwarding: ForwardingMethod;
  readonly ops: boolean;
  readonly persistenceTimeoutS: number | undefined;
  readonly persistenceGranularity: Uint8Array | number | undefined;
  readonly persistenceEngine: string | undefined;
  readonly haSuspend: boolean;
  readonly smtpAlert: boolean;
  /** Down scripts run when the daemon stops. */
  readonly omega: boolean;
  readonly quorum: number;
  readonly hysteresis: number;
  readonly quorumUp: ScriptCommand | undefined;
  readonly quorumDown: ScriptCommand | undefined;
  readonly sorryServer: SorryServer | undefined;
  /**
   * `drain_timeout`, ours: how long a real server that a reload removed keeps its connections (weight 0), unless they
   * end sooner. undefined: removed at once.
   */
  readonly drainTimeoutMs: number | undefined;
  readonly realServers: readonly RealServer[];
}

/** `sorry_server`: not checked. */
export interface SorryServer extends ServerAddress {
  readonly forwarding: ForwardingMethod;
  /** It stays in the table with weight 0 while it is not needed. */
  readonly inhibit: boolean;
}

/** `real_server`. */
export interface RealServer extends ServerAddress {
  readonly position: Position;
  readonly weight: number;
  readonly forwarding: ForwardingMethod;
  readonly inhibitOnFailure: boolean;
  /** 0: no limit. */
  readonly uthreshold: number;
  readonly lthreshold: number;
  readonly notifyUp: ScriptCommand | undefined;
  readonly notifyDown: ScriptCommand | undefined;
  readonly smtpAlert: boolean;
  readonly checkers: readonly Checker[];
}

/** Where a checker connects from and to. */
export interface CheckConnection {
  readonly connect: ServerAddress;
  readonly bindto: Uint8Array | undefined;
  readonly bindPort: number | undefined;
  readonly bindIf: string | undefined;
  readonly fwmark: number | undefined;
}

interface CheckerBase extends CheckTiming {
  readonly position: Position;
  readonly logAllFailures: boolean;
}

/** `url` of HTTP_GET and SSL_GET. */
export interface HttpUrl {
  readonly path: string;
  /** Hexadecimal MD5 of the body. */
  readonly digest: string | undefined;
  /** Default 200–299. */
  readonly statusCodes: readonly { readonly first: number; readonly last: number }[];
  readonly virtualhost: string | undefined;
  readonly regex: string | undefined;
  readonly regexNoMatch: boolean;
  readonly regexOptions: readonly string[];
  /** Offsets in the body between which matching begins; undefined: anywhere. */
  readonly regexMinOffset: number | undefined;
  readonly regexMaxOffset: number | undefined;
}

/** `SSL`: how SSL_GET presents itself; without it no certificate is shown and none is verified. */
export interface SslSettings {
  readonly password: SecretBytes | undefined;
  readonly ca: string | undefined;
  readonly certificate: string | undefined;
  readonly key: string | undefined;
}

/** A health check of a real server, with every default and inherited value filled in. */
export type Checker =
  | (CheckerBase & CheckConnection & { readonly kind: 'TCP_CHECK' | 'PING_CHECK' })
  | (CheckerBase &
      CheckConnection & {
        readonly kind: 'HTTP_GET' | 'SSL_GET';
        readonly httpProtocol: '1.0' | '1.0C' | '1.1';
        readonly fastRecovery: boolean;
        readonly enableSni: boolean;
        readonly urls: readonly HttpUrl[];
        /** With SSL_GET, if there is an `SSL` block. */
        readonly ssl: SslSettings | undefined;
      })
  | (CheckerBase & CheckConnection & { readonly kind: 'SMTP_CHECK'; readonly heloName: string | undefined })
  | (CheckerBase &
      CheckConnection & { readonly kind: 'DNS_CHECK'; readonly type: string; readonly name: string })
  | (CheckerBase &
      CheckConnection & {
        readonly kind: 'UDP_CHECK';
        readonly payload: Uint8Array | undefined;
        readonly requireReply: boolean;
        readonly replyPattern: string | undefined;
        readonly minReplyLength: number;
        readonly maxReplyLength: number;
      })
  | (CheckerBase & {
      readonly kind: 'MISC_CHECK';
      readonly miscPath: ScriptCommand;
      readonly miscTimeoutMs: number;
      readonly miscDynamic: boolean;
    })
  | (CheckerBase & {
      readonly kind: 'FILE_CHECK';
      /** Name of the track_file. */
      readonly trackFile: string;
      /** Its path. */
      readonly file: string;
      readonly weight: number;
      readonly reverse: boolean;
      /** The value times the weight changes the real server's weight. */
      readonly dynamic: boolean;
    });
