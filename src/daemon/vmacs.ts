import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '#base/errors.ts';
import type { Config } from '#conf/model.ts';
import { ALL_INTERFACES, type Kernel, type KernelEvent, type Link, type ReportFilter } from '#linux/ports.ts';
import type { Interfaces } from './interfaces.ts';
import type { KernelSettings } from './kernel-settings.ts';
import type { Log } from './log.ts';
import { reversePathSettings } from './reverse-path.ts';
import { type WantedVmac, wantedVmacs } from './vmac-config.ts';

/** `ip link` shows it as `alias tandemd`: by it a predecessor's macvlans are known. */
const ALIAS = 'tandemd';

/** What the interface under a macvlan needs: ARP is answered for, and sent from, its own addresses only. */
const BASE_SETTINGS = { arp_ignore: '1', arp_announce: '2' };

/**
 * What a macvlan has: it answers ARP for its own addresses only, takes what comes for them and the adverts of hosts that
 * it has no route to, and keeps its other addresses when the first of a subnet goes.
 */
const OWN_SETTINGS = { arp_ignore: '1', accept_local: '1', rp_filter: '0', promote_secondaries: '1' };

/** Owners in {@link KernelSettings}. */
const ARP = 'vmac';
const REVERSE_PATH = 'reversepath';

/**
 * The macvlans of `use_vmac`: made at the start, taken over if a killed predecessor left them, made again if somebody
 * deletes them, set up again if somebody sets them down (they are deaf then), removed at the end.
 */
export class Vmacs {
  readonly #kernel: Kernel;
  readonly #interfaces: Interfaces;
  readonly #log: Log;
  readonly #settings: KernelSettings;
  readonly #folder: string;
  #wanted: readonly WantedVmac[] = [];
  /** What other interfaces are given because `all` has no `rp_filter` any more; undefined before the start. */
  #reversePath: Map<string, string> | undefined;
  #reports: ReportFilter | undefined;

  /** `folder`: where `settings` are, too. */
  constructor(
    kernel: Kernel,
    interfaces: Interfaces,
    log: Log,
    settings: KernelSettings,
    folder = '/proc/sys/net',
  ) {
    this.#settings = settings;
    this.#folder = folder;
    this.#kernel = kernel;
    this.#interfaces = interfaces;
    this.#log = log;
  }

  /** Makes what the configuration wants. True if anything was changed. */
  apply(config: Config): boolean {
    this.#wanted = wantedVmacs(config);
    this.#keepReportsIn(config.globalDefs.nftables);
    this.#keepArpApart();
    const isStart = this.#reversePath === undefined;
    this.#loosenReversePath();
    if (isStart) this.#settleLeftovers();
    return this.#wanted.filter(wanted => this.#make(wanted)).length > 0;
  }

