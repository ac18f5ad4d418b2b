import { compareIp, formatIp } from '#base/address.ts';
import { assert } from '#base/assert.ts';
import { ERRNO, kernelFailure } from '#linux/failure.ts';
import type {
  AddressSpec,
  DeadlineTimer,
  Kernel,
  KernelFailure,
  Link,
  PacketFilter,
  PacketSocket,
  ReceivedPacket,
  ReportFilter,
  Result,
  UnixDatagram,
  VrrpSocket,
  VrrpSocketEvents,
  VrrpSocketOptions,
} from '#linux/ports.ts';
import { IPPROTO_AH, IPPROTO_VRRP } from '#wire/vrrp.ts';
import type { Appointment, FakeClock } from './clock.ts';
import { FakeTables, type Refusal } from './fake-tables.ts';
import { ipFrame, type IpPacket, parseIpFrame } from './ip-frame.ts';

/** The fake LAN's side of an interface: Ethernet frames go in; what comes out is given to `FakeInterface.receive`. */
export interface LanPort {
  transmit(frame: Uint8Array): void;
}

/** An interface of a fake host, for the test to play with. */
export interface FakeInterface {
  readonly ifindex: number;
  readonly link: Link;
  /** A frame arrives. */
  receive(frame: Uint8Array): void;
  /** The cable: no carrier, `running` goes away. */
  setCarrier(carrier: boolean): void;
  /** `ip link set up|down`. */
  setUp(up: boolean): void;
  /** The hardware is pulled out; a later `plug` gives another ifindex. */
  remove(): void;
}

/** A datagram to a unix socket. */
export interface SentDatagram {
  readonly path: string;
  readonly text: string;
}

interface OpenSocket {
  deliver(packet: IpPacket & { readonly header: Uint8Array }, ifindex: number): void;
}

/**
 * A simulated host behind the same ports as Linux. It forwards nothing, resolves no neighbours, flushes no addresses on
 * link down, and its time is virtual; sockets, tables and refusals behave as the real ones, which `test/lab` keeps honest.
 */
export class FakeKernel implements Kernel {
  readonly tables: FakeTables;
  /** What was sent to unix sockets, oldest first. */
  readonly datagrams: SentDatagram[] = [];
  /** Makes calls fail: given `address add 10.0.0.1/32 on ifindex 2`, answers a positive errno. */
  refusal: Refusal = () => undefined;
  /** Addresses that the packet filter drops traffic to, and for how many. */
  readonly dropped = new Map<string, number>();
  /** Interfaces that no IGMP report leaves by. */
  reportless: readonly string[] = [];
  /** What the process has used of the CPU. */
  usedCpuMs = 0;
  /** The real-time priority asked for. */
  realtimePriority: number | undefined;
  readonly #clock: FakeClock;
  readonly #ports = new Map<number, LanPort>();
  readonly #sockets = new Set<OpenSocket>();
  #lastIfindex = 1;

  constructor(clock: FakeClock) {
    this.#clock = clock;
    this.tables = new FakeTables(clock, call => this.refusal(call));
  }

  nowMs(): number {
    return this.#clock.nowMs;
  }

  cpuMs(): number {
    return this.usedCpuMs;
  }

  timer(onDeadline: () => void): DeadlineTimer {
    let armed: Appointment | undefined;
    const disarm = () => {
      if (armed) armed.cancelled = true;
    };
    return {
      arm: atMs => {
        disarm();
        armed = this.#clock.at(atMs, onDeadline);
      },
      disarm,
      close: disarm,
    };
  }

  /** Puts a running interface into the host and connects it to a LAN. */
  plug(
    name: string,
    mac: Uint8Array,
    port: LanPort,
    addresses: readonly Omit<AddressSpec, 'ifindex'>[] = [],
  ): FakeInterface {
    const ifindex = ++this.#lastIfindex;
    this.#ports.set(ifindex, port);
    this.tables.setLink({ ...NEW_LINK, ifindex, name, mac });
    const specs = addresses.map(spec => ({ ...spec, ifindex }));
    this.tables.addAddresses(specs, false);
    const link = () =>
      this.tables.link(ifindex) ?? { ...NEW_LINK, ifindex, name, mac, up: false, running: false };
    let carrier = true;
    const change = (up: boolean) => this.tables.setLink({ ...link(), up, running: up && carrier });
    return {
      ifindex,
      get link() {
        return link();
      },
      receive: frame => this.#receive(ifindex, frame),
      setCarrier: value => {
        carrier = value;
        change(link().up);
      },
      setUp: change,
      remove: () => {
        this.#ports.delete(ifindex);
        this.tables.removeLink(ifindex);
      },
    };
  }

