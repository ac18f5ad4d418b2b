import type { Family } from '#base/address.ts';
import type { Config, VirtualAddress, VrrpInstance, VrrpSyncGroup } from '#conf/model.ts';
import type { AdvertisementPacket } from '#wire/vrrp-packet.ts';
import type { Authenticator } from './authenticator.ts';
import type { RouterCounters, SegmentCounters } from './counters.ts';
import type { PacketReader } from './ladder.ts';
import type { Heard } from './router-event.ts';
import type { TrackerState } from './tracking.ts';
import type { Turn } from './turn.ts';

/**
 * States of a virtual router: RFC 5798 §6.4's three, keepalived's Fault, and Releasing: a master that has sent priority
 * 0 for a planned handover, sends no more advertisements, and keeps its addresses until the next master is heard.
 */
export const ROUTER_STATES = ['Initialize', 'Backup', 'Master', 'Releasing', 'Fault'] as const;
export type RouterState = (typeof ROUTER_STATES)[number];

/** A deadline that is not running. */
export const NEVER = Number.POSITIVE_INFINITY;

/** Deadlines in ms on the shell's monotonic clock; {@link NEVER} when not running. */
interface Timers {
  /** Initialize: end of `vrrp_startup_delay`. */
  startAtMs: number;
  /** Backup: Active_Down_Timer (RFC 9568 §6.1), Master_Down_Timer of RFC 5798. */
  masterDownAtMs: number;
  /** Master: Adver_Timer. Releasing: repetition of priority 0. */
  adverAtMs: number;
  /** Master: second burst of gratuitous ARP. */
  announceAtMs: number;
  /** Master: next `garp_master_refresh`. */
  refreshAtMs: number;
  /** Releasing: nobody took over, or the linger after hearing the successor is over. */
  releaseAtMs: number;
  /** Master, Releasing: next attempt to put back addresses that are missing. */
  restoreAtMs: number;
}

/** The master that a router last heard. The address buffer is reused. */
interface HeardMaster {
  /** 4 or 16 bytes; meaningless while `priority` is -1. */
  readonly address: Uint8Array;
  /** Priority of its last advertisement, or -1 if none was heard. */
  priority: number;
  /** Advertisement interval it announced. */
  advertIntervalMs: number;
  atMs: number;
}

/** A received packet as the shell's socket gives it; structurally `#linux/ports.ts`' ReceivedPacket. */
export interface ReceivedDatagram {
  /** IPv4: starts with the IP header. IPv6: starts with the payload. */
  readonly bytes: Uint8Array;
  /** Where the payload (VRRP or AH) starts. */
  readonly offset: number;
  /** One past its last byte. */
  readonly end: number;
  readonly truncated: boolean;
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
  /** TTL or hop limit as received. */
  readonly ttl: number;
}

/** One reason why a router cannot run. */
export interface Fault {
  readonly reason: string;
  /** A tracker without a first result: not a failure, so nobody is told. */
  readonly pending: boolean;
}

/** One virtual address and what we know of it on the interface. */
export interface AddressState {
  readonly address: VirtualAddress;
  /** Interface it lives on. */
  readonly interface: string;
  /** False for `virtual_ipaddress_excluded`. */
  readonly advertised: boolean;
  /** We hold it: asked for, and not known to have failed or to have been taken away. */
  held: boolean;
  /** It is on the interface because we, or a killed predecessor, put it there: never a source address. */
  ours: boolean;
  /** Found on the interface before the start: left by a killed predecessor, and not decided about yet. */
  leftover: boolean;
  /** Times that someone else removed it while we were MASTER. */
  lostCount: number;
  /** When it was last put back. */
  restoredAtMs: number;
  /** The kernel's last refusal, if it is missing because of one. */
  error: string | undefined;
}

/** Send `router.packets`, patched to `priority` by `preparePackets`, one to each destination. */
export interface SendAdvertisement {
  readonly kind: 'sendAdvertisement';
  readonly router: VirtualRouter;
  /** 0 releases the mastership (RFC 9568 §6.4.3). */
  readonly priority: number;
}

