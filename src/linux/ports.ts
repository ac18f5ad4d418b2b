import type { Family } from '#base/address.ts';
import type { Operation, SeenService, SyncDaemon, Timeouts } from '#lvs/ports.ts';
import type { Address, AddressSpec } from '#wire/rtnl-address.ts';
import type { Link, MacvlanSpec } from '#wire/rtnl-link.ts';
import type { Route } from '#wire/rtnl-route.ts';
import type { Rule } from '#wire/rtnl-rule.ts';

export { OUR_PROTOCOL } from '#wire/rtnetlink.ts';
export { type Address, type AddressSpec, SCOPE } from '#wire/rtnl-address.ts';
export type { Link, MacvlanSpec } from '#wire/rtnl-link.ts';
export { type Route, TABLE } from '#wire/rtnl-route.ts';
export type { Rule } from '#wire/rtnl-rule.ts';
export { ALL_INTERFACES } from '#wire/rtnl-netconf.ts';

/**
 * What the daemon asks of the operating system, as interfaces. `kernel.ts` implements them on Linux and
 * `#testing/kernel.ts` on a simulated host.
 *
 * A refusal by the kernel is a value (`KernelFailure`, or a negative errno on the packet path), never an exception:
 * `ENODEV` and `EADDRNOTAVAIL` are events of the protocol's life. Every time is `CLOCK_MONOTONIC` in fractional
 * milliseconds, the time base of timers and of `sd_notify`'s `MONOTONIC_USEC`.
 */

/** A system call that the kernel refused. */
export interface KernelFailure {
  /** What was asked, in the terms of `ip` or of the system call: `address add 10.0.0.1/32 dev eth0`. */
  readonly call: string;
  /** Positive errno. */
  readonly errno: number;
  /** Its name, such as `EPERM`. */
  readonly code: string;
  /** `call: CODE: reason`, with the kernel's own explanation (extended ack) where it gave one. */
  readonly message: string;
}

/** A value, or why there is none. */
export type Result<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly failure: KernelFailure };

/** Something to be closed once; closing again does nothing. */
export interface Closable {
  close(): void;
}

/** One timer at an absolute deadline. */
export interface DeadlineTimer extends Closable {
  /** Replaces the deadline; one in the past fires in the next turn of the event loop. */
  arm(atMs: number): void;
  /** Nothing fires until the next `arm`. */
  disarm(): void;
}

/** Which VRRP packets a socket exchanges: one socket per interface, family, protocol, and group or own address. */
export interface VrrpSocketOptions {
  readonly interfaceName: string;
  readonly ifindex: number;
  readonly family: Family;
  /** `vrrp` is IP protocol 112, `ah` is 51 (keepalived's `auth_type AH`; IPv4 only). */
  readonly protocol: 'vrrp' | 'ah';
  /** `group`: joined on the interface, packets to it are received. `address`: our own, for unicast peers. */
  readonly local:
    | { readonly cast: 'multicast'; readonly group: Uint8Array }
    | { readonly cast: 'unicast'; readonly address: Uint8Array };
  /** TTL or hop limit of what is sent, 1–255; 255 unless `unicast_ttl` says otherwise. */
  readonly ttl?: number;
  /** IPv4 multicast: an interface that joins the group as well. The socket hears nothing of it. */
  readonly alsoJoinOn?: number;
}

/**
 * A received packet. The object and its arrays are reused for the next one: copy what is to be kept. Only
 * `bytes[offset..end)` is meaningful.
 */
export interface ReceivedPacket {
  /** IPv4: starts with the IP header (AH covers it). IPv6: starts with the payload. */
  readonly bytes: Uint8Array;
  /** Where the payload (VRRP, or the AH header) starts in `bytes`. */
  readonly offset: number;
  /** One past its last byte, as the IP header's length says; cut at the buffer's size if `truncated`. */
  readonly end: number;
  readonly truncated: boolean;
  /** 4 or 16 bytes. */
  readonly source: Uint8Array;
  /** 4 or 16 bytes. */
  readonly destination: Uint8Array;
  /** TTL or hop limit as received, 0–255. */
  readonly ttl: number;
  readonly ifindex: number;
}