  openVrrpSocket(options: VrrpSocketOptions, events: VrrpSocketEvents): Result<VrrpSocket> {
    const { local } = options;
    const where = local.cast === 'multicast' ? local.group : local.address;
    const call = `${options.protocol} socket on ${options.interfaceName} for ${formatIp(where)}`;
    let errno = this.refusal(call) ?? 0;
    if (this.tables.link(options.ifindex)?.name !== options.interfaceName) errno ||= ERRNO.ENODEV;
    if (local.cast === 'unicast' && !this.tables.hasAddress(where)) errno ||= ERRNO.EADDRNOTAVAIL;
    if (errno) return { ok: false, failure: kernelFailure(call, errno) };
    const socket = new FakeVrrpSocket({
      options,
      events,
      clock: this.#clock,
      transmit: packet => this.#transmit(options.ifindex, packet),
      onClose: () => this.#sockets.delete(socket),
    });
    this.#sockets.add(socket);
    return { ok: true, value: socket };
  }

  openPacketSocket(): Result<PacketSocket> {
    const errno = this.refusal('packet socket');
    if (errno) return { ok: false, failure: kernelFailure('packet socket', errno) };
    return {
      ok: true,
      value: {
        send: (ifindex, frame, length) => this.#put(ifindex, frame.slice(0, length)) || length,
        close: () => {},
      },
    };
  }

  openUnixDatagram(): Result<UnixDatagram> {
    return {
      ok: true,
      value: {
        send: (path, bytes) => {
          const errno = this.refusal(`datagram to ${path}`);
          if (errno) return -errno;
          this.datagrams.push({ path, text: new TextDecoder().decode(bytes) });
          return bytes.length;
        },
        close: () => {},
      },
    };
  }

  openPacketFilter(table: string): Result<PacketFilter> {
    const call = `nft table inet ${table}`;
    const errno = this.refusal(call);
    if (errno) return { ok: false, failure: kernelFailure(call, errno) };
    const refuse = (verb: string): KernelFailure | undefined => {
      const changing = `nft ${verb} table inet ${table}`;
      const refused = this.refusal(changing);
      return refused ? kernelFailure(changing, refused) : undefined;
    };
    const change = (verb: string, addresses: readonly Uint8Array[], by: number) => {
      const failure = refuse(verb);
      if (failure) return failure;
      for (const address of addresses) {
        const text = formatIp(address);
        const users = (this.dropped.get(text) ?? 0) + by;
        if (users > 0) this.dropped.set(text, users);
        else this.dropped.delete(text);
      }
      return undefined;
    };
    return {
      ok: true,
      value: {
        drop: addresses => change('add', addresses, 1),
        accept: addresses => change('change', addresses, -1),
        clear: () => {
          this.dropped.clear();
          return undefined;
        },
        close: () => {},
      },
    };
  }

  openReportFilter(table: string): Result<ReportFilter> {
    const call = `nft table inet ${table}`;
    const errno = this.refusal(call);
    if (errno) return { ok: false, failure: kernelFailure(call, errno) };
    const set = (names: readonly string[]): undefined => {
      this.reportless = [...names];
    };
    return { ok: true, value: { set, close: () => {} } };
  }

  setRealtime(priority: number): KernelFailure | undefined {
    const call = `SCHED_RR priority ${priority}`;
    const errno = this.refusal(call);
    if (errno) return kernelFailure(call, errno);
    this.realtimePriority = priority;
    return undefined;
  }

