import type { Family } from '#base/address.ts';

/**
 * IPVS as values: what the kernel's table holds and what changes it. `#linux/ipvs.ts` reads and executes them,
 * `#testing` has a table in memory; this folder computes operations from what is wanted and what is there.
 */

/** Transport protocol of an address service. */
export type Transport = 'TCP' | 'UDP' | 'SCTP';

/** What names a service in the kernel: an address, protocol and port (0: every port), or a firewall mark. */
export type ServiceKey =
  | {
      readonly kind: 'address';
      readonly family: Family;
      readonly transport: Transport;
      /** 4 or 16 bytes. */
      readonly address: Uint8Array;
      readonly port: number;
    }
  | { readonly kind: 'fwmark'; readonly family: Family; readonly fwmark: number };

/** `IP_VS_SVC_F_*` that a configuration can set; persistence follows from `persistenceTimeoutS`, hashing is the kernel's. */
interface ServiceFlags {
  /** One-packet scheduling (`ops`, UDP). */
  readonly onePacket: boolean;
  /** `IP_VS_SVC_F_SCHED1…3`: `sh-fallback`/`mh-fallback`, `sh-port`/`mh-port`, `flag-3`. */
  readonly scheduler1: boolean;
  readonly scheduler2: boolean;
  readonly scheduler3: boolean;
}

/** A virtual service without its destinations. */
export interface Service extends ServiceFlags {
  readonly key: ServiceKey;
  /** Name of a scheduler: `rr`, `wrr`, `lc`, … */
  readonly scheduler: string;
  /** Seconds; 0: not persistent. */
  readonly persistenceTimeoutS: number;
  /** Persistence granularity: bits of the client's address that count, 32 (IPv4) or 128 (IPv6) for all. */
  readonly persistencePrefix: number;
  /** `sip`, or none. */
  readonly persistenceEngine: string | undefined;
}

/** How packets reach a destination (`lvs_method`). Local destinations show as `local` in the kernel only. */
export type Forwarding =
  | { readonly method: 'NAT' | 'DR' | 'LOCAL' | 'BYPASS' }
  | {
      readonly method: 'TUN';
      readonly type: 'ipip' | 'gue' | 'gre';
      /** With gue; 0 otherwise. */
      readonly port: number;
      readonly checksum: 'nocsum' | 'csum' | 'remcsum';
    };

/** What names a destination within its service. */
export interface DestinationKey {
  /** 4 or 16 bytes; its family may differ from the service's (tunnels). */
  readonly address: Uint8Array;
  readonly port: number;
}

/** A real server in the kernel's table. */
export interface Destination extends DestinationKey {
  readonly forwarding: Forwarding;
  /** 0–65535; 0: no new connections. */
  readonly weight: number;
  /** Connections; 0: no limit. */
  readonly upperThreshold: number;
  readonly lowerThreshold: number;
}

/** Counters since the service or destination was made, or was zeroed; the kernel adds them up every two seconds. */
export interface Traffic {
  readonly connections: number;
  readonly packetsIn: number;
  readonly packetsOut: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
}

export interface SeenDestination extends Destination {
  readonly activeConnections: number;
  readonly inactiveConnections: number;
  readonly persistentConnections: number;
  readonly traffic: Traffic;
}

export interface SeenService extends Service {
  readonly traffic: Traffic;
  readonly destinations: readonly SeenDestination[];
}

/** One change of the kernel's table. */
export type Operation =
  | { readonly type: 'addService' | 'editService'; readonly service: Service }
  | { readonly type: 'removeService'; readonly key: ServiceKey }
  | {
      readonly type: 'addDestination' | 'editDestination';
      readonly key: ServiceKey;
      readonly destination: Destination;
    }
  | { readonly type: 'removeDestination'; readonly key: ServiceKey; readonly destination: DestinationKey }
  | { readonly type: 'zero'; readonly key: ServiceKey | undefined };

/** `lvs_timeouts`, seconds; undefined: left as it is. */
export interface Timeouts {
  readonly tcpS: number | undefined;
  readonly tcpFinS: number | undefined;
  readonly udpS: number | undefined;
}

/** `lvs_sync_daemon`: one side of the connection table's synchronisation. */
export interface SyncDaemon {
  readonly role: 'master' | 'backup';
  readonly interfaceName: string;
  /** 0–255. */
  readonly syncId: number;
  /** Longest datagram in bytes; undefined: the kernel's choice. */
  readonly maxLength: number | undefined;
  /** Port; undefined: 8848. */
  readonly port: number | undefined;
  /** 1–255; undefined: 1. */
  readonly ttl: number | undefined;
  /** Multicast group, 4 or 16 bytes; undefined: 224.0.0.81. */
  readonly group: Uint8Array | undefined;
}
