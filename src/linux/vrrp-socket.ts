import { assert } from '#base/assert.ts';
import { compareIp, formatIp } from '#base/address.ts';
import { bytes, i32host, layout } from '#wire/layout.ts';
import { afOf } from '#wire/rtnetlink.ts';
import { ERRNO, kernelFailure } from './failure.ts';
import { META, META_WORDS, type Native } from './native.ts';
import { type Descriptor, openSocket, SOCK_RAW } from './descriptor.ts';
import type {
  KernelFailure,
  ReceivedPacket,
  Result,
  VrrpSocket,
  VrrpSocketEvents,
  VrrpSocketOptions,
  VrrpTarget,
} from './ports.ts';
import { IPV6_ADDRESS_AT, ipSocketAddress, packetInfo } from './socket-address.ts';
import { enlargeReceiveQueue, type OptionSetting, setOption, setOptions } from './socket-options.ts';

const IP_PROTOCOL = { vrrp: 112, ah: 51 } as const;
/** Class selector 6, internetwork control: what routers give to routing protocols (RFC 4594 §3.2). */
const TRAFFIC_CLASS = 0xc0;
const PRIORITY_CONTROL = 7;
const IP_PMTUDISC_DO = 2;
const MSG_TRUNC = 0x20;

/** More than a full IPv6 advertisement (255 addresses: 4,088 bytes), and what a jumbo frame can carry. */
const PACKET_BYTES_MAX = 16 * 1024;
/** Room for all instances of a segment while the event loop is held up for a few intervals. */
const QUEUE_BYTES = 1024 * 1024;
/** Packets delivered per wake-up, so that a flood cannot keep the timers from running. */
const BURST_MAX = 1024;

const ipMreqn = layout({ group: bytes(4), address: bytes(4), ifindex: i32host });
const ipv6Mreq = layout({ group: bytes(16), ifindex: i32host });

/** Opens a raw socket for VRRP on one interface (RFC 9568 §5.1): TTL 255, own packets not heard, group joined. */
export function openVrrpSocket(
  native: Native,
  options: VrrpSocketOptions,
  events: VrrpSocketEvents,
): Result<VrrpSocket> {
  const { family, interfaceName, local, protocol } = options;
  assert(family === 4 || protocol === 'vrrp', 'AH is for IPv4 only');
  const where = local.cast === 'multicast' ? local.group : local.address;
  const call = `${protocol} socket on ${interfaceName} for ${formatIp(where)}`;
  const opened = openSocket(native, [afOf(family), SOCK_RAW, IP_PROTOCOL[protocol]], call, fd => {
    enlargeReceiveQueue(native, fd, QUEUE_BYTES);
    const settings = family === 4 ? ipv4Options(options) : ipv6Options(options);
    const refused = setOptions(native, fd, settings);
    if (refused) return refused;
    // Linux before 4.20 has no such option: there #readIpv6 leaves out what is not for us.
    if (family === 6) setOption(native, fd, 'IPV6_MULTICAST_ALL', 0);
    // A raw socket receives only what is sent to the address it is bound to.
    const bound = native.bind(fd, ipSocketAddress(where, options.ifindex));
    return bound < 0 ? kernelFailure('bind', -bound) : undefined;
  });
  if (!opened.ok) return opened;
  const socket = new RawVrrpSocket(native, opened.value, { ...options, call }, events);
  const refused = socket.start();
  if (!refused) return { ok: true, value: socket };
  socket.close();
  return { ok: false, failure: refused };
}

function ipv4Options({
  interfaceName,
  ifindex,
  local,
  protocol,
  ttl = 255,
  alsoJoinOn,
}: VrrpSocketOptions): OptionSetting[] {
  const none = new Uint8Array(4);
  const settings: OptionSetting[] = [
    ['SO_BINDTODEVICE', interfaceName],
    ['IP_TOS', TRAFFIC_CLASS],
    ['SO_PRIORITY', PRIORITY_CONTROL],
    ['IP_TTL', ttl],
    ['IP_MULTICAST_TTL', ttl],
    ['IP_MULTICAST_LOOP', 0],
    ['IP_MULTICAST_ALL', 0],
    ['IP_MULTICAST_IF', ipMreqn.encode({ group: none, address: none, ifindex })],
    ['IP_PKTINFO', 1],
    ['IP_RECVTTL', 1],
  ];
  // AH covers the IP header, so its identification must be known beforehand: with DF the kernel leaves it 0.
  if (protocol === 'ah') settings.push(['IP_MTU_DISCOVER', IP_PMTUDISC_DO]);
  if (local.cast === 'multicast')
    for (const on of alsoJoinOn === undefined ? [ifindex] : [ifindex, alsoJoinOn])
      settings.push([
        'IP_ADD_MEMBERSHIP',
        ipMreqn.encode({ group: local.group, address: none, ifindex: on }),
      ]);
  return settings;
}

