import { compareIp, formatCidr } from '#base/address.ts';
import type { Config, StaticAddress, StaticRoute, StaticRule } from '#conf/model.ts';
import {
  type DeadlineTimer,
  type Kernel,
  type KernelEvent,
  type KernelFailure,
  type NetworkTables,
  OUR_PROTOCOL,
  type Result,
} from '#linux/ports.ts';
import { addressSpec } from './address-spec.ts';
import type { Interfaces } from './interfaces.ts';
import type { Log } from './log.ts';
import { routeKey, routeSpec, ruleKey, ruleSpec } from './route-executor.ts';

/** One line of `static_ipaddress`, `static_routes` or `static_rules`, as something to add and to remove. */
interface StaticObject {
  /** Recognises the same line after a reload. */
  readonly key: string;
  /** For logs. */
  readonly name: string;
  add(tables: NetworkTables): KernelFailure | undefined;
  remove(tables: NetworkTables): KernelFailure | undefined;
  /** The `track_group` whose instances cannot do without it. */
  readonly trackGroup: string | undefined;
  /** It is there and has our mark: a killed predecessor added it. */
  isMarked(tables: NetworkTables): boolean;
  /** We added it; what the host had already is not removed at the end. */
  isOurs: boolean;
  /** The last refusal that was logged. */
  complaint: string | undefined;
}

/** What is not there and cannot be put back, by the `track_group` that cares. */
export type MissingStatics = ReadonlyMap<string, string>;

/** Pause between attempts to put back what keeps vanishing. */
const RESTORE_MS = 1000;

/**
 * Addresses, routes and rules that exist as long as the daemon runs, whatever the instances do. What somebody removes
 * comes back, at most once a second; what cannot be there yet (no interface, link down) follows the interface.
 */
export class StaticNetwork {
  readonly #kernel: Kernel;
  readonly #interfaces: Interfaces;
  readonly #log: Log;
  readonly #onMissing: (missing: MissingStatics) => void;
  #objects: StaticObject[] = [];
  #missing = '';
  #timer: DeadlineTimer | undefined;
  #checkedAtMs = Number.NEGATIVE_INFINITY;

  /** `onMissing` is told whenever what tracked objects lack is something else. */
  constructor(
    kernel: Kernel,
    interfaces: Interfaces,
    log: Log,
    onMissing: (missing: MissingStatics) => void = () => {},
  ) {
    this.#onMissing = onMissing;
    this.#kernel = kernel;
    this.#interfaces = interfaces;
    this.#log = log;
  }