/** Where a packet goes and from which address; made once per peer or group, so that sending allocates nothing. */
export interface VrrpTarget {
  readonly destination: Uint8Array;
  readonly source: Uint8Array;
}

/** A raw VRRP socket. */
export interface VrrpSocket extends Closable {
  /**
   * Prepares sending to `destination` (the group, or a peer). `source` is the address that the packet carries; the
   * kernel refuses the `send` (`EINVAL`, `ENETUNREACH`, by version) if it is not, or no longer, one of this host.
   */
  target(destination: Uint8Array, source: Uint8Array): VrrpTarget;
  /**
   * Sends `bytes[0..length)`, the payload complete with its checksum (IPv6 too: the kernel neither fills nor verifies
   * it); the kernel builds the IP header, for AH with identification 0 and DF. Returns the bytes sent or -errno.
   */
  send(target: VrrpTarget, bytes: Uint8Array, length: number): number;
  /**
   * Delivers all that waits in the receive queue, now. Called before a master is declared dead: timers run before
   * sockets in the event loop, and the advertisement may be there.
   */
  drain(): void;
}

/** What a VRRP socket tells. */
export interface VrrpSocketEvents {
  packet(packet: ReceivedPacket): void;
  /** Receiving failed; the socket stays open and may recover (`ENETDOWN`). */
  failed(failure: KernelFailure): void;
}

/** Sends whole Ethernet frames: gratuitous ARP and unsolicited neighbour advertisements. */
export interface PacketSocket extends Closable {
  /** Sends `frame[0..length)`, which starts with the Ethernet header. Returns the bytes sent or -errno. */
  send(ifindex: number, frame: Uint8Array, length: number): number;
}

/** Something that changed in the kernel's tables. */
export type KernelEvent =
  | { readonly type: 'linkChanged'; readonly link: Link }
  | { readonly type: 'linkRemoved'; readonly link: Link }
  | { readonly type: 'addressAdded'; readonly address: Address }
  | { readonly type: 'addressRemoved'; readonly address: Address }
  | { readonly type: 'routeRemoved'; readonly route: Route }
  | { readonly type: 'ruleRemoved'; readonly rule: Rule }
  /** `net.ipv4.conf.*.rp_filter` of an interface, or of `all` ({@link ALL_INTERFACES}), is another. */
  | { readonly type: 'rpFilterChanged'; readonly ifindex: number }
  /** Notifications were lost (`ENOBUFS`): dump and compare. */
  | { readonly type: 'resync' };

/** A subscription to the kernel's tables. */
export interface KernelWatch extends Closable {
  /** Delivers all notifications that wait, now. */
  drain(): void;
}

/**
 * Links, addresses, routes and rules. Calls are synchronous, because rtnetlink works while it is being called and its
 * answers are there when it returns: nothing is won by waiting. Changes go out in one batch; the answer at index i is
 * for the item at index i, `undefined` where the kernel accepted it. `EEXIST` and `EADDRNOTAVAIL` say that it was there
 * already, or gone already.
 */
export interface NetworkTables {
  links(): Result<Link[]>;
  addresses(): Result<Address[]>;
  routes(family: Family): Result<Route[]>;
  rules(family: Family): Result<Rule[]>;
  addAddresses(specs: readonly AddressSpec[]): (KernelFailure | undefined)[];
  removeAddresses(specs: readonly AddressSpec[]): (KernelFailure | undefined)[];
  addRoutes(routes: readonly Route[]): (KernelFailure | undefined)[];
  removeRoutes(routes: readonly Route[]): (KernelFailure | undefined)[];
  addRules(rules: readonly Rule[]): (KernelFailure | undefined)[];
  removeRules(rules: readonly Rule[]): (KernelFailure | undefined)[];
  /** Makes a macvlan (`use_vmac`), down; `EEXIST` if the name is taken. */
  addMacvlan(spec: MacvlanSpec): KernelFailure | undefined;
  /** Sets a link up and gives it an alias, by which it can be recognised. */
  setLinkUp(name: string, alias: string): KernelFailure | undefined;
  removeLink(ifindex: number): KernelFailure | undefined;
  /** Subscribes; events come from the event loop and from `drain`, in the kernel's order. */
  watch(onEvent: (event: KernelEvent) => void): Result<KernelWatch>;
}

