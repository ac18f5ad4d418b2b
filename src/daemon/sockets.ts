import { formatIp } from '#base/address.ts';
import { preparePackets } from '#vrrp/engine.ts';
import type { Segment, VirtualRouter } from '#vrrp/state.ts';
import type {
  Kernel,
  KernelFailure,
  Link,
  ReceivedPacket,
  VrrpSocket,
  VrrpSocketOptions,
  VrrpTarget,
} from '#linux/ports.ts';
import { AUTH_AH, authenticationHeader, vrrpV2Header } from '#wire/vrrp.ts';
import type { Interfaces } from './interfaces.ts';
import { sendingVmac } from './vmac-config.ts';

/**
 * What became of opening a router's socket. `waiting`: its interface or source address is not there yet. `vmacMissing`:
 * the macvlan of `use_vmac` is not there, but what it stands on is.
 */
export type OpenOutcome = 'open' | 'waiting' | 'vmacMissing' | KernelFailure;

interface SharedSocket {
  readonly key: string;
  readonly socket: VrrpSocket;
  readonly ifindex: number;
  readonly users: Set<VirtualRouter>;
  readonly audience: Audience;
}

/**
 * The sockets of one segment and group that stand on an interface and on macvlans of it: a packet from elsewhere reaches
 * them all.
 */
interface Audience {
  readonly key: string;
  readonly sockets: Set<SharedSocket>;
  /** The one that also takes what no router of the audience listens for. */
  first: SharedSocket | undefined;
}

interface RouterSocket {
  readonly shared: SharedSocket;
  /** The packets that `targets` were made for: the engine replaces the array when destinations change. */
  packets: ReturnType<typeof preparePackets>;
  targets: VrrpTarget[];
}

/** One socket per interface, family, protocol, and group or own address, shared by the routers that have these in common. */
export class VrrpSockets {
  readonly #kernel: Kernel;
  readonly #interfaces: Interfaces;
  readonly #onPacket: (segment: Segment, packet: ReceivedPacket) => void;
  readonly #onFailure: (segment: Segment, failure: KernelFailure) => void;
  readonly #shared = new Map<string, SharedSocket>();
  readonly #audiences = new Map<string, Audience>();
  readonly #byRouter = new Map<VirtualRouter, RouterSocket>();

  constructor(
    kernel: Kernel,
    interfaces: Interfaces,
    onPacket: (segment: Segment, packet: ReceivedPacket) => void,
    onFailure: (segment: Segment, failure: KernelFailure) => void,
  ) {
    this.#kernel = kernel;
    this.#interfaces = interfaces;
    this.#onPacket = onPacket;
    this.#onFailure = onFailure;
  }

  /** Opens, or reopens with what the router's configuration says now. */
  open(router: VirtualRouter): OpenOutcome {
    const base = this.#interfaces.byName(router.segment.interface);
    const link = base && this.#linkOf(router, base);
    const options = link && socketOptions(router, base, link);
    if (!options) {
      this.close(router);
      return base && !link ? 'vmacMissing' : 'waiting';
    }
    const key = `${options.ifindex} ${audienceKey(router.segment, options)}`;
    const own = this.#byRouter.get(router);
    if (own?.shared.key === key) return 'open';
    const known = this.#shared.get(key);
    const shared = known ?? this.#openShared(router, key, options);
    if ('code' in shared) {
      this.close(router);
      return shared;
    }
    // Joined before the old one is left: closing first would drop the group for a moment.
    shared.users.add(router);
    this.close(router);
    this.#byRouter.set(router, { shared, packets: [], targets: [] });
    return 'open';
  }