/** One vrrp_instance at work. The shell reads it, and writes nothing. */
export interface VirtualRouter {
  /** `VRID/family/interface/cast`: what a reload recognises it by. */
  readonly identity: string;
  readonly family: Family;
  readonly segment: Segment;
  config: VrrpInstance;
  group: SyncGroup | undefined;

  state: RouterState;
  /** When the state was entered. */
  sinceMs: number;
  /** Why, in words for operators. */
  reason: string;
  /** 1–255: configured priority and trackers' weights (RFC's Priority). */
  effectivePriority: number;
  /** Why it cannot run, such as `interface eth0 is down`; empty unless in Fault (or about to be). */
  faults: readonly Fault[];
  /** Fault: the outside world was told. False while only first results of trackers are awaited. */
  faultTold: boolean;
  /** Source address of adverts, or undefined while the interface has none. */
  source: Uint8Array | undefined;
  /** `openRouter` was asked for, and no `closeRouter` since. */
  socketsWanted: boolean;
  /** Why its sockets could not be opened. */
  socketError: string | undefined;

  readonly timers: Timers;
  /** Master_Adver_Interval: learned in v3, configured in v2. */
  masterAdverIntervalMs: number;
  readonly heard: HeardMaster;
  /** The master-down timer has run out and the sync group is being waited for. */
  wantsMaster: boolean;
  /** End of `preempt_delay`; 0 when none is running. */
  preemptAtMs: number;
  /** A reload has put it in the place of a master with another identity, and it has not begun yet. */
  succeedsMaster: boolean;
  /** Handed over by an operator: no preemption until told otherwise. */
  handedOver: boolean;
  /** Releasing: the successor was heard. */
  successorHeard: boolean;

  addresses: AddressState[];
  /** One per destination: the multicast group, or each unicast peer. Empty while there is no source address. */
  packets: AdvertisementPacket[];
  authenticator: Authenticator;
  /** The action that sends an advertisement at the current priority; made anew only when that changes. */
  advertisement: SendAdvertisement | undefined;
  readonly counters: RouterCounters;
  /** When each recurring complaint was last logged, by its topic. */
  readonly loggedAtMs: Map<string, number>;
}

/**
 * Where a socket receives: one (interface, family, cast). Packets are matched to routers by VRID within it. The shell
 * opens sockets per segment and source address, and gives the segment to `receive`.
 */
export interface Segment {
  readonly interface: string;
  readonly family: Family;
  readonly cast: 'multicast' | 'unicast';
  /** Index is the VRID. */
  readonly byVrid: (VirtualRouter | undefined)[];
  readonly counters: SegmentCounters;
  /** When each VRID that is not configured was last logged (`log_unknown_vrids`). */
  readonly unknownLoggedAtMs: Map<number, number>;
  /** Reused for every packet. */
  readonly reader: PacketReader;
}

export type GroupState = 'Initialize' | 'Backup' | 'Master' | 'Fault';

/** A vrrp_sync_group: its members share one fate. */
export interface SyncGroup {
  config: VrrpSyncGroup;
  members: VirtualRouter[];
  /** Master when all members are; Fault when one is. */
  state: GroupState;
  sinceMs: number;
}

/** What is known of a network interface. */
export interface InterfaceState {
  readonly name: string;
  exists: boolean;
  /** Exists, and is up and running. */
  up: boolean;
  /** In the kernel's order: the first of a family (link-local for IPv6) is the source of adverts. */
  addresses: Uint8Array[];
}

/** The whole of VRRP on one host. */
export interface VrrpEngine {
  config: Config;
  /** In the order of the configuration. */
  routers: VirtualRouter[];
  groups: SyncGroup[];
  readonly segments: Map<string, Segment>;
  /** By kind and name, such as `script chk_nginx`. */
  readonly trackers: Map<string, TrackerState>;
  readonly interfaces: Map<string, InterfaceState>;
  /** What a `track_group`'s static addresses, routes and rules lack, by the group's name; absent: nothing. */
  missingStatics: ReadonlyMap<string, string>;
  /** undefined before `start`. */
  startedAtMs: number | undefined;
  stopped: boolean;
  /** First sequence number of AH packets; see `Authenticator`. */
  readonly ahSequenceStart: number;
  /** Reused by every call. */
  readonly turn: Turn;
  /** Reused for every advertisement that is heard. */
  readonly heard: Heard;
}
