/** `tandemd probe`: sends probe frames where adverts would go, and listens for others' and for adverts. */
import { formatIp } from '#base/address.ts';
import type { Config, VrrpInstance } from '#conf/model.ts';
import type { HeardAdvert, HeardProbe, ProbedInstance, ProbeReport } from '#control/probe.ts';
import type {
  Address,
  Kernel,
  Link,
  ReceivedPacket,
  Result,
  VrrpSocket,
  VrrpSocketOptions,
  VrrpTarget,
} from '#linux/ports.ts';
import { decodeProbe, encodeProbe } from '#wire/probe.ts';
import { viewOf } from '#wire/layout.ts';
import { authenticationHeader, TYPE_ADVERTISEMENT, VRRP_HEADER_LENGTH, vrrpV3Header } from '#wire/vrrp.ts';

export interface ProbeOptions {
  readonly name: string;
  /** 8 bytes that all hosts of one probing have in common. */
  readonly round: Uint8Array;
  /** How long frames are sent; it is listened {@link LISTEN_ON_MS} longer. */
  readonly durationMs: number;
}

const INTERVAL_MS = 200;
/** For frames that are under way, and hosts that began a little later. */
export const LISTEN_ON_MS = 500;

const HEADER = vrrpV3Header.field;

interface Sender {
  readonly socket: VrrpSocket;
  readonly frames: readonly { readonly target: VrrpTarget; readonly bytes: Uint8Array }[];
  sent: number;
  problem: string | undefined;
}

interface Probed {
  readonly config: VrrpInstance;
  readonly link: Link | undefined;
  readonly source: Uint8Array | undefined;
  readonly destinations: readonly Uint8Array[];
  readonly sender: Sender | undefined;
  readonly problem: string | undefined;
}

/** Probes for every instance of the configuration and reports to `done` when the time is up. Nothing stays. */
export function probe(
  kernel: Kernel,
  config: Config,
  options: ProbeOptions,
  done: (report: ProbeReport) => void,
): void {
  const ears = new Ears(options.round);
  const sockets = new Sockets(kernel, ears);
  const probed = config.vrrpInstances.map(instance => begin(kernel, config, instance, options, sockets));
  const endAtMs = kernel.nowMs() + options.durationMs;
  const timer = kernel.timer(() => {
    if (kernel.nowMs() <= endAtMs) {
      for (const { sender } of probed) if (sender) send(sender);
      timer.arm(kernel.nowMs() + INTERVAL_MS);
    } else if (kernel.nowMs() < endAtMs + LISTEN_ON_MS) {
      timer.arm(endAtMs + LISTEN_ON_MS);
    } else {
      timer.close();
      sockets.close();
      done({ name: options.name, instances: probed.map(reportOf), ...ears.report(options.name) });
    }
  });
  timer.arm(kernel.nowMs());
}

function begin(
  kernel: Kernel,
  config: Config,
  instance: VrrpInstance,
  options: ProbeOptions,
  sockets: Sockets,
): Probed {
  const links = kernel.tables.links();
  const addresses = kernel.tables.addresses();
  if (!links.ok || !addresses.ok)
    return {
      config: instance,
      link: undefined,
      source: undefined,
      destinations: [],
      sender: undefined,
      problem: 'the kernel does not list its interfaces',
    };
  const peers = instance.unicastPeers.map(peer => peer.address);
  const configured = peers.length > 0 ? instance.unicastSrcIp : instance.mcastSrcIp;
  const holder = configured && addresses.value.find(each => same(each.address, configured));
  const link = links.value.find(each =>
    instance.interface === undefined ? each.ifindex === holder?.ifindex : each.name === instance.interface,
  );
  const source = configured ? holder?.address : link && ownAddress(addresses.value, link, config, instance);
  const destinations = peers.length > 0 ? peers : [instance.mcastGroup];
  const known = { config: instance, link, source, destinations };
  const missing = whatIsMissing(instance, link, source, configured);
  if (missing !== undefined || !link || !source) return { ...known, sender: undefined, problem: missing };
  const isAh = instance.authentication?.type === 'AH';
  const opened = sockets.open({
    interfaceName: link.name,
    ifindex: link.ifindex,
    family: instance.family,
    protocol: isAh ? 'ah' : 'vrrp',
    local:
      peers.length > 0
        ? { cast: 'unicast', address: source }
        : { cast: 'multicast', group: instance.mcastGroup },
    ...(peers.length > 0 ? { ttl: instance.unicastTtl } : {}),
  });
  if (!opened.ok) return { ...known, sender: undefined, problem: opened.failure.message };
  const { name, round } = options;
  const frames = destinations.map(destination => ({
    target: opened.value.target(destination, source),
    bytes: encodeProbe({ name, round, vrid: instance.virtualRouterId }, { source, destination, ah: isAh }),
  }));
  return {
    ...known,
    sender: { socket: opened.value, frames, sent: 0, problem: undefined },
    problem: undefined,
  };
}