  /** Where the router's adverts leave and come in; undefined: its macvlan is not there. */
  #linkOf({ config }: VirtualRouter, base: Link): Link | undefined {
    const vmac = sendingVmac(config);
    if (vmac === undefined) return base;
    const link = this.#interfaces.byName(vmac);
    return link?.lowerIfindex === base.ifindex ? link : undefined;
  }

  #openShared(
    { segment }: VirtualRouter,
    key: string,
    options: VrrpSocketOptions,
  ): SharedSocket | KernelFailure {
    const headerLength = options.protocol === 'ah' ? authenticationHeader.length : 0;
    const opened = this.#kernel.openVrrpSocket(options, {
      packet: packet => {
        if (this.#isFor(shared, segment, packet, headerLength)) this.#onPacket(segment, packet);
      },
      failed: failure => this.#onFailure(segment, failure),
    });
    if (!opened.ok) return opened.failure;
    const audience = this.#audienceOf(audienceKey(segment, options));
    const { ifindex } = options;
    const shared: SharedSocket = { key, socket: opened.value, ifindex, users: new Set(), audience };
    this.#shared.set(key, shared);
    audience.sockets.add(shared);
    audience.first ??= shared;
    return shared;
  }

  #audienceOf(key: string): Audience {
    const known = this.#audiences.get(key);
    if (known) return known;
    const made: Audience = { key, sockets: new Set(), first: undefined };
    this.#audiences.set(key, made);
    return made;
  }

  /** Whether a packet counts on this socket of those that hear it. Allocates nothing. */
  #isFor(
    shared: SharedSocket,
    segment: Segment,
    { bytes, offset, end }: ReceivedPacket,
    headerLength: number,
  ): boolean {
    const { audience } = shared;
    if (audience.sockets.size === 1) return true;
    const at = offset + headerLength + vrrpV2Header.field.vrid.offset;
    const router = at < end ? segment.byVrid[bytes[at] ?? 0] : undefined;
    const own = router && this.#byRouter.get(router)?.shared;
    return own?.audience === audience ? own === shared : audience.first === shared;
  }

  /** Leaves the router's socket and closes it when nobody else uses it. */
  close(router: VirtualRouter): void {
    const own = this.#byRouter.get(router);
    if (!own) return;
    this.#byRouter.delete(router);
    const { shared } = own;
    shared.users.delete(router);
    if (shared.users.size > 0) return;
    shared.socket.close();
    this.#shared.delete(shared.key);
    const { audience } = shared;
    audience.sockets.delete(shared);
    if (audience.first === shared) [audience.first] = audience.sockets;
    if (audience.sockets.size === 0) this.#audiences.delete(audience.key);
  }

  /** Closes every socket of an interface that is gone; a new one of that name has another index. */
  closeInterface(ifindex: number): void {
    for (const [router, own] of this.#byRouter) if (own.shared.ifindex === ifindex) this.close(router);
  }

  isOpen(router: VirtualRouter): boolean {
    return this.#byRouter.has(router);
  }

  /** Sends all of the router's packets with `priority`. Returns 0, or the last -errno. */
  send(router: VirtualRouter, priority: number): number {
    const own = this.#byRouter.get(router);
    if (!own) return 0;
    const packets = preparePackets(router, priority);
    const { socket } = own.shared;
    if (own.packets !== packets) {
      own.packets = packets;
      own.targets = packets.map(packet => socket.target(packet.destination, packet.source));
    }
    let outcome = 0;
    for (let i = 0; i < packets.length; i++) {
      const packet = packets[i];
      const target = own.targets[i];
      if (!packet || !target) continue;
      const sent = socket.send(target, packet.bytes, packet.bytes.length);
      if (sent < 0) outcome = sent;
    }
    return outcome;
  }

  /** Delivers everything that waits in any socket, now. */
  drain(): void {
    for (const shared of this.#shared.values()) shared.socket.drain();
  }

  closeAll(): void {
    for (const router of this.#byRouter.keys()) this.close(router);
  }
}

/** `link` is `base`, or a macvlan that stands on it. */
function socketOptions(router: VirtualRouter, base: Link, link: Link): VrrpSocketOptions | undefined {
  const { config, family, segment, source } = router;
  const common = {
    interfaceName: link.name,
    ifindex: link.ifindex,
    family,
    protocol: router.authenticator.authType === AUTH_AH ? ('ah' as const) : ('vrrp' as const),
  };
  if (segment.cast === 'multicast')
    return {
      ...common,
      local: { cast: 'multicast', group: config.mcastGroup },
      // A macvlan says nothing of its groups to a switch that snoops: its base does.
      ...(link === base ? {} : { alsoJoinOn: base.ifindex }),
    };
  if (!source) return undefined;
  return { ...common, local: { cast: 'unicast', address: source }, ttl: config.unicastTtl };
}

function audienceKey(segment: Segment, { protocol, local, ttl }: VrrpSocketOptions): string {
  const address = formatIp(local.cast === 'multicast' ? local.group : local.address);
  return [segment.interface, protocol, local.cast, address, ttl ?? ''].join(' ');
}