/**
 * Drops traffic to addresses of this host, neighbour discovery excepted (`no_accept`). The filter is a table of our own;
 * it exists while something is dropped. An address that is dropped twice is accepted after the second `accept`.
 */
export interface PacketFilter extends Closable {
  drop(addresses: readonly Uint8Array[]): KernelFailure | undefined;
  accept(addresses: readonly Uint8Array[]): KernelFailure | undefined;
  /** Accepts everything. */
  clear(): KernelFailure | undefined;
}

/** Keeps IGMP reports from leaving by interfaces. The filter is a table of our own, there while it has interfaces. */
export interface ReportFilter extends Closable {
  /** From now on these, by name; they need not exist. */
  set(interfaceNames: readonly string[]): KernelFailure | undefined;
}

/** Sends datagrams to unix sockets: `NOTIFY_SOCKET`, `/dev/log`. */
export interface UnixDatagram extends Closable {
  /** `path` is a file system path, or `@name` for the abstract namespace. Returns the bytes sent or -errno. */
  send(path: string, bytes: Uint8Array): number;
}

/**
 * The kernel's virtual server table, over generic netlink. Synchronous like {@link NetworkTables}; operations go out in
 * batches, the answer at index i is for the operation at index i.
 */
export interface Ipvs extends Closable {
  /** Everything in the table, ours or not. */
  services(): Result<SeenService[]>;
  /** As `services`, a service in each step. Nothing of ours may change the table between two steps. */
  servicesInSteps(): Generator<undefined, Result<SeenService[]>>;
  apply(operations: readonly Operation[]): (KernelFailure | undefined)[];
  setTimeouts(timeouts: Timeouts): KernelFailure | undefined;
  /** The synchronisation daemons that run in this network namespace. */
  syncDaemons(): Result<SyncDaemon[]>;
  /** `EEXIST` if that role runs already. */
  startSync(daemon: SyncDaemon): KernelFailure | undefined;
  /** `ESRCH` if it does not run. */
  stopSync(role: SyncDaemon['role']): KernelFailure | undefined;
}

/** The whole of what the daemon needs from the host. */
export interface Kernel {
  /** `CLOCK_MONOTONIC` in fractional milliseconds. */
  nowMs(): number;
  /** For how long the calling thread has had a CPU: `CLOCK_THREAD_CPUTIME_ID` in fractional milliseconds. */
  cpuMs(): number;
  timer(onDeadline: () => void): DeadlineTimer;
  openVrrpSocket(options: VrrpSocketOptions, events: VrrpSocketEvents): Result<VrrpSocket>;
  openPacketSocket(): Result<PacketSocket>;
  openUnixDatagram(): Result<UnixDatagram>;
  /** Opens the table `inet NAME` of nftables; what a killed predecessor left there is removed. */
  openPacketFilter(table: string): Result<PacketFilter>;
  /** As `openPacketFilter`, for reports. */
  openReportFilter(table: string): Result<ReportFilter>;
  readonly tables: NetworkTables;
  /**
   * Real-time round-robin scheduling for the calling thread, 1–99; children do not inherit it. `undefined` when done,
   * `EPERM` without CAP_SYS_NICE: the daemon then runs on, less punctual.
   */
  setRealtime(priority: number): KernelFailure | undefined;
}
