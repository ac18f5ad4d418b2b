/**
 * What a keepalived.conf says, with every default applied and global defaults copied into each instance.
 * Names are keepalived's keywords in camel case; units come last (`Ms` is a number of milliseconds, fractions
 * allowed). `undefined` means "not configured, and there is no default value".
 */
import type { Family } from '#base/address.ts';
import type { Position } from '#base/position.ts';
import type { GlobalDefs } from './model-global.ts';
import type {
  StaticAddress,
  StaticRoute,
  StaticRule,
  VirtualAddress,
  VirtualRoute,
  VirtualRule,
} from './model-network.ts';
import type { SslSettings, VirtualServer, VirtualServerGroup } from './model-server.ts';
import type { SecretBytes } from './secret.ts';

export type * from './model-global.ts';
export type * from './model-network.ts';
export type * from './model-server.ts';

/** A whole configuration. Lists are in the order of the file. */
export interface Config {
  readonly globalDefs: GlobalDefs;
  readonly vrrpInstances: readonly VrrpInstance[];
  readonly vrrpSyncGroups: readonly VrrpSyncGroup[];
  readonly vrrpScripts: readonly VrrpScript[];
  readonly trackProcesses: readonly TrackProcess[];
  readonly trackFiles: readonly TrackFile[];
  readonly trackGroups: readonly TrackGroup[];
  readonly staticAddresses: readonly StaticAddress[];
  readonly staticRoutes: readonly StaticRoute[];
  readonly staticRules: readonly StaticRule[];
  readonly garpGroups: readonly GarpGroup[];
  /** `interface_up_down_delays`. */
  readonly interfaceDelays: readonly InterfaceDelay[];
  /** `linkbeat_interfaces`. */
  readonly linkbeatInterfaces: readonly LinkbeatInterface[];
  readonly virtualServerGroups: readonly VirtualServerGroup[];
  readonly virtualServers: readonly VirtualServer[];
  /** `SSL`. */
  readonly ssl: SslSettings | undefined;
}

export type InitialState = 'MASTER' | 'BACKUP';
export type VrrpVersion = 2 | 3;

/** A command run by argv, without a shell. */
export interface ScriptCommand {
  /** Program and arguments; never empty. */
  readonly argv: readonly string[];
  /** User to run as; undefined: `script_user`, or else keepalived_script or root. */
  readonly user: string | undefined;
  /** Group; undefined: the user's. */
  readonly group: string | undefined;
  readonly position: Position;
}

/** `notify_*` of an instance or a sync group. */
export interface NotifyScripts {
  readonly notifyMaster: ScriptCommand | undefined;
  readonly notifyBackup: ScriptCommand | undefined;
  readonly notifyFault: ScriptCommand | undefined;
  readonly notifyStop: ScriptCommand | undefined;
  /** Runs after the others with TYPE NAME STATE PRIORITY appended to argv. */
  readonly notify: ScriptCommand | undefined;
  /** `notify_deleted`: DELETED instead of FAULT is told when a reload removes it; a script is optional. */
  readonly notifyDeleted: ScriptCommand | boolean;
  /** Priority changes are written to the notify FIFOs. */
  readonly notifyPriorityChanges: boolean;
  /** Mail on state changes; the global `smtp_alert*` is already applied. */
  readonly smtpAlert: boolean;
}

/** One line of a `track_*` block. */
export interface Tracker {
  /** Name of the interface, script, process or file that is tracked. */
  readonly name: string;
  /** -253…253 (±254 for files and processes); 0: a failure means FAULT. The definition's default is applied. */
  readonly weight: number;
  readonly reverse: boolean;
  readonly position: Position;
}

export interface Trackers {
  readonly trackInterfaces: readonly Tracker[];
  readonly trackScripts: readonly Tracker[];
  readonly trackProcesses: readonly Tracker[];
  readonly trackFiles: readonly Tracker[];
}

