import type { VirtualAddress } from '#conf/model.ts';
import type { Link, PacketSocket } from '#linux/ports.ts';
import { gratuitousArp } from '#wire/arp.ts';
import { unsolicitedAdvertisement } from '#wire/ndp.ts';
import type { Interfaces } from './interfaces.ts';

/** ARPHRD_ETHER: gratuitous ARP has no meaning elsewhere. */
const ARPHRD_ETHERNET = 1;

/** What is sent between two pauses. */
interface Paced {
  readonly ifindex: number;
  readonly frame: Uint8Array;
}

/** Pauses between announcements on one interface, in ms; 0 is none. */
export interface AnnouncePauses {
  readonly garpMs: number;
  readonly gnaMs: number;
}

/** Sends gratuitous ARP and unsolicited neighbour advertisements. */
export class Announcer {
  readonly #socket: PacketSocket;
  readonly #interfaces: Interfaces;
  readonly #forwards: (interfaceName: string) => boolean;
  readonly #waiting = new Map<number, Paced[]>();
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
    pauses: AnnouncePauses,
  ): { frames: number; outcome: number } {
    let frames = 0;
    let outcome = 0;
    const prepared = addresses.flatMap(address => this.#prepare(address, defaultInterface));
    for (let round = 0; round < repeat; round++)
      for (const each of prepared) {
        frames++;
        const pauseMs = each.frame.length > 60 ? pauses.gnaMs : pauses.garpMs;
        if (pauseMs > 0) this.#pace(each, pauseMs);
        else outcome = this.#send(each) || outcome;
      }
    return { frames, outcome };
  }

  #prepare(address: VirtualAddress, defaultInterface: string): Paced[] {
    const link = this.#interfaces.byName(address.dev ?? defaultInterface);
    if (!link || !canAnnounce(link)) return [];
    const frame =
      address.address.length === 4
        ? gratuitousArp(link.mac, address.address)
        : unsolicitedAdvertisement(link.mac, address.address, this.#forwards(link.name));
    return [{ ifindex: link.ifindex, frame }];
  }

  #send(paced: Paced): number {
    this.#sent++;
    const sent = this.#socket.send(paced.ifindex, paced.frame, paced.frame.length);
    return sent < 0 ? sent : 0;
  }

  /** The first goes out at once, each further one of the interface after its pause. */
  #pace(paced: Paced, pauseMs: number): void {
    const queue = this.#waiting.get(paced.ifindex);
    if (queue) {
      queue.push(paced);
      return;
    }
    const waiting: Paced[] = [];
    this.#waiting.set(paced.ifindex, waiting);
    this.#send(paced);
    const timer = setInterval(() => {
      const next = waiting.shift();
      if (next) {
        this.#send(next);
        return;
      }
      clearInterval(timer);
      this.#waiting.delete(paced.ifindex);
    }, pauseMs);
  }
}

function canAnnounce(link: Link): boolean {
  return link.hardwareType === ARPHRD_ETHERNET && !link.noArp && !link.loopback && link.mac.length === 6;
}
