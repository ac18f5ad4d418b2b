/** How a change is rolled across which the routers of a cluster do not understand each other. Pure. */
import type { DaemonStatus } from '#control/status.ts';
import type { HostPlan } from '#provision/model/plan.ts';
import type { WireBreak } from '#provision/model/vrrp-change.ts';
import { mastered, rollingOrder, turnRestarts } from './rolling.ts';

/** A member of a rolling unit as the roll finds it. */
export interface WireMember {
  readonly name: string;
  /** Its turn may come in this run. */
  readonly due: boolean;
  readonly plan: HostPlan | undefined;
  readonly live: DaemonStatus | undefined;
}

export interface WireRoll {
  readonly breaks: readonly WireBreak[];
  /** Before they stop, these hosts give these instances to one that goes on. */
  readonly handovers: ReadonlyMap<string, readonly string[]>;
  /** Hosts that stop, in this order, before any turn. */
  readonly stop: readonly string[];
  /** Hosts that go on with their VIPs. */
  readonly stay: readonly string[];
  /** All due hosts in the order of their turns: first those that go on. */
  readonly order: readonly string[];
  /** How long, about, nobody could take over; 0 if nobody can now either. Seconds. */
  readonly expectedSeconds: number;
}

/** A host's program, its reload and its gate took about 1 s in the lab; a slow host and a slow line take their time. */
const TURN_SECONDS = 4;

/**
 * Undefined if nothing breaks. Gives a reason where there is no safe way: nothing of the unit may then be disturbed.
 * `members` in order of preference.
 */
export function wireRoll(
  members: readonly WireMember[],
): WireRoll | { readonly refused: string } | undefined {
  const breaking = members.filter(({ plan }) => plan?.wire !== undefined);
  if (breaking.length === 0) return undefined;
  const breaks = merged(breaking.flatMap(({ plan }) => plan?.wire?.breaks ?? []));
  const broken = new Set(breaks.map(({ instance }) => instance));
  const left = members.find(({ due, plan, live }) => !due && (plan?.wire || (!plan && runs(live, broken))));
  if (left)
    return {
      refused: `${left.name} would not understand the others any more: its turn must come in the same run (--limit leaves it out?)`,
    };
  const running = breaking.filter(({ live }) => live !== undefined && live.instances.length > 0);
  const due = members.filter(member => member.due).map(({ name }) => name);
  const others = members.filter(member => !breaking.includes(member));
  const isSettled = others.some(({ live }) => mastered(live).some(name => broken.has(name)));
  const solution = isSettled
    ? { handovers: new Map<string, string[]>(), stop: running.map(({ name }) => name), stay: [] }
    : pauses(running, members, broken);
  if ('refused' in solution) return solution;
  const restarting = members.find(
    ({ name, plan }) => solution.stay.includes(name) && plan !== undefined && turnRestarts(plan),
  );
  if (restarting)
    return {
      refused: `the daemon of ${restarting.name}, which keeps the VIPs meanwhile, is also to be restarted: roll that first, with --skip-tags vrrp_configuration`,
    };
  const isBreaking = new Set(breaking.map(({ name }) => name));
  // Where some have the new configuration already, the one that they speak by it goes first.
  const last = due
    .filter(name => !solution.stay.includes(name))
    .toSorted((a, b) => (isSettled ? 1 : -1) * (Number(isBreaking.has(a)) - Number(isBreaking.has(b))));
  return {
    breaks,
    ...solution,
    order: [...solution.stay, ...last],
    expectedSeconds:
      isSettled || running.length === 0 ? 0 : TURN_SECONDS * breaking.length + intervals(running, broken),
  };
}

/** One entry per instance. */
function merged(breaks: readonly WireBreak[]): WireBreak[] {
  const keywords = new Map<string, Set<string>>();
  for (const each of breaks) {
    const known = keywords.get(each.instance) ?? new Set<string>();
    for (const keyword of each.keywords) known.add(keyword);
    keywords.set(each.instance, known);
  }
  return [...keywords].map(([instance, words]) => ({ instance, keywords: [...words] }));
}

function runs(live: DaemonStatus | undefined, instances: ReadonlySet<string>): boolean {
  return live?.instances.some(({ name }) => instances.has(name)) ?? false;
}

/** Who stops and who goes on: whoever is MASTER of least stops first, if another can take over what it has. */
function pauses(
  running: readonly WireMember[],
  members: readonly WireMember[],
  broken: ReadonlySet<string>,
): { handovers: Map<string, string[]>; stop: string[]; stay: string[] } | { refused: string } {
  const live = new Map(members.map(member => [member.name, member.live]));
  const preference = members.map(({ name }) => name);
  const order = rollingOrder(
    running.map(({ name }) => name),
    preference,
    live,
  );
  const has = new Map(members.map(member => [member.name, new Set(mastered(member.live))]));
  const handovers = new Map<string, string[]>();
  const stop: string[] = [];
  const stay: string[] = [];
  for (const name of order) {
    const mine = [...(has.get(name) ?? [])];
    const heirs = mine.map(instance => heirOf(instance, name, preference, stop, live));
    if (mine.length > 0 && heirs.includes(undefined)) {
      stay.push(name);
      continue;
    }
    stop.push(name);
    if (mine.length > 0) handovers.set(name, mine);
    for (const [index, instance] of mine.entries()) has.get(heirs[index] ?? '')?.add(instance);
  }
  const shared = [...broken].find(
    instance => stay.filter(name => runs(live.get(name), new Set([instance]))).length > 1,
  );
  if (shared !== undefined)
    return {
      refused: `${stay.join(' and ')} all have VIPs that nobody could take over, and ${shared} is theirs in common: change one instance at a time`,
    };
  return { handovers, stop, stay };
}

/** A BACKUP that hears its master and goes on. */
function heirOf(
  instance: string,
  from: string,
  preference: readonly string[],
  stopped: readonly string[],
  live: ReadonlyMap<string, DaemonStatus | undefined>,
): string | undefined {
  return preference.find(name => {
    if (name === from || stopped.includes(name)) return false;
    const seen = live.get(name)?.instances.find(each => each.name === instance);
    return seen?.state === 'BACKUP' && seen.heard !== null && seen.heard.ageMs <= seen.masterDownIntervalMs;
  });
}

/** A BACKUP counts once it has heard its master, which may have come back only after a silence. */
function intervals(running: readonly WireMember[], broken: ReadonlySet<string>): number {
  const known = running.flatMap(({ live }) => live?.instances ?? []).filter(({ name }) => broken.has(name));
  return Math.ceil((2 * Math.max(0, ...known.map(({ advertIntervalMs }) => advertIntervalMs))) / 1000);
}
