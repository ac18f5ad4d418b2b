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
import { AUTH_AH } from '#wire/vrrp.ts';
import type { Interfaces } from './interfaces.ts';
import { sendingVmac } from './vmac-config.ts';

/** What became of opening a router's socket. `waiting`: its interface or source address is not there yet. */
export type OpenOutcome = 'open' | 'waiting' | KernelFailure;

interface SharedSocket {
  readonly key: string;
  readonly socket: VrrpSocket;
  readonly ifindex: number;
  readonly users: Set<VirtualRouter>;
}

interface SendingSocket {
  readonly socket: VrrpSocket;
  readonly ifindex: number;
}

interface RouterSocket {
  readonly shared: SharedSocket;
  /** Of its own, for adverts that leave by a macvlan. */
  readonly sending: SendingSocket | undefined;
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
    const link = this.#interfaces.byName(router.segment.interface);
    const options = link && socketOptions(router, link);
    if (!options) {
      this.close(router);
      return 'waiting';
    }
    const key = keyOf(options);
    const own = this.#byRouter.get(router);
    const vmac = sendingVmac(router.config);
    if (own?.shared.key === key && !own.sending && vmac === undefined) return 'open';
    const sending = vmac === undefined ? undefined : this.#openSending(router, options, vmac);
    if (sending === 'waiting' || (sending && 'code' in sending)) {
      this.close(router);
      return sending;
    }
    let shared = this.#shared.get(key);
    if (!shared) {
      const opened = this.#kernel.openVrrpSocket(options, {
        packet: packet => this.#onPacket(router.segment, packet),
        failed: failure => this.#onFailure(router.segment, failure),
      });
      if (!opened.ok) {
        sending?.socket.close();
        this.close(router);
        return opened.failure;
      }
      shared = { key, socket: opened.value, ifindex: options.ifindex, users: new Set() };
      this.#shared.set(key, shared);
    }
    // Joined before the old one is left: closing first would drop the group for a moment.
    shared.users.add(router);
    if (own?.shared === shared) own.sending?.socket.close();
    else this.close(router);
    this.#byRouter.set(router, { shared, sending, packets: [], targets: [] });
    return 'open';
  }

  /** Bound to the source address instead of the group, so that it hears nothing. */
  #openSending(
    router: VirtualRouter,
    options: VrrpSocketOptions,
    vmac: string,
  ): SendingSocket | KernelFailure | 'waiting' {
    const link = this.#interfaces.byName(vmac);
    if (!link || !router.source) return 'waiting';
    const { name: interfaceName, ifindex } = link;
    const local = { cast: 'unicast', address: router.source } as const;
    const ignore = { packet: () => {}, failed: () => {} };
    const opened = this.#kernel.openVrrpSocket({ ...options, interfaceName, ifindex, local }, ignore);
    return opened.ok ? { socket: opened.value, ifindex } : opened.failure;
  }

  /** Leaves the router's socket and closes it when nobody else uses it. */
  close(router: VirtualRouter): void {
    const own = this.#byRouter.get(router);
    if (!own) return;
    this.#byRouter.delete(router);
    own.sending?.socket.close();
    own.shared.users.delete(router);
    if (own.shared.users.size > 0) return;
    own.shared.socket.close();
    this.#shared.delete(own.shared.key);
  }

  /** Closes every socket of an interface that is gone; a new one of that name has another index. */
  closeInterface(ifindex: number): void {
    for (const [router, own] of this.#byRouter)
      if (own.shared.ifindex === ifindex || own.sending?.ifindex === ifindex) this.close(router);
  }

  isOpen(router: VirtualRouter): boolean {
    return this.#byRouter.has(router);
  }

  /** Sends all of the router's packets with `priority`. Returns 0, or the last -errno. */
  send(router: VirtualRouter, priority: number): number {
    const own = this.#byRouter.get(router);
    if (!own) return 0;
    const packets = preparePackets(router, priority);
    const { socket } = own.sending ?? own.shared;
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

function socketOptions(router: VirtualRouter, link: Link): VrrpSocketOptions | undefined {
  const { config, family, segment, source } = router;
  const base = {
    interfaceName: link.name,
    ifindex: link.ifindex,
    family,
    protocol: router.authenticator.authType === AUTH_AH ? ('ah' as const) : ('vrrp' as const),
  };
  if (segment.cast === 'multicast')
    return { ...base, local: { cast: 'multicast', group: config.mcastGroup } };
  if (!source) return undefined;
  return { ...base, local: { cast: 'unicast', address: source }, ttl: config.unicastTtl };
}

function keyOf(options: VrrpSocketOptions): string {
  const { local, ttl } = options;
  const address = formatIp(local.cast === 'multicast' ? local.group : local.address);
  return [options.ifindex, options.protocol, local.cast, address, ttl ?? ''].join(' ');
}