  /** Removes what is ours and not wanted (any more). */
  prune(): void {
    for (const link of this.#interfaces.all())
      if (link.alias === ALIAS && !this.#wanted.some(wanted => this.#is(link, wanted))) this.#remove(link);
  }

  /** One of ours was removed or changed, or an interface for one has come. */
  noticed(event: KernelEvent): void {
    if (event.type === 'rpFilterChanged') this.#keepReversePath(event.ifindex);
    if (event.type === 'linkChanged') this.#tend(event.link);
    const isGone = event.type === 'linkRemoved' && event.link.alias === ALIAS;
    const hasCome = event.type === 'linkChanged' && this.#wanted.some(each => each.base === event.link.name);
    if (hasCome) this.#keepArpApart();
    if (isGone || hasCome) for (const wanted of this.#wanted) this.#make(wanted);
  }

  close(): void {
    this.#wanted = [];
    for (const link of this.#interfaces.all()) if (link.alias === ALIAS) this.#remove(link);
    this.#keepArpApart();
    this.#settings.apply(REVERSE_PATH, new Map());
    this.#reports?.set([]);
    this.#reports?.close();
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
    if (there && this.#is(there, wanted)) return false;
    if (there && there.alias !== ALIAS) {
      this.#complainOf(name);
      return false;
    }
    if (there) this.#remove(there);
    const failure =
      this.#kernel.tables.addMacvlan({ name, lowerIfindex: base.ifindex, mac }) ?? this.#bringUp(name);
    // There, and not yet told of: what it is will be.
    if (failure?.code === 'EEXIST') return false;
    if (failure) this.#log.error(`macvlan ${name}: ${failure.message}`, `vmac ${name}`);
    return failure === undefined;
  }

  /** Nobody kept the settings of macvlans while there was no daemon. */
  #settleLeftovers(): void {
    for (const { name } of this.#wanted)
      if (this.#interfaces.byName(name)?.alias === ALIAS) this.#setOwn(name);
  }

  #tend(link: Link): void {
    const wanted = this.#wanted.find(each => each.name === link.name);
    if (!wanted) return;
    if (!this.#is(link, wanted)) {
      if (link.alias !== ALIAS) this.#complainOf(link.name);
      return;
    }
    if (link.alias !== ALIAS || link.up) return;
    const failure = this.#kernel.tables.setLinkUp(link.name, ALIAS);
    if (failure && failure.code !== 'ENODEV')
      this.#log.error(`macvlan ${link.name}: ${failure.message}`, `vmac ${link.name}`);
  }

  #complainOf(name: string): void {
    this.#log.error(`interface ${name} exists and is not the macvlan that use_vmac needs`, `vmac ${name}`);
  }

  /** No link-local address of its own. */
  #bringUp(name: string): ReturnType<Kernel['tables']['setLinkUp']> {
    this.#set(`ipv6/conf/${name}/addr_gen_mode`, '1');
    this.#setOwn(name);
    return this.#kernel.tables.setLinkUp(name, ALIAS);
  }

  #setOwn(name: string): void {
    for (const [setting, value] of Object.entries(OWN_SETTINGS))
      this.#set(`ipv4/conf/${name}/${setting}`, value);
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
    this.#settings.apply(ARP, new Map(settings));
  }

  /** Only at the start what a predecessor changed is put back first: its record says what the host had. */
  #loosenReversePath(): void {
    if (!this.#reversePath || this.#wanted.length === 0) {
      this.#settings.apply(REVERSE_PATH, new Map());
      this.#reversePath = new Map();
    }
    if (this.#wanted.length === 0) return;
    const vmacs = new Set(this.#wanted.map(each => each.name));
    for (const [name, value] of reversePathSettings(vmacs, this.#folder)) this.#reversePath.set(name, value);
    this.#settings.apply(REVERSE_PATH, this.#reversePath);
  }

  /** Whoever applies the host's settings anew, such as udev to a new interface, would make macvlans deaf. */
  #keepReversePath(ifindex: number): void {
    if (ifindex === ALL_INTERFACES) this.#loosenReversePath();
    const name = this.#interfaces.byIndex(ifindex)?.name;
    if (this.#wanted.some(each => each.name === name)) this.#set(`ipv4/conf/${name}/rp_filter`, '0');
  }

  /**
   * A macvlan's IGMP reports have the virtual MAC address, and a BACKUP's would make switches send the MASTER's traffic
   * there. Its base reports instead.
   */
  #keepReportsIn(table: string): void {
    const names = this.#wanted.map(each => each.name);
    if (names.length === 0 && !this.#reports) return;
    const refuse = (message: string): void =>
      this.#log.warning(`IGMP reports leave from the virtual MAC address: ${message}`, 'reports');
    if (!this.#reports) {
      const opened = this.#kernel.openReportFilter(`${table}_igmp`);
      if (!opened.ok) {
        refuse(opened.failure.message);
        return;
      }
      this.#reports = opened.value;
    }
    const failure = this.#reports.set(names);
    if (failure) refuse(failure.message);
  }

  /** Sets a `net.` setting of a macvlan, which it takes along when it goes. */
  #set(name: string, value: string): void {
    const path = join(this.#folder, name);
    try {
      writeFileSync(path, value);
    } catch (error) {
      this.#log.warning(`${path} cannot be set: ${messageOf(error)}`, path);
    }
  }

  #remove(link: Link): void {
    const failure = this.#kernel.tables.removeLink(link.ifindex);
    if (failure && failure.code !== 'ENODEV')
      this.#log.error(`macvlan ${link.name} cannot be removed: ${failure.message}`);
  }
}
