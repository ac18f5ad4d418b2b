import { isDeepStrictEqual } from 'node:util';
import { compareIp, type Family, familyOf, formatCidr } from '#base/address.ts';
import { ERRNO, kernelFailure } from '#linux/failure.ts';
import {
  type Address,
  type AddressSpec,
  type KernelEvent,
  type KernelFailure,
  type KernelWatch,
  type Link,
  type MacvlanSpec,
  type NetworkTables,
  type Result,
  type Route,
  type Rule,
  SCOPE,
} from '#linux/ports.ts';
import type { FakeClock } from './clock.ts';

/** Refuses a call by a positive errno; undefined or 0 lets it through. Calls are named as in `KernelFailure.call`. */
export type Refusal = (call: string) => number | undefined;

/** The tables of a simulated host, with Linux's answers to what is there already or not there. */
export class FakeTables implements NetworkTables {
  readonly #clock: FakeClock;
  readonly #refusal: Refusal;
  readonly #links = new Map<number, Link>();
  readonly #watches = new Set<FakeWatch>();
  #addresses: Address[] = [];
  #routes: Route[] = [];
  #rules: Rule[] = [];

  constructor(clock: FakeClock, refusal: Refusal) {
    this.#clock = clock;
    this.#refusal = refusal;
  }

  links(): Result<Link[]> {
    return { ok: true, value: [...this.#links.values()] };
  }

  addresses(): Result<Address[]> {
    return { ok: true, value: [...this.#addresses] };
  }

  routes(family: Family): Result<Route[]> {
    return { ok: true, value: this.#routes.filter(route => route.family === family) };
  }

  rules(family: Family): Result<Rule[]> {
    return { ok: true, value: this.#rules.filter(rule => rule.family === family) };
  }

  /** `ours`: with the daemon's mark; the test's own additions to the host have none. */
  addAddresses(specs: readonly AddressSpec[], ours = true): (KernelFailure | undefined)[] {
    return specs.map(spec =>
      this.#change(`address add ${formatCidr(spec)} on ifindex ${spec.ifindex}`, () => {
        if (!this.#links.has(spec.ifindex)) return ERRNO.ENODEV;
        if (spec.prefix > 8 * spec.address.length) return ERRNO.EINVAL;
        if (this.#addresses.some(address => isSame(address, spec))) return ERRNO.EEXIST;
        const address = { ...found(spec, this.#links.get(spec.ifindex)?.name ?? ''), ours };
        this.#addresses.push(address);
        this.emit({ type: 'addressAdded', address });
        return 0;
      }),
    );
  }

  removeAddresses(specs: readonly AddressSpec[]): (KernelFailure | undefined)[] {
    return specs.map(spec =>
      this.#change(`address del ${formatCidr(spec)} on ifindex ${spec.ifindex}`, () => {
        const address = this.#addresses.find(each => isSame(each, spec));
        if (!address) return ERRNO.EADDRNOTAVAIL;
        this.#addresses = this.#addresses.filter(each => each !== address);
        this.emit({ type: 'addressRemoved', address });
        return 0;
      }),
    );
  }

  addRoutes(routes: readonly Route[]): (KernelFailure | undefined)[] {
    return routes.map(route =>
      this.#change(`route add ${nameOf(route)}`, () => {
        if (this.#routes.some(each => isSameRoute(each, route))) return ERRNO.EEXIST;
        this.#routes.push(route);
        return 0;
      }),
    );
  }

  removeRoutes(routes: readonly Route[]): (KernelFailure | undefined)[] {
    return routes.map(wanted =>
      this.#change(`route del ${nameOf(wanted)}`, () => {
        const route = this.#routes.find(each => isSameRoute(each, wanted));
        if (!route) return ERRNO.ESRCH;
        this.#routes = this.#routes.filter(each => each !== route);
        this.emit({ type: 'routeRemoved', route });
        return 0;
      }),
    );
  }

  addRules(rules: readonly Rule[]): (KernelFailure | undefined)[] {
    return rules.map(rule =>
      this.#change(`rule add priority ${rule.priority}`, () => {
        if (this.#rules.some(each => isSameRule(each, rule))) return ERRNO.EEXIST;
        this.#rules.push(rule);
        return 0;
      }),
    );
  }

  removeRules(rules: readonly Rule[]): (KernelFailure | undefined)[] {
    return rules.map(wanted =>
      this.#change(`rule del priority ${wanted.priority}`, () => {
        const rule = this.#rules.find(each => isSameRule(each, wanted));
        if (!rule) return ERRNO.ENOENT;
        this.#rules = this.#rules.filter(each => each !== rule);
        this.emit({ type: 'ruleRemoved', rule });
        return 0;
      }),
    );
  }

