/** Who is master after each turn of a roll, so that nobody becomes it whom the final configuration does not want. Pure. */
import type { DaemonStatus } from '#control/status.ts';
import type { HostPlan } from '#provision/model/plan.ts';

type LivePicture = ReadonlyMap<string, DaemonStatus | undefined>;
type Plans = ReadonlyMap<string, HostPlan | undefined>;

/** A change of mastership that the new configuration asks for. */
export interface MasterChange {
  readonly from: string;
  readonly to: string;
  readonly instances: readonly string[];
}

interface CalmOrder {
  readonly order: readonly string[];
  readonly changes: readonly MasterChange[];
}

/** More hosts than this in one cluster have too many orders to try them all. */
const HOSTS_MAX = 5;

/**
 * The first order of the turns, `preferred` before all others, in which every instance keeps its master or passes
 * directly to the one that it has in the end. Weights of trackers are taken as they are now.
 */
export function calmOrder(
  preferred: readonly string[],
  plans: Plans,
  live: LivePicture,
): CalmOrder | { readonly refused: string } {
  const instances = new Set(
    [...plans.values()].flatMap(plan => (plan?.elections ?? []).map(each => each.instance)),
  );
  const elections = [...instances].flatMap(instance => electionOf(instance, plans, live) ?? []);
  const torn = tornGroup(elections, plans);
  if (torn) return { refused: torn };
  let trouble = '';
  for (const order of ordersOf(preferred)) {
    const courses = elections.map(election => ({ election, masters: mastersOf(election, order) }));
    const restless = courses.find(({ masters }) => masters.length > 2);
    if (!restless) return { order, changes: changesOf(courses) };
    trouble ||= `${restless.masters[1]} would become MASTER of ${restless.election.instance} for a moment`;
  }
  return {
    refused: `in whatever order its hosts are reloaded, ${trouble}: change the priorities in two steps`,
  };
}

interface Election {
  readonly instance: string;
  readonly master: string;
  readonly routers: ReadonlyMap<
    string,
    { readonly before: number; readonly after: number; readonly preempts: boolean }
  >;
}

/** Undefined where nobody is master, or two are: nothing can be told then. */
function electionOf(instance: string, plans: Plans, live: LivePicture): Election | undefined {
  const routers = new Map<string, { before: number; after: number; preempts: boolean }>();
  const masters: string[] = [];
  for (const [host, status] of live) {
    const seen = status?.instances.find(({ name }) => name === instance);
    if (seen?.state !== 'MASTER' && seen?.state !== 'BACKUP') continue;
    if (seen.state === 'MASTER') masters.push(host);
    const change = plans.get(host)?.elections?.find(each => each.instance === instance);
    const before = seen.effectivePriority;
    const shift = change ? change.after - change.before : 0;
    routers.set(host, { before, after: before + shift, preempts: change?.preempts ?? false });
  }
  const [master, second] = masters;
  return master === undefined || second !== undefined ? undefined : { instance, master, routers };
}

/** A group that is made of instances with different masters gives up what some have before the others take it. */
function tornGroup(elections: readonly Election[], plans: Plans): string | undefined {
  const groups = [...plans.values()]
    .flatMap(plan => plan?.elections ?? [])
    .flatMap(({ joins }) => (joins ? [joins] : []));
  for (const group of groups) {
    const [first, ...others] = elections.filter(({ instance }) => group.includes(instance));
    const other = others.find(({ master }) => master !== first?.master);
    if (first && other)
      return `${first.instance} has its master on ${first.master} and ${other.instance} on ${other.master}, and a sync group that is made of them now would give one up before the other takes it: let them prefer the same host first, and make the group then`;
  }
  return undefined;
}

/** The masters one after the other, the present one first. A router whose turn does not come preempts nobody. */
function mastersOf({ master, routers }: Election, order: readonly string[]): string[] {
  const masters = [master];
  const done = new Set<string>();
  for (const host of order) {
    done.add(host);
    const priority = (name: string): number => {
      const router = routers.get(name);
      return (done.has(name) ? router?.after : router?.before) ?? 0;
    };
    const present = masters.at(-1) ?? master;
    const better = [...routers.keys()]
      .filter(name => routers.get(name)?.preempts === true && priority(name) > priority(present))
      .toSorted((a, b) => priority(b) - priority(a));
    if (better[0] !== undefined) masters.push(better[0]);
  }
  return masters;
}

function changesOf(
  courses: readonly { readonly election: Election; readonly masters: readonly string[] }[],
): MasterChange[] {
  const changes = new Map<string, { from: string; to: string; instances: string[] }>();
  for (const { election, masters } of courses) {
    const [from, to] = masters;
    if (from === undefined || to === undefined) continue;
    const key = JSON.stringify([from, to]);
    const known = changes.get(key) ?? { from, to, instances: [] };
    changes.set(key, { from, to, instances: [...known.instances, election.instance] });
  }
  return [...changes.values()];
}

function* ordersOf(hosts: readonly string[]): Generator<readonly string[]> {
  yield hosts;
  if (hosts.length > HOSTS_MAX) yield hosts.toReversed();
  else yield* permutations(hosts);
}

function* permutations(hosts: readonly string[]): Generator<readonly string[]> {
  if (hosts.length === 0) yield [];
  for (const host of hosts)
    for (const rest of permutations(hosts.filter(each => each !== host))) yield [host, ...rest];
}