function ipv6Options({ interfaceName, ifindex, local, ttl = 255 }: VrrpSocketOptions): OptionSetting[] {
  const settings: OptionSetting[] = [
    ['SO_BINDTODEVICE', interfaceName],
    ['IPV6_TCLASS', TRAFFIC_CLASS],
    ['SO_PRIORITY', PRIORITY_CONTROL],
    ['IPV6_UNICAST_HOPS', ttl],
    ['IPV6_MULTICAST_HOPS', ttl],
    ['IPV6_MULTICAST_LOOP', 0],
    ['IPV6_MULTICAST_IF', ifindex],
    ['IPV6_RECVPKTINFO', 1],
    ['IPV6_RECVHOPLIMIT', 1],
  ];
  if (local.cast === 'multicast')
    settings.push(['IPV6_ADD_MEMBERSHIP', ipv6Mreq.encode({ group: local.group, ifindex })]);
  return settings;
}

class PreparedTarget implements VrrpTarget {
  readonly destination: Uint8Array;
  readonly source: Uint8Array;
  readonly socketAddress: Uint8Array;
  readonly control: Uint8Array;

  constructor(destination: Uint8Array, source: Uint8Array, ifindex: number) {
    this.destination = destination;
    this.source = source;
    this.socketAddress = ipSocketAddress(destination, ifindex);
    this.control = packetInfo(source, ifindex);
  }
}

/** The one packet object of a socket; its fields are overwritten by each packet. */
class ReusedPacket implements ReceivedPacket {
  readonly bytes = new Uint8Array(PACKET_BYTES_MAX);
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
  offset = 0;
  end = 0;
  truncated = false;
  ttl = 0;
  ifindex = 0;

  constructor(addressLength: number) {
    this.source = new Uint8Array(addressLength);
    this.destination = new Uint8Array(addressLength);
  }
}

class RawVrrpSocket implements VrrpSocket {
  readonly #native: Native;
  readonly #descriptor: Descriptor;
  readonly #options: VrrpSocketOptions & { readonly call: string };
  readonly #events: VrrpSocketEvents;
  readonly #packet: ReusedPacket;
  readonly #peerAddress = new Uint8Array(28);
  readonly #meta = new Int32Array(META_WORDS);
  readonly #metaBytes = new Uint8Array(this.#meta.buffer);

  constructor(
    native: Native,
    descriptor: Descriptor,
    options: VrrpSocketOptions & { readonly call: string },
    events: VrrpSocketEvents,
  ) {
    this.#native = native;
    this.#descriptor = descriptor;
    this.#options = options;
    this.#events = events;
    this.#packet = new ReusedPacket(options.family === 4 ? 4 : 16);
  }

  start(): KernelFailure | undefined {
    return this.#descriptor.poll(() => this.drain());
  }

  target(destination: Uint8Array, source: Uint8Array): VrrpTarget {
    assert(destination.length === source.length, 'source and destination of different families');
    return new PreparedTarget(destination.slice(), source.slice(), this.#options.ifindex);
  }

  send(target: VrrpTarget, bytes: Uint8Array, length: number): number {
    assert(target instanceof PreparedTarget, 'a target that this kind of socket did not make');
    if (this.#descriptor.closed) return -ERRNO.EBADF;
    return this.#native.send(this.#descriptor.fd, bytes, length, target.socketAddress, target.control);
  }

  drain(): void {
    for (let i = 0; i < BURST_MAX && !this.#descriptor.closed; i++) {
      const received = this.#native.receive(
        this.#descriptor.fd,
        this.#packet.bytes,
        this.#peerAddress,
        this.#meta,
      );
      if (received === -ERRNO.EAGAIN) return;
      if (received < 0) {
        this.#events.failed(kernelFailure(this.#options.call, -received));
        return;
      }
      this.#packet.truncated = ((this.#meta[META.flags] ?? 0) & MSG_TRUNC) !== 0;
      this.#packet.ttl = this.#meta[META.ttl] ?? -1;
      this.#packet.ifindex = this.#meta[META.ifindex] ?? 0;
      if (this.#options.family === 4 ? this.#readIpv4(received) : this.#readIpv6(received))
        this.#events.packet(this.#packet);
    }
  }

  close(): void {
    this.#descriptor.close();
  }

  /** The kernel has checked the header and cut the packet to its total length; it delivers both. */
  #readIpv4(received: number): boolean {
    const { bytes, source, destination } = this.#packet;
    const headerLength = ((bytes[0] ?? 0) & 0x0f) * 4;
    if (headerLength < 20 || headerLength > received) return false;
    this.#packet.offset = headerLength;
    this.#packet.end = received;
    for (let i = 0; i < 4; i++) {
      source[i] = bytes[12 + i] ?? 0;
      destination[i] = bytes[16 + i] ?? 0;
    }
    return true;
  }

  #readIpv6(received: number): boolean {
    const { source, destination } = this.#packet;
    this.#packet.offset = 0;
    this.#packet.end = received;
    for (let i = 0; i < 16; i++) {
      source[i] = this.#peerAddress[IPV6_ADDRESS_AT + i] ?? 0;
      destination[i] = this.#metaBytes[4 * META.destination + i] ?? 0;
    }
    const { local } = this.#options;
    return compareIp(destination, local.cast === 'multicast' ? local.group : local.address) === 0;
  }
}
