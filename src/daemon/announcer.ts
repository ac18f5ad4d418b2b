import type { VirtualAddress } from '#conf/model.ts';
import type { Link, PacketSocket } from '#linux/ports.ts';
import { gratuitousArp } from '#wire/arp.ts';
import { unsolicitedAdvertisement } from '#wire/ndp.ts';
import type { AnnouncePauses } from './announce-pauses.ts';
import type { Interfaces } from './interfaces.ts';

/** ARPHRD_ETHER: gratuitous ARP has no meaning elsewhere. */
const ARPHRD_ETHERNET = 1;

/** What is sent between two pauses. */
interface Paced {
  readonly link: Link;
  readonly kind: 'garp' | 'gna';
  readonly frame: Uint8Array;
}

/** Sends gratuitous ARP and unsolicited neighbour advertisements. */
export class Announcer {
  readonly #socket: PacketSocket;
  readonly #interfaces: Interfaces;
  readonly #forwards: (interfaceName: string) => boolean;
  /** By lane and kind. */
  readonly #waiting = new Map<string, Paced[]>();
  #sent = 0;

  /** `forwards` tells whether IPv6 is forwarded on an interface (the R flag of RFC 4861 §4.4). */
  constructor(socket: PacketSocket, interfaces: Interfaces, forwards: (interfaceName: string) => boolean) {
    this.#socket = socket;
    this.#interfaces = interfaces;
    this.#forwards = forwards;
  }

  /** Frames sent since the start. */
  get sent(): number {
    return this.#sent;
  }

  /**
   * Announces each address `repeat` times, one round after the other. Returns the number of frames that were sent or
   * wait for their pause, and the last -errno or 0.
   */
  announce(
    addresses: readonly VirtualAddress[],
    defaultInterface: string,
    repeat: number,
    pausesOn: (interfaceName: string) => AnnouncePauses,
  ): { frames: number; outcome: number } {
    let frames = 0;
    let outcome = 0;
    const prepared = addresses.flatMap(address => this.#prepare(address, defaultInterface));
    for (let round = 0; round < repeat; round++)
      for (const each of prepared) {
        frames++;
        const { lane, garpMs, gnaMs } = pausesOn(each.link.name);
        const pauseMs = each.kind === 'gna' ? gnaMs : garpMs;
        if (pauseMs > 0) this.#pace(each, `${each.kind} ${lane}`, pauseMs);
        else outcome = this.#send(each) || outcome;
      }
    return { frames, outcome };
  }

  #prepare(address: VirtualAddress, defaultInterface: string): Paced[] {
    const link = this.#interfaces.byName(address.dev ?? defaultInterface);
    if (!link || !canAnnounce(link)) return [];
    if (address.address.length === 4)
      return [{ link, kind: 'garp', frame: gratuitousArp(link.mac, address.address) }];
    const frame = unsolicitedAdvertisement(link.mac, address.address, this.#forwards(link.name));
    return [{ link, kind: 'gna', frame }];
  }

  #send(paced: Paced): number {
    this.#sent++;
    const sent = this.#socket.send(paced.link.ifindex, paced.frame, paced.frame.length);
    return sent < 0 ? sent : 0;
  }

  /** The first goes out at once, each further one of the lane after its pause. */
  #pace(paced: Paced, lane: string, pauseMs: number): void {
    const queue = this.#waiting.get(lane);
    if (queue) {
      queue.push(paced);
      return;
    }
    const waiting: Paced[] = [];
    this.#waiting.set(lane, waiting);
    this.#send(paced);
    const timer = setInterval(() => {
      const next = waiting.shift();
      if (next) {
        this.#send(next);
        return;
      }
      clearInterval(timer);
      this.#waiting.delete(lane);
    }, pauseMs);
  }
}

function canAnnounce(link: Link): boolean {
  return link.hardwareType === ARPHRD_ETHERNET && !link.noArp && !link.loopback && link.mac.length === 6;
}