/** Bursts of gratuitous ARP or unsolicited neighbour advertisements. */
export interface GarpSettings {
  /** Delay of the second burst after becoming MASTER; 0: no second burst. Default 5000. */
  readonly masterDelayMs: number;
  /** Messages per burst. Default 5. */
  readonly masterRepeat: number;
  /** Delay of the second burst after a lower-priority advert was heard. Default masterDelayMs. */
  readonly lowerPrioDelayMs: number;
  /** Default masterRepeat. */
  readonly lowerPrioRepeat: number;
  /** Interval of refreshes while MASTER; 0: none. */
  readonly masterRefreshMs: number;
  /** Messages per refresh. Default 1. */
  readonly masterRefreshRepeat: number;
  /** Interval of refreshes on the VIPs' other interfaces; 0: none. */
  readonly extraIfMs: number;
  /** `garp_extra_if all`: not only on VMAC interfaces. */
  readonly extraIfAll: boolean;
}

export interface Authentication {
  readonly type: 'PASS' | 'AH';
  /** Always 8 bytes, zero padded (RFC 2338 §5.3.6). */
  readonly data: SecretBytes;
  readonly position: Position;
}

export interface UnicastPeer {
  readonly address: Uint8Array;
  /** Received TTL or hop limit must lie in minTtl…maxTtl (0–255) when given. */
  readonly minTtl: number | undefined;
  readonly maxTtl: number | undefined;
  readonly position: Position;
}

/** `use_vmac`: a macvlan with the virtual router's MAC. */
export interface Vmac {
  /** Name of the macvlan; undefined: `<vmac_prefix>.<vrid>`. */
  readonly interface: string | undefined;
  /** 6 bytes; undefined: 00:00:5e:00:01:VRID (00:00:5e:00:02:VRID for IPv6). */
  readonly macAddress: Uint8Array | undefined;
  /** `vmac_xmit_base`: adverts go out of the parent interface. */
  readonly xmitBase: boolean;
}

export interface VrrpInstance extends NotifyScripts, Trackers {
  readonly name: string;
  readonly position: Position;
  readonly state: InitialState | undefined;
  /** undefined only with unicast. */
  readonly interface: string | undefined;
  /** 1–255. Instances without one are reported and left out, as are all that cannot run. */
  readonly virtualRouterId: number;
  /** 1–255, the configured or derived base priority (255 for `state MASTER` without one, else 100). */
  readonly priority: number;
  /** Interval between adverts: v2 1000…255000 in whole seconds, v3 10…40950. Default 1000. */
  readonly advertIntervalMs: number;
  readonly version: VrrpVersion;
  /** Of the addresses that are advertised. */
  readonly family: Family;
  readonly authentication: Authentication | undefined;
  /** Advertised, one family, in the file's order. */
  readonly virtualAddresses: readonly VirtualAddress[];
  readonly virtualAddressesExcluded: readonly VirtualAddress[];
  readonly virtualRoutes: readonly VirtualRoute[];
  readonly virtualRules: readonly VirtualRule[];
  readonly promoteSecondaries: boolean;

  /** Destination of multicast adverts for `family` (`mcast_dst_ip`, or else the global group). */
  readonly mcastGroup: Uint8Array;
  /** Source address; undefined: the interface's primary address. `mcast_src_ip`. */
  readonly mcastSrcIp: Uint8Array | undefined;
  readonly unicastSrcIp: Uint8Array | undefined;
  /** Non-empty: unicast, otherwise multicast (but see `unicastFaultNoPeer`). */
  readonly unicastPeers: readonly UnicastPeer[];
  /** A unicast instance without peers goes to FAULT instead of using multicast. */
  readonly unicastFaultNoPeer: boolean;
  /** TTL or hop limit of unicast adverts, 0–255. Default 255. */
  readonly unicastTtl: number;
  /** Accept unicast adverts from the peers only. */
  readonly checkUnicastSrc: boolean;
  readonly trackSrcIp: boolean;

