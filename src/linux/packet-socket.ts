import { ETHERTYPE } from '#wire/ethernet.ts';
import { viewOf } from '#wire/layout.ts';
import type { Native } from './native.ts';
import { type Descriptor, openSocket, SOCK_RAW } from './descriptor.ts';
import type { PacketSocket, Result } from './ports.ts';
import { AF_PACKET, sockaddrLl } from './socket-address.ts';

const ETHERTYPE_AT = 12;

/** An AF_PACKET socket that only sends (packet(7), protocol 0): one serves all interfaces. */
export function openPacketSocket(native: Native): Result<PacketSocket> {
  const opened = openSocket(native, [AF_PACKET, SOCK_RAW, 0], 'packet socket', () => undefined);
  return opened.ok ? { ok: true, value: new LinuxPacketSocket(native, opened.value) } : opened;
}

class LinuxPacketSocket implements PacketSocket {
  readonly #native: Native;
  readonly #descriptor: Descriptor;
  readonly #address = sockaddrLl.encode({
    family: AF_PACKET,
    protocol: ETHERTYPE.arp,
    ifindex: 0,
    hardwareType: 0,
    packetType: 0,
    addressLength: 6,
    address: new Uint8Array(8),
  });
  readonly #addressView = viewOf(this.#address);

  constructor(native: Native, descriptor: Descriptor) {
    this.#native = native;
    this.#descriptor = descriptor;
  }

  send(ifindex: number, frame: Uint8Array, length: number): number {
    const { field } = sockaddrLl;
    field.ifindex.set(this.#addressView, 0, ifindex);
    // Firewalls at the egress hook match on it.
    field.protocol.set(
      this.#addressView,
      0,
      ((frame[ETHERTYPE_AT] ?? 0) << 8) | (frame[ETHERTYPE_AT + 1] ?? 0),
    );
    return this.#native.send(this.#descriptor.fd, frame, length, this.#address, null);
  }

  close(): void {
    this.#descriptor.close();
  }
}
