import { viewOf } from '#wire/layout.ts';
import { IPPROTO_AH, IPPROTO_VRRP, ipv4Header, VRRP_TTL } from '#wire/vrrp.ts';
import type { FakeClock } from './clock.ts';
import type { Random } from './random.ts';

/** What is sent: an IP payload with its addresses. */
export interface Packet {
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
  readonly payload: Uint8Array;
  readonly isAh?: boolean;
}

/** What arrives, in the shape of a raw socket's answer. */
export interface Arrival {
  readonly bytes: Uint8Array;
  readonly offset: number;
  readonly end: number;
  readonly truncated: boolean;
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
  readonly ttl: number;
}

/** A host's connection. */
export interface Port {
  readonly name: string;
  addresses(): readonly Uint8Array[];
  receive(arrival: Arrival): void;
}

/** What a LAN does to packets besides delivering them. */
export interface LanFaults {
  /** Probabilities, 0–1. */
  loss: number;
  duplication: number;
  corruption: number;
  minDelayMs: number;
  maxDelayMs: number;
}

/** One broadcast domain. Multicast reaches every other port, unicast the one that has the address. */
export class FakeLan {
  readonly faults: LanFaults = { loss: 0, duplication: 0, corruption: 0, minDelayMs: 0.1, maxDelayMs: 0.3 };
  readonly #clock: FakeClock;
  readonly #random: Random;
  readonly #ports: Port[] = [];
  /** `from>to` that get nothing through. */
  readonly #cut = new Set<string>();

  constructor(clock: FakeClock, random: Random) {
    this.#clock = clock;
    this.#random = random;
  }

  attach(port: Port): void {
    this.#ports.push(port);
  }

  /** Nothing passes from one port to the other any more (one direction). */
  cut(from: string, to: string): void {
    this.#cut.add(`${from}>${to}`);
  }

  /** Everything passes again. */
  heal(): void {
    this.#cut.clear();
  }

  send(from: Port, packet: Packet): void {
    const isMulticast = isGroup(packet.destination);
    for (const port of this.#ports) {
      if (port === from || this.#cut.has(`${from.name}>${port.name}`)) continue;
      if (!isMulticast && !port.addresses().some(address => sameText(address, packet.destination))) continue;
      this.#carry(port, packet);
      if (this.#random.chance(this.faults.duplication)) this.#carry(port, packet);
    }
  }

  #carry(to: Port, packet: Packet): void {
    if (this.#random.chance(this.faults.loss)) return;
    const arrival = frame(packet);
    if (this.#random.chance(this.faults.corruption)) {
      const at = this.#random.integer(arrival.offset, arrival.end - 1);
      arrival.bytes[at] = (arrival.bytes[at] ?? 0) ^ (1 << this.#random.integer(0, 7));
    }
    const delayMs = this.#random.between(this.faults.minDelayMs, this.faults.maxDelayMs);
    this.#clock.after(delayMs, () => to.receive(arrival));
  }
}

/** A packet as a raw socket would give it: behind an IP header for IPv4. */
export function frame(packet: Packet): Arrival {
  const { source, destination, payload } = packet;
  const offset = source.length === 4 ? ipv4Header.length : 0;
  const bytes = new Uint8Array(offset + payload.length);
  bytes.set(payload, offset);
  if (offset > 0)
    ipv4Header.write(viewOf(bytes), 0, {
      versionIhl: 0x45,
      tos: 0xc0,
      totalLength: bytes.length,
      identification: 0,
      flagsFragment: 0x4000,
      ttl: VRRP_TTL,
      protocol: packet.isAh ? IPPROTO_AH : IPPROTO_VRRP,
      checksum: 0xbeef,
      source,
      destination,
    });
  return { bytes, offset, end: bytes.length, truncated: false, source, destination, ttl: VRRP_TTL };
}

function isGroup(address: Uint8Array): boolean {
  const first = address[0] ?? 0;
  return address.length === 4 ? first >= 224 && first <= 239 : first === 0xff;
}

function sameText(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