  readonly preempt: 'preempt' | 'nopreempt';
  /** 0…1000000. */
  readonly preemptDelayMs: number;
  /** False: traffic to the VIPs is dropped unless this router owns them (priority 255). */
  readonly accept: boolean;
  /** The master is declared down after this many intervals plus skew. Default 3. */
  readonly downTimerAdverts: number;
  readonly garp: GarpSettings;
  readonly lowerPrioNoAdvert: boolean;
  readonly higherPrioSendAdvert: boolean;
  /** Compute v3 IPv4 checksums as RFC 9568 does, without a pseudo-header (keepalived 2.3 and later). */
  readonly v3ChecksumAsV2: boolean;
  readonly strict: boolean;
  readonly skipCheckAdvAddr: boolean;
  readonly vmac: Vmac | undefined;
  /** `use_vmac_addr`: also one macvlan for each other interface that has a VIP. */
  readonly useVmacAddr: boolean;
  /** False (`dont_track_primary`): a fault of `interface` is ignored. */
  readonly trackPrimary: boolean;
  readonly notifyMasterRxLowerPri: ScriptCommand | undefined;
}

export interface VrrpSyncGroup extends NotifyScripts, Trackers {
  readonly name: string;
  readonly position: Position;
  /** Names of vrrp_instances. */
  readonly group: readonly string[];
  readonly syncGroupTrackingWeight: boolean;
}

export interface VrrpScript {
  readonly name: string;
  readonly position: Position;
  readonly script: ScriptCommand;
  /** Default 1000. */
  readonly intervalMs: number;
  /** Default: the interval. */
  readonly timeoutMs: number;
  /** -253…253. Default 0. */
  readonly weight: number;
  readonly reverse: boolean;
  /** Successes in a row that mean up. Default 1. */
  readonly rise: number;
  /** Failures in a row that mean down. Default 1. */
  readonly fall: number;
  readonly initFail: boolean;
}

export interface TrackProcess {
  readonly name: string;
  readonly position: Position;
  /** Process name, then the parameters that must match. */
  readonly process: readonly string[];
  readonly paramMatch: 'exact' | 'initial' | 'partial' | undefined;
  /** -254…254. Default 0. */
  readonly weight: number;
  readonly reverse: boolean;
  /** Least number of processes. Default 1. */
  readonly quorum: number;
  /** Greatest number of processes. */
  readonly quorumMax: number | undefined;
  readonly forkDelayMs: number;
  readonly terminateDelayMs: number;
  readonly fullCommand: boolean;
}

export interface TrackFile {
  readonly name: string;
  readonly position: Position;
  readonly file: string;
  /** Multiplies the value in the file. Default 1. */
  readonly weight: number;
  readonly reverse: boolean;
  /** Content to write at start if the file does not exist, or always with `overwrite`. */
  readonly initFile: { readonly value: number; readonly overwrite: boolean } | undefined;
}

export interface TrackGroup {
  readonly name: string;
  readonly position: Position;
  readonly group: readonly string[];
}

/** `garp_group`: pauses between gratuitous ARPs, shared by a set of interfaces. */
export interface GarpGroup {
  readonly position: Position;
  readonly interfaces: readonly string[];
  readonly garpIntervalMs: number;
  readonly gnaIntervalMs: number;
}

export interface InterfaceDelay {
  readonly interface: string;
  readonly downDelayMs: number;
  readonly upDelayMs: number;
  readonly position: Position;
}

export interface LinkbeatInterface {
  readonly interface: string;
  readonly type: 'MII' | 'ETHTOOL' | 'IOCTL' | undefined;
  readonly position: Position;
}

/** What makes two instances collide, and what a reload recognises an instance by. */
export interface InstanceIdentity {
  readonly virtualRouterId: number;
  readonly family: Family;
  readonly interface: string | undefined;
  readonly cast: 'multicast' | 'unicast';
}

export type { Family };
