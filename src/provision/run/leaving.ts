/** What directors' accounts of their virtual servers say about real servers that leave or come back. Pure. */
import type { LiveStatus, RealServerStatus, VirtualServerStatus } from '#control/server-status.ts';
import type { Departure, LeavingService } from '#provision/model/departures.ts';

/** A director as it was asked. */
export interface DirectorSight {
  readonly name: string;
  readonly live: LiveStatus | undefined;
  readonly services: readonly LeavingService[];
}

interface Seen {
  readonly service: LeavingService;
  readonly virtual: VirtualServerStatus | undefined;
  readonly real: RealServerStatus | undefined;
}

function seenBy({ live, services }: DirectorSight): Seen[] {
  return services.map(service => {
    const virtual = live?.virtualServers?.find(({ name }) => name === service.virtual);
    const real = virtual?.realServers.find(({ name }) => isNamed(name, service));
    return { service, virtual, real };
  });
}

/** Labels of real servers are `[ADDRESS]:PROTOCOL:PORT`. */
function isNamed(label: string, { real }: LeavingService): boolean {
  return label.startsWith(`[${real.address}]:`) && label.endsWith(`:${real.port}`);
}

/** Why clients would be refused if these real servers left; undefined if they would not. */
export function outage(sights: readonly DirectorSight[]): string | undefined {
  for (const sight of sights) {
    const unfit = sight.services.find(({ undrainable }) => undrainable !== undefined);
    if (unfit?.undrainable !== undefined) return unfit.undrainable;
    const seen = seenBy(sight);
    for (const virtual of new Set(seen.flatMap(({ virtual }) => virtual ?? []))) {
      const leaving = seen.filter(each => each.virtual === virtual && each.real?.up);
      const taken = leaving.reduce((sum, { real }) => sum + (real?.weight ?? 0), 0);
      const left = virtual.liveWeight - taken;
      if (taken > 0 && left < Math.max(1, virtual.quorum))
        return `${sight.name}: ${virtual.name} would be left with weight ${left} of real servers that are up, and needs ${Math.max(1, virtual.quorum)}`;
    }
  }
  return undefined;
}

/** Where real servers still take new connections, one phrase each; empty once none does. */
export function stillServing(sights: readonly DirectorSight[]): string[] {
  return sights.flatMap(sight => [
    ...unanswered(sight),
    ...seenBy(sight).flatMap(({ service, real }) => {
      const weights = [real?.weight, real?.weightInKernel].filter(weight => (weight ?? 0) > 0);
      return weights.length > 0
        ? [`${service.host} has weight ${weights[0]} in ${service.virtual} at ${sight.name}`]
        : [];
    }),
  ]);
}

/** Where real servers do not take connections yet, one phrase each, with what their checkers say. */
export function notServing(sights: readonly DirectorSight[]): string[] {
  return sights.flatMap(sight => [
    ...unanswered(sight),
    ...seenBy(sight).flatMap(({ service, virtual, real }) => {
      const where = `in ${service.virtual} at ${sight.name}`;
      if (virtual?.suspended) return [];
      if (!real) return [`${service.host} is not ${where}`];
      const words = real.checkers.filter(({ up }) => !up).map(({ kind, said }) => `${kind}: ${said}`);
      if (!real.up)
        return [`${service.host} is down ${where}${words.length > 0 ? ` (${words.join('; ')})` : ''}`];
      const isThere = virtual?.inKernel !== true || virtual.sorry || real.weightInKernel !== null;
      return isThere ? [] : [`${service.host} is not in the kernel's table yet ${where}`];
    }),
  ]);
}

function unanswered({ name, live, services }: DirectorSight): string[] {
  if (services.length === 0 || (live?.virtualServers?.length ?? 0) > 0) return [];
  return [`${name} does not say what its virtual servers are`];
}

/** A real server's connections at a director that forwards to it. */
interface Traffic {
  readonly active: number;
  readonly inactive: number;
  /** Packets from clients so far. */
  readonly packets: number;
}

/** For how long nothing must have been sent to a real server whose last connections are closing, milliseconds. */
const QUIET_MS = 3000;

/**
 * Whether connections have ended. A closing TCP connection stays in the kernel's table for minutes, and one of UDP is
 * never called active: what is inactive counts only while clients send something.
 */
export class Connections {
  readonly #last = new Map<string, { readonly packets: number; readonly sinceMs: number }>();

  /** Connections that may be open, over all directors that forward; 0 once all have ended. */
  open(sights: readonly DirectorSight[], nowMs: number): number {
    let open = 0;
    for (const sight of sights)
      for (const { service, real } of seenBy(sight)) {
        const master = sight.live?.instances.some(
          ({ name, state }) => name === service.instance && state === 'MASTER',
        );
        if (!master || !real) continue;
        const { activeConnections: active, inactiveConnections: inactive, traffic } = real;
        const key = `${sight.name} ${service.virtual} ${real.name}`;
        open += this.#count(key, { active, inactive, packets: traffic.packetsIn }, nowMs);
      }
    return open;
  }

  #count(key: string, { active, inactive, packets }: Traffic, nowMs: number): number {
    const known = this.#last.get(key);
    const same = known?.packets === packets ? known : { packets, sinceMs: nowMs };
    this.#last.set(key, same);
    const isQuiet = nowMs - same.sinceMs >= QUIET_MS;
    return active + (isQuiet ? 0 : inactive);
  }
}

/** A sentence for each real server that directors do without: where, since when, on whose word, and the way back. */
export function departureLines(
  directors: readonly { readonly director: string; readonly departures: readonly Departure[] }[],
): string[] {
  const all = directors.flatMap(({ director, departures }) =>
    departures.map(departure => ({ director, departure })),
  );
  return [...new Set(all.map(({ departure }) => departure.host))].flatMap(host => {
    const found = all.filter(({ departure }) => departure.host === host);
    const [first] = found;
    if (!first) return [];
    const { cause, owner, atMs } = first.departure;
    const where = found.map(({ director }) => director).join(', ');
    const isItself = found.every(({ director }) => director === host);
    const since = `by ${owner}, ${new Date(atMs).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
    if (isItself)
      return [`${host} is drained: MASTER only if nobody else can be (${since}): tandem undrain ${host}`];
    return cause === 'drain'
      ? `${host} is drained at ${where} (${since}): tandem undrain ${host}`
      : `${host} was torn down (${since}) and gets nothing from ${where}: an apply of all of them puts it back`;
  });
}