  watch(onEvent: (event: KernelEvent) => void): Result<KernelWatch> {
    const watch = new FakeWatch(this.#clock, onEvent, () => this.#watches.delete(watch));
    this.#watches.add(watch);
    return { ok: true, value: watch };
  }

  /** Tells all watches; what they are told waits for the event loop or a `drain`. */
  emit(event: KernelEvent): void {
    for (const watch of this.#watches) watch.notify(event);
  }

  link(ifindex: number): Link | undefined {
    return this.#links.get(ifindex);
  }

  /** True if an interface of the host has the address. */
  hasAddress(address: Uint8Array): boolean {
    return this.#addresses.some(each => compareIp(each.address, address) === 0);
  }

  setLink(link: Link): void {
    this.#links.set(link.ifindex, link);
    this.emit({ type: 'linkChanged', link });
  }

  addMacvlan({ name, lowerIfindex, mac }: MacvlanSpec): KernelFailure | undefined {
    return this.#change(`link add ${name} type macvlan on ifindex ${lowerIfindex}`, () => {
      const lower = this.#links.get(lowerIfindex);
      if (!lower) return ERRNO.ENODEV;
      if ([...this.#links.values()].some(link => link.name === name)) return ERRNO.EEXIST;
      const ifindex = Math.max(...this.#links.keys()) + 100;
      // Linux tells of the interface under it first.
      this.emit({ type: 'linkChanged', link: lower });
      this.setLink({
        ...lower,
        ifindex,
        name,
        mac,
        lowerIfindex,
        kind: 'macvlan',
        up: false,
        running: false,
      });
      return 0;
    });
  }

  setLinkUp(name: string, alias: string): KernelFailure | undefined {
    return this.#change(`link set ${name} up alias ${alias}`, () => {
      const link = [...this.#links.values()].find(each => each.name === name);
      if (!link) return ERRNO.ENODEV;
      this.setLink({ ...link, alias, up: true, running: true });
      return 0;
    });
  }

  /** Its addresses and routes go with it, as in Linux. */
  removeLink(ifindex: number): KernelFailure | undefined {
    const link = this.#links.get(ifindex);
    if (!link) return kernelFailure(`link del ifindex ${ifindex}`, ERRNO.ENODEV);
    this.removeAddresses(this.#addresses.filter(address => address.ifindex === ifindex).map(specOf));
    this.removeRoutes(this.#routes.filter(route => route.ifindex === ifindex));
    this.#links.delete(ifindex);
    this.emit({ type: 'linkRemoved', link: { ...link, up: false, running: false } });
    return undefined;
  }

  #change(call: string, change: () => number): KernelFailure | undefined {
    const errno = this.#refusal(call) || change();
    return errno ? kernelFailure(call, errno) : undefined;
  }
}

class FakeWatch implements KernelWatch {
  readonly #clock: FakeClock;
  readonly #onEvent: (event: KernelEvent) => void;
  readonly #onClose: () => void;
  #waiting: KernelEvent[] = [];

  constructor(clock: FakeClock, onEvent: (event: KernelEvent) => void, onClose: () => void) {
    this.#clock = clock;
    this.#onEvent = onEvent;
    this.#onClose = onClose;
  }

  notify(event: KernelEvent): void {
    this.#waiting.push(event);
    this.#clock.at(this.#clock.nowMs, () => this.drain());
  }

  drain(): void {
    for (let event; (event = this.#waiting.shift());) this.#onEvent(event);
  }

  close(): void {
    this.#waiting = [];
    this.#onClose();
  }
}

function found(spec: AddressSpec, linkName: string): Address {
  const family = familyOf(spec.address);
  return {
    ifindex: spec.ifindex,
    family,
    address: spec.address,
    prefix: spec.prefix,
    scope: spec.scope ?? SCOPE.global,
    label: family === 4 ? (spec.label ?? linkName) : '',
    broadcast: spec.broadcast,
    peer: spec.peer,
    secondary: false,
    tentative: false,
    dadFailed: false,
    deprecated: spec.preferredLifetimeS === 0,
    permanent: true,
    ours: true,
  };
}

function specOf({ ifindex, address, prefix }: Address): AddressSpec {
  return { ifindex, address, prefix };
}

function isSame(address: Address, spec: AddressSpec): boolean {
  const { ifindex, prefix } = address;
  return ifindex === spec.ifindex && prefix === spec.prefix && compareIp(address.address, spec.address) === 0;
}

function nameOf({ destination, prefix, table }: Route): string {
  return `${formatCidr({ address: destination, prefix })} table ${table}`;
}

/** The kernel tells IPv4 routes apart by destination, table and metric. */
function isSameRoute(a: Route, b: Route): boolean {
  return a.family === b.family && nameOf(a) === nameOf(b) && (a.metric ?? 0) === (b.metric ?? 0);
}

function isSameRule(a: Rule, b: Rule): boolean {
  const { protocol: _, ...rest } = a;
  const { protocol: __, ...other } = b;
  return isDeepStrictEqual(rest, other);
}
