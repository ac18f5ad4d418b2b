import { type NetlinkMessage, NLMSG_OVERRUN, parseMessages } from '#wire/netlink.ts';
import { parseAddress } from '#wire/rtnl-address.ts';
import { parseLink } from '#wire/rtnl-link.ts';
import { parseRpFilterChange } from '#wire/rtnl-netconf.ts';
import { parseRoute } from '#wire/rtnl-route.ts';
import { parseRule } from '#wire/rtnl-rule.ts';
import { RTM, RTM_GROUP } from '#wire/rtnetlink.ts';
import { ERRNO } from './failure.ts';
import { META, META_WORDS, type Native } from './native.ts';
import { NETLINK_BUFFER_BYTES, openNetlinkSocket } from './netlink.ts';
import type { Descriptor } from './descriptor.ts';
import type { KernelEvent, KernelWatch, Result } from './ports.ts';

/** Room for a flap of 255 addresses on several interfaces; a queue holds fewer messages than bytes. */
const QUEUE_BYTES = 4 * 1024 * 1024;
const MSG_TRUNC = 0x20;
/** Datagrams read per wake-up, so that a storm of changes cannot keep the timers from running. */
const BURST_MAX = 1024;
const GROUPS = Object.values(RTM_GROUP).reduce((all, group) => all | group, 0);

/** Subscribes to changes of links, addresses, routes, rules and `rp_filter`. */
export function openWatch(native: Native, onEvent: (event: KernelEvent) => void): Result<KernelWatch> {
  const opened = openNetlinkSocket(native, GROUPS, QUEUE_BYTES);
  if (!opened.ok) return opened;
  const watch = new NetlinkWatch(native, opened.value, onEvent);
  const refused = opened.value.poll(() => watch.drain());
  if (!refused) return { ok: true, value: watch };
  watch.close();
  return { ok: false, failure: refused };
}

class NetlinkWatch implements KernelWatch {
  readonly #native: Native;
  readonly #descriptor: Descriptor;
  readonly #onEvent: (event: KernelEvent) => void;
  readonly #buffer = new Uint8Array(NETLINK_BUFFER_BYTES);
  readonly #meta = new Int32Array(META_WORDS);

  constructor(native: Native, descriptor: Descriptor, onEvent: (event: KernelEvent) => void) {
    this.#native = native;
    this.#descriptor = descriptor;
    this.#onEvent = onEvent;
  }

  drain(): void {
    for (let i = 0; i < BURST_MAX && !this.#descriptor.closed; i++) {
      const received = this.#receive();
      if (received === -ERRNO.EAGAIN) return;
      if (received < 0 || ((this.#meta[META.flags] ?? 0) & MSG_TRUNC) !== 0) {
        this.#resynchronise();
        return;
      }
      this.#deliver(parseMessages(this.#buffer.subarray(0, received)));
    }
  }

  /** What still waits is older than the dump that the reader is going to make: it would undo it. */
  #resynchronise(): void {
    for (let i = 0; i < QUEUE_BYTES && this.#receive() !== -ERRNO.EAGAIN; i++);
    this.#onEvent({ type: 'resync' });
  }

  #receive(): number {
    return this.#native.receive(this.#descriptor.fd, this.#buffer, null, this.#meta);
  }

  close(): void {
    this.#descriptor.close();
  }

  #deliver(messages: readonly NetlinkMessage[]): void {
    for (const message of messages) {
      const event = eventOf(message);
      if (event && !this.#descriptor.closed) this.#onEvent(event);
    }
  }
}

/** What a notification says; undefined for what nobody asked to know. */
function eventOf({ type, body }: NetlinkMessage): KernelEvent | undefined {
  switch (type) {
    case RTM.newLink:
    case RTM.delLink: {
      const link = parseLink(body);
      return link && { type: type === RTM.newLink ? 'linkChanged' : 'linkRemoved', link };
    }
    case RTM.newAddress:
    case RTM.delAddress: {
      const address = parseAddress(body);
      return address && { type: type === RTM.newAddress ? 'addressAdded' : 'addressRemoved', address };
    }
    case RTM.delRoute: {
      const route = parseRoute(body);
      return route && { type: 'routeRemoved', route };
    }
    case RTM.delRule: {
      const rule = parseRule(body);
      return rule && { type: 'ruleRemoved', rule };
    }
    case RTM.newNetconf: {
      const ifindex = parseRpFilterChange(body);
      return ifindex === undefined ? undefined : { type: 'rpFilterChanged', ifindex };
    }
    case NLMSG_OVERRUN:
      return { type: 'resync' };
    default:
      return undefined;
  }
}
