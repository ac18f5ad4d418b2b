import { writeFileSync } from 'node:fs';
import { messageOf } from '#base/errors.ts';
import type { Config } from '#conf/model.ts';
import type { KernelEvent, Link, NetworkTables } from '#linux/ports.ts';
import type { Interfaces } from './interfaces.ts';
import type { KernelSettings } from './kernel-settings.ts';
import type { Log } from './log.ts';
import { type WantedVmac, wantedVmacs } from './vmac-config.ts';

/** `ip link` shows it as `alias tandemd`: by it a predecessor's macvlans are known. */
const ALIAS = 'tandemd';

/** What the interface under a macvlan needs: ARP is answered for, and sent from, its own addresses only. */
const BASE_SETTINGS = { arp_ignore: '1', arp_announce: '2' };

/**
 * The macvlans of `use_vmac`: made at the start, taken over if a killed predecessor left them, made again if somebody
 * deletes them, removed at the end.
 */
export class Vmacs {
  readonly #tables: NetworkTables;
  readonly #interfaces: Interfaces;
  readonly #log: Log;
  readonly #settings: KernelSettings;
  #wanted: readonly WantedVmac[] = [];

  constructor(tables: NetworkTables, interfaces: Interfaces, log: Log, settings: KernelSettings) {
    this.#settings = settings;
    this.#tables = tables;
    this.#interfaces = interfaces;
    this.#log = log;
  }

  /** Makes what the configuration wants. True if anything was changed. */
  apply(config: Config): boolean {
    this.#wanted = wantedVmacs(config);
    this.#keepArpApart();
    return this.#wanted.filter(wanted => this.#make(wanted)).length > 0;
  }

  /** Removes what is ours and not wanted (any more). */
  prune(): void {
    for (const link of this.#interfaces.all())
      if (link.alias === ALIAS && !this.#wanted.some(wanted => this.#is(link, wanted))) this.#remove(link);
  }

  /** One of ours was removed, or an interface for one has come. */
  noticed(event: KernelEvent): void {
    const isGone = event.type === 'linkRemoved' && event.link.alias === ALIAS;
    const hasCome = event.type === 'linkChanged' && this.#wanted.some(each => each.base === event.link.name);
    if (hasCome) this.#keepArpApart();
    if (isGone || hasCome) for (const wanted of this.#wanted) this.#make(wanted);
  }

  close(): void {
    this.#wanted = [];
    for (const link of this.#interfaces.all()) if (link.alias === ALIAS) this.#remove(link);
    this.#keepArpApart();
  }

  #is(link: Link, { name, base, mac }: WantedVmac): boolean {
    const isOnBase = link.lowerIfindex === this.#interfaces.byName(base)?.ifindex;
    return link.name === name && link.kind === 'macvlan' && isOnBase && Buffer.compare(link.mac, mac) === 0;
  }

  #make(wanted: WantedVmac): boolean {
    const { name, mac } = wanted;
    const base = this.#interfaces.byName(wanted.base);
    const there = this.#interfaces.byName(name);
    if (!base) return false;
    if (there) {
      if (!this.#is(there, wanted))
        this.#log.error(
          `interface ${name} exists and is not the macvlan that use_vmac needs`,
          `vmac ${name}`,
        );
      return false;
    }
    const failure = this.#tables.addMacvlan({ name, lowerIfindex: base.ifindex, mac }) ?? this.#bringUp(name);
    if (failure) this.#log.error(`macvlan ${name}: ${failure.message}`, `vmac ${name}`);
    return failure === undefined;
  }

  /** No link-local address of its own; answers ARP for its own addresses only, and takes what comes for them. */
  #bringUp(name: string): ReturnType<NetworkTables['setLinkUp']> {
    this.#set(`ipv6/conf/${name}/addr_gen_mode`, '1');
    this.#set(`ipv4/conf/${name}/arp_ignore`, '1');
    this.#set(`ipv4/conf/${name}/accept_local`, '1');
    this.#set(`ipv4/conf/${name}/rp_filter`, '0');
    return this.#tables.setLinkUp(name, ALIAS);
  }

  /** Otherwise a base would answer for the VIPs on its macvlans, and ask in their name, with its own MAC address. */
  #keepArpApart(): void {
    const bases = this.#wanted.map(each => each.base).filter(name => this.#interfaces.byName(name));
    const settings = bases.flatMap(base =>
      Object.entries(BASE_SETTINGS).map(([name, value]): [string, string] => [
        `ipv4/conf/${base}/${name}`,
        value,
      ]),
    );
    this.#settings.apply('vmac', new Map(settings));
  }

  /** Sets a `net.` setting of a macvlan, which it takes along when it goes. */
  #set(name: string, value: string): void {
    const path = `/proc/sys/net/${name}`;
    try {
      writeFileSync(path, value);
    } catch (error) {
      this.#log.warning(`${path} cannot be set: ${messageOf(error)}`, path);
    }
  }

  #remove(link: Link): void {
    const failure = this.#tables.removeLink(link.ifindex);
    if (failure && failure.code !== 'ENODEV')
      this.#log.error(`macvlan ${link.name} cannot be removed: ${failure.message}`);
  }
}
