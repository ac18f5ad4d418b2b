import type { Family } from '#base/address.ts';
import type { Position } from '#base/position.ts';
import type { ScriptCommand } from './model.ts';

/** Where a virtual or real server listens; port 0 means every port. */
interface ServerAddress {
  readonly address: Uint8Array;
  readonly port: number;
}

/** One line of a `virtual_server_group`. */
type VirtualServerGroupEntry =
  | { readonly kind: 'range'; readonly first: Uint8Array; readonly last: Uint8Array; readonly port: number }
  | { readonly kind: 'fwmark'; readonly fwmark: number; readonly family: Family | undefined };

export interface VirtualServerGroup {
  readonly name: string;
  readonly entries: readonly VirtualServerGroupEntry[];
  readonly position: Position;
}

type VirtualServerKey =
  | ({ readonly kind: 'address' } & ServerAddress)
  | { readonly kind: 'fwmark'; readonly fwmark: number }
  | { readonly kind: 'group'; readonly group: string };

/** `lvs_method` (`lb_kind`). */
type ForwardingMethod =
  | { readonly kind: 'NAT' | 'DR' }
  | {
      readonly kind: 'TUN';
      readonly type: 'ipip' | 'gue' | 'gre';
      /** With gue. */
      readonly port: number | undefined;
      readonly checksum: 'nocsum' | 'csum' | 'remcsum';
    };

/** Timing that a checker inherits: virtual server → real server → checker. */
export interface CheckTiming {
  readonly alpha: boolean;
  readonly connectTimeoutMs: number;
  readonly retry: number;
  readonly delayBeforeRetryMs: number;
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
  readonly omega: boolean;
  readonly quorum: number;
  readonly hysteresis: number;
  readonly quorumUp: ScriptCommand | undefined;
  readonly quorumDown: ScriptCommand | undefined;
  readonly sorryServer:
    (ServerAddress & { readonly forwarding: ForwardingMethod; readonly inhibit: boolean }) | undefined;
  readonly realServers: readonly RealServer[];
}

interface RealServer extends ServerAddress {
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
  /** First and last offset in the body, in bytes, at which a match may begin. */
  readonly regexMinOffset: number;
  readonly regexMaxOffset: number | undefined;
}

/** A health check of a real server. */
export type Checker =
  | (CheckerBase & CheckConnection & { readonly kind: 'TCP_CHECK' | 'PING_CHECK' })
  | (CheckerBase &
      CheckConnection & {
        readonly kind: 'HTTP_GET' | 'SSL_GET';
        readonly httpProtocol: '1.0' | '1.0C' | '1.1';
        readonly fastRecovery: boolean;
        readonly enableSni: boolean;
        readonly urls: readonly HttpUrl[];
      })
  | (CheckerBase & CheckConnection & { readonly kind: 'SMTP_CHECK'; readonly heloName: string | undefined })
  | (CheckerBase &
      CheckConnection & { readonly kind: 'DNS_CHECK'; readonly type: string; readonly name: string })
  | (CheckerBase &
      CheckConnection & {
        readonly kind: 'UDP_CHECK';
        readonly payload: Uint8Array | undefined;
        readonly requireReply: boolean;
        /** What the reply must begin with, as the configuration has it: hexadecimal, `x` for four bits that do not count. */
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
      /** The path that the `track_file` of that name has. */
      readonly trackFile: string;
      readonly weight: number;
      readonly reverse: boolean;
    });