  #transmit(ifindex: number, packet: IpPacket): number {
    if (!this.tables.hasAddress(packet.source)) return -ERRNO.EINVAL;
    const mac = this.tables.link(ifindex)?.mac;
    const refused = mac ? this.#put(ifindex, ipFrame(packet, mac)) : -ERRNO.ENODEV;
    return refused || packet.payload.length;
  }

  /** 0, or -errno; without carrier a frame goes nowhere and nobody is told, as with a real cable. */
  #put(ifindex: number, frame: Uint8Array): number {
    const link = this.tables.link(ifindex);
    if (!link) return -ERRNO.ENXIO;
    if (!link.up) return -ERRNO.ENETDOWN;
    if (link.kind === 'macvlan') return this.#put(link.lowerIfindex, frame);
    if (link.running) this.#ports.get(ifindex)?.transmit(frame);
    return 0;
  }

  /**
   * As Linux' `macvlan_handle_frame` with private macvlans: what has the MAC address of one of them as its source is given
   * to it alone.
   */
  #receive(ifindex: number, frame: Uint8Array): void {
    const packet = this.tables.link(ifindex)?.running ? parseIpFrame(frame) : undefined;
    if (!packet) return;
    const links = this.tables.links();
    const macvlans = (links.ok ? links.value : []).filter(
      each => each.kind === 'macvlan' && each.lowerIfindex === ifindex,
    );
    const own = macvlans.find(each => Buffer.compare(each.mac, frame.subarray(6, 12)) === 0);
    const hearing = own ? [own.ifindex] : [ifindex, ...macvlans.map(each => each.ifindex)];
    for (const socket of this.#sockets) for (const heard of hearing) socket.deliver(packet, heard);
  }
}

const NEW_LINK: Omit<Link, 'ifindex' | 'name' | 'mac'> = {
  up: true,
  running: true,
  loopback: false,
  multicast: true,
  noArp: false,
  pointToPoint: false,
  mtu: 1500,
  hardwareType: 1,
  masterIfindex: 0,
  lowerIfindex: 0,
  kind: 'veth',
};

interface FakeVrrpSocketParts {
  readonly options: VrrpSocketOptions;
  readonly events: VrrpSocketEvents;
  readonly clock: FakeClock;
  readonly transmit: (packet: IpPacket) => number;
  readonly onClose: () => void;
}

class FakeVrrpSocket implements VrrpSocket, OpenSocket {
  readonly #parts: FakeVrrpSocketParts;
  #queue: ReceivedPacket[] = [];
  #closed = false;

  constructor(parts: FakeVrrpSocketParts) {
    this.#parts = parts;
  }

  target(destination: Uint8Array, source: Uint8Array) {
    assert(destination.length === source.length, 'source and destination of different families');
    return { destination: destination.slice(), source: source.slice() };
  }

  send(target: { destination: Uint8Array; source: Uint8Array }, bytes: Uint8Array, length: number): number {
    if (this.#closed) return -ERRNO.EBADF;
    const { ttl = 255 } = this.#parts.options;
    return this.#parts.transmit({
      ...target,
      ttl,
      protocol: this.#protocol,
      payload: bytes.slice(0, length),
    });
  }

  deliver(packet: IpPacket & { readonly header: Uint8Array }, ifindex: number): void {
    const { options, clock } = this.#parts;
    const { local, family } = options;
    const wanted = local.cast === 'multicast' ? local.group : local.address;
    if (ifindex !== options.ifindex || packet.protocol !== this.#protocol) return;
    if (compareIp(packet.destination, wanted) !== 0) return;
    const { source, destination, ttl, header, payload } = packet;
    const bytes = family === 4 ? Uint8Array.of(...header, ...payload) : payload.slice();
    const offset = family === 4 ? header.length : 0;
    this.#queue.push({
      bytes,
      offset,
      end: bytes.length,
      truncated: false,
      source,
      destination,
      ttl,
      ifindex,
    });
    clock.at(clock.nowMs, () => this.drain());
  }

  drain(): void {
    for (let packet; (packet = this.#queue.shift());) this.#parts.events.packet(packet);
  }

  close(): void {
    this.#closed = true;
    this.#queue = [];
    this.#parts.onClose();
  }

  get #protocol(): number {
    return this.#parts.options.protocol === 'ah' ? IPPROTO_AH : IPPROTO_VRRP;
  }
}