  /** Makes the tables have what the configuration says; what it no longer says is removed. */
  apply(config: Config): void {
    const before = new Map(this.#objects.map(object => [object.key, object]));
    const wanted = this.#objectsOf(config);
    this.#objects = wanted.map(object => before.get(object.key) ?? object);
    const kept = new Set(wanted.map(object => object.key));
    // Rules before routes before addresses, the reverse of adding.
    for (const object of [...before.values()].reverse()) if (!kept.has(object.key)) this.#remove(object);
    this.#restore();
  }

  /** Something changed in the kernel's tables. */
  noticed(event: KernelEvent): void {
    if (this.#objects.length === 0 || event.type === 'addressAdded' || event.type === 'rpFilterChanged')
      return;
    const isTracked = this.#objects.some(({ trackGroup }) => trackGroup !== undefined);
    // A link that goes down takes routes along in silence: of interest only to those who track them.
    if (event.type === 'linkChanged' && !event.link.up && !isTracked) return;
    const nowMs = this.#kernel.nowMs();
    if (nowMs - this.#checkedAtMs >= RESTORE_MS) {
      this.#restore();
      return;
    }
    this.#timer ??= this.#kernel.timer(() => this.#restore());
    this.#timer.arm(this.#checkedAtMs + RESTORE_MS);
  }

  /** Removes what we added. */
  close(): void {
    this.#timer?.close();
    for (const object of this.#objects.splice(0).reverse()) this.#remove(object);
  }

  /** Adding what is there is refused and changes nothing: asking is cheaper than looking. */
  #restore(): void {
    this.#checkedAtMs = this.#kernel.nowMs();
    for (const object of this.#objects) {
      const failure = object.add(this.#kernel.tables);
      if (!failure && object.isOurs) this.#log.notice(`${object.name} was missing and is put back`);
      const isLeftover = failure?.code === 'EEXIST' && !object.isOurs && object.isMarked(this.#kernel.tables);
      if (!failure || isLeftover) object.isOurs = true;
      const complaint = failure && failure.code !== 'EEXIST' ? failure.message : undefined;
      if (complaint !== undefined && complaint !== object.complaint)
        this.#log.warning(`${object.name} cannot be added yet: ${complaint}`);
      object.complaint = complaint;
    }
    this.#tellMissing();
  }

  #tellMissing(): void {
    const missing = new Map<string, string>();
    for (const { trackGroup, complaint, name } of this.#objects)
      if (trackGroup !== undefined && complaint !== undefined) missing.set(trackGroup, name);
    const text = JSON.stringify([...missing]);
    if (text === this.#missing || (this.#missing === '' && missing.size === 0)) return;
    this.#missing = text;
    this.#onMissing(missing);
  }

  #remove(object: StaticObject): void {
    if (!object.isOurs) return;
    const failure = object.remove(this.#kernel.tables);
    const gone = ['EADDRNOTAVAIL', 'ENODEV', 'ESRCH', 'ENOENT'];
    if (failure && !gone.includes(failure.code))
      this.#log.error(`${object.name} cannot be removed: ${failure.message}`);
  }

  #objectsOf(config: Config): StaticObject[] {
    const { defaultInterface } = config.globalDefs;
    return [
      ...config.staticAddresses.map(each => this.#addressObject(each, each.dev ?? defaultInterface)),
      ...config.staticRoutes.map(each => this.#routeObject(each)),
      ...config.staticRules.map(each => ruleObject(each)),
    ];
  }

  #addressObject(address: StaticAddress, dev: string): StaticObject {
    const name = `static address ${formatCidr(address)} on ${dev}`;
    const spec = () => addressSpec(address, this.#interfaces.byName(dev)?.ifindex ?? 0);
    return newObject(name, address, {
      add: tables => tables.addAddresses([spec()])[0],
      remove: tables => tables.removeAddresses([spec()])[0],
      isMarked: tables => {
        const { ifindex, address: wanted } = spec();
        return isAmong(
          tables.addresses(),
          each => each.ours && each.ifindex === ifindex && compareIp(each.address, wanted) === 0,
        );
      },
    });
  }

  #routeObject(route: StaticRoute): StaticObject {
    const spec = () => routeSpec(route, this.#interfaces);
    return newObject(`static route ${formatCidr(route.destination)}`, route, {
      add: tables => tables.addRoutes([spec()])[0],
      remove: tables => tables.removeRoutes([spec()])[0],
      isMarked: tables =>
        isAmong(
          tables.routes(route.family),
          each => each.protocol === OUR_PROTOCOL && routeKey(each) === routeKey(spec()),
        ),
    });
  }
}

function ruleObject(rule: StaticRule): StaticObject {
  const spec = ruleSpec(rule);
  return newObject(`static rule with preference ${rule.preference ?? 0}`, rule, {
    add: tables => tables.addRules([spec])[0],
    remove: tables => tables.removeRules([spec])[0],
    isMarked: tables =>
      isAmong(
        tables.rules(rule.family),
        each => each.protocol === OUR_PROTOCOL && ruleKey(each) === ruleKey(spec),
      ),
  });
}

function newObject(
  name: string,
  line: StaticAddress | StaticRoute | StaticRule,
  change: Pick<StaticObject, 'add' | 'remove' | 'isMarked'>,
): StaticObject {
  const { position: _, ...rest } = line;
  return {
    key: `${name} ${JSON.stringify(rest)}`,
    name,
    ...change,
    trackGroup: line.trackGroup,
    isOurs: false,
    complaint: undefined,
  };
}

function isAmong<T>(found: Result<T[]>, matches: (each: T) => boolean): boolean {
  return found.ok && found.value.some(matches);
}