function whatIsMissing(
  instance: VrrpInstance,
  link: Link | undefined,
  source: Uint8Array | undefined,
  configured: Uint8Array | undefined,
): string | undefined {
  if (configured && !source) return `no interface has the source address ${formatIp(configured)}`;
  if (!link) return `there is no interface ${instance.interface ?? 'for it'}`;
  if (!link.up) return `${link.name} is down (ip link set ${link.name} up)`;
  if (!link.running) return `${link.name} has no carrier: is the cable in?`;
  return source ? undefined : `${link.name} has no IPv${instance.family} address to send from`;
}

/** As the daemon chooses: the interface's first address that is nobody's VIP; link-local for IPv6, unless the peers are not. */
function ownAddress(
  addresses: readonly Address[],
  link: Link,
  config: Config,
  instance: VrrpInstance,
): Uint8Array | undefined {
  const vips = config.vrrpInstances.flatMap(each => [
    ...each.virtualAddresses,
    ...each.virtualAddressesExcluded,
  ]);
  const first = instance.unicastPeers[0]?.address;
  const wantsLinkLocal = instance.family === 6 && (first === undefined || isLinkLocal(first));
  return addresses.find(
    ({ ifindex, family, address }) =>
      ifindex === link.ifindex &&
      family === instance.family &&
      (family === 4 || isLinkLocal(address) === wantsLinkLocal) &&
      (instance.priority === 255 || !vips.some(vip => same(vip.address, address))),
  )?.address;
}

function send(sender: Sender): void {
  for (const { target, bytes } of sender.frames) {
    const result = sender.socket.send(target, bytes, bytes.length);
    if (result < 0) sender.problem = `sending to ${formatIp(target.destination)} fails with error ${-result}`;
    else sender.sent += 1;
  }
}

function reportOf({ config, link, source, destinations, sender, problem }: Probed): ProbedInstance {
  return {
    instance: config.name,
    vrid: config.virtualRouterId,
    interface: link?.name ?? null,
    family: config.family,
    source: source ? formatIp(source) : null,
    destinations: destinations.map(formatIp),
    sent: sender?.sent ?? 0,
    problem: problem ?? sender?.problem ?? null,
  };
}

/** One per interface, protocol, and group or own address: two would hear the same packet twice. */
class Sockets {
  readonly #kernel: Kernel;
  readonly #ears: Ears;
  readonly #open = new Map<string, VrrpSocket>();

  constructor(kernel: Kernel, ears: Ears) {
    this.#kernel = kernel;
    this.#ears = ears;
  }

  open(options: VrrpSocketOptions): Result<VrrpSocket> {
    const { interfaceName, protocol, local, ttl } = options;
    const address = local.cast === 'multicast' ? local.group : local.address;
    const key = [interfaceName, protocol, local.cast, formatIp(address), ttl].join(' ');
    const known = this.#open.get(key);
    if (known) return { ok: true, value: known };
    const opened = this.#kernel.openVrrpSocket(options, {
      packet: packet => this.#ears.hear(packet, interfaceName, protocol === 'ah'),
      failed: () => {},
    });
    if (opened.ok) this.#open.set(key, opened.value);
    return opened;
  }

  close(): void {
    for (const socket of this.#open.values()) socket.close();
  }
}

/** Collects what comes in, once per kind. */
class Ears {
  readonly #round: Uint8Array;
  readonly #probes = new Map<string, HeardProbe>();
  readonly #adverts = new Map<string, HeardAdvert>();

  constructor(round: Uint8Array) {
    this.#round = round;
  }

  hear(packet: ReceivedPacket, nic: string, isAh: boolean): void {
    const base = packet.offset + (isAh ? authenticationHeader.length : 0);
    if (packet.end - base < VRRP_HEADER_LENGTH) return;
    const where = {
      interface: nic,
      source: formatIp(packet.source),
      destination: formatIp(packet.destination),
    };
    const words = decodeProbe(packet.bytes.subarray(base, packet.end));
    if (words) {
      if (!same(words.round, this.#round)) return;
      const { name, vrid } = words;
      const key = JSON.stringify([name, vrid, where]);
      this.#probes.set(key, { name, vrid, ...where, frames: (this.#probes.get(key)?.frames ?? 0) + 1 });
      return;
    }
    const view = viewOf(packet.bytes);
    const versionType = HEADER.versionType.get(view, base);
    const vrid = HEADER.vrid.get(view, base);
    if ((versionType & 0x0f) !== TYPE_ADVERTISEMENT || vrid === 0) return;
    const version = versionType >> 4;
    const key = JSON.stringify([vrid, version, where]);
    const packets = (this.#adverts.get(key)?.packets ?? 0) + 1;
    this.#adverts.set(key, { vrid, version, priority: HEADER.priority.get(view, base), ...where, packets });
  }

  report(own: string): Pick<ProbeReport, 'heard' | 'adverts'> {
    return {
      heard: [...this.#probes.values()].filter(({ name }) => name !== own),
      adverts: [...this.#adverts.values()],
    };
  }
}

function same(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, index) => byte === other[index]);
}

function isLinkLocal(address: Uint8Array): boolean {
  return address[0] === 0xfe && ((address[1] ?? 0) & 0xc0) === 0x80;
}
