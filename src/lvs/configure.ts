import type { Checker, Config, RealServer, VirtualServer } from '#conf/model.ts';
import type { LvsAction } from './action.ts';
import { realLabel, virtualLabel } from './labels.ts';
import { updateQuorum } from './quorum-change.ts';
import { sameChecker } from './same-checker.ts';
import { servicesOf } from './services.ts';
import type { HealthCheck, LvsState, Opinion, RealState, VirtualState } from './state.ts';
import { weightOf } from './weight.ts';

/** What a killed predecessor left in the kernel: a real server's weight there; undefined: it was none of its. */
export type Leftover = (virtual: VirtualState, real: RealServer) => number | undefined;

export interface Configuration {
  readonly config: Config;
  readonly leftover: Leftover;
}

/**
 * Takes up a configuration, a virtual server in each step: what stays keeps its state, real servers with their verdicts.
 * Nothing else may happen to `state` between two steps but verdicts.
 */
export function* configure(
  state: LvsState,
  { config, leftover }: Configuration,
  nowMs: number,
  actions: LvsAction[],
): Generator<undefined, void> {
  const groups = new Map(config.virtualServerGroups.map(group => [group.name, group]));
  const before = new Map(state.virtuals.map(virtual => [virtualIdentity(virtual.config), virtual]));
  const virtuals: VirtualState[] = [];
  for (const server of config.virtualServers) {
    const identity = virtualIdentity(server);
    const known = before.get(identity);
    before.delete(identity);
    const virtual = known ?? newVirtual(server);
    virtual.config = server;
    const group = server.key.kind === 'group' ? groups.get(server.key.group) : undefined;
    virtual.services = servicesOf(server, group);
    takeUpReals(state, virtual, leftover, nowMs, actions);
    updateQuorum(virtual, actions);
    virtuals.push(virtual);
    yield undefined;
  }
  state.virtuals = virtuals;
  for (const virtual of before.values()) removeVirtual(state, virtual, actions);
  actions.push({ kind: 'table', virtual: undefined });
}

function virtualIdentity(server: VirtualServer): string {
  return `${virtualLabel(server)} ${server.protocol} ${server.family}`;
}

function newVirtual(config: VirtualServer): VirtualState {
  return {
    config,
    label: virtualLabel(config),
    services: [],
    reals: [],
    draining: [],
    quorate: false,
    hasBegun: false,
    suspended: false,
  };
}

function takeUpReals(
  state: LvsState,
  virtual: VirtualState,
  leftover: Leftover,
  nowMs: number,
  actions: LvsAction[],
): void {
  const before = new Map(virtual.reals.map(real => [real.label, real]));
  virtual.reals = virtual.config.realServers.map(config => {
    const label = realLabel(config, virtual.config);
    const known = before.get(label);
    before.delete(label);
    const real = known ?? { config, label, checks: [], alive: false, weight: 0 };
    real.config = config;
    const weightThere = known ? undefined : leftover(virtual, config);
    const standing = known ? known.alive : weightThere === undefined ? undefined : weightThere > 0;
    takeUpChecks(state, virtual, real, { standing, weightThere }, actions);
    real.alive = real.checks.every(({ opinion }) => opinion.up);
    real.weight = weightOf(real);
    return real;
  });
  const labels = new Set(virtual.reals.map(({ label }) => label));
  virtual.draining = virtual.draining.filter(({ label }) => !labels.has(label));
  for (const real of before.values()) removeReal(state, virtual, real, nowMs, actions);
}

function removeReal(
  state: LvsState,
  virtual: VirtualState,
  real: RealState,
  nowMs: number,
  actions: LvsAction[],
): void {
  const { drainTimeoutMs } = virtual.config;
  const { config, label } = real;
  removeChecks(state, real.checks, actions);
  const drains = drainTimeoutMs !== undefined && real.alive;
  const what = drains ? `Draining service ${label} of` : `Removing service ${label} from`;
  actions.push({ kind: 'log', line: `service ${label} no longer exist` });
  actions.push({ kind: 'log', line: `${what} VS ${virtual.label}` });
  tellGone(virtual, real, actions);
  if (drains) virtual.draining.push({ config, label, untilMs: nowMs + drainTimeoutMs });
}

/** Nothing of it drains: with the service all connections end. */
function removeVirtual(state: LvsState, virtual: VirtualState, actions: LvsAction[]): void {
  actions.push({ kind: 'log', line: `Removing Virtual Server ${virtual.label}` });
  for (const real of virtual.reals) {
    removeChecks(state, real.checks, actions);
    actions.push({ kind: 'log', line: `Removing service ${real.label} from VS ${virtual.label}` });
    tellGone(virtual, real, actions);
  }
  if (virtual.quorate) actions.push({ kind: 'quorum', virtual, up: false, why: 'Removing' });
}

/** A real server that was up and that a reload removed is told as down. */
function tellGone(virtual: VirtualState, real: RealState, actions: LvsAction[]): void {
  if (real.alive) actions.push({ kind: 'realServer', virtual, real, up: false, why: 'Removing' });
}

/** What is known of a real server whose checker is new: its state, and its weight if it was found in the kernel. */
interface Standing {
  readonly standing: boolean | undefined;
  readonly weightThere: number | undefined;
}

function takeUpChecks(
  state: LvsState,
  virtual: VirtualState,
  real: RealState,
  standing: Standing,
  actions: LvsAction[],
): void {
  const before = [...real.checks];
  real.checks = real.config.checkers.map(checker => {
    const index = before.findIndex(check => sameChecker(check.checker, checker));
    const [known] = index < 0 ? [] : before.splice(index, 1);
    if (known) return known;
    const initial = initialOpinion(checker, standing);
    const check: HealthCheck = {
      id: ++state.lastCheckId,
      checker,
      opinion: initial ?? { up: startsUp(checker), weight: undefined, weightAdded: 0 },
      hasSpoken: initial !== undefined,
    };
    state.checks.set(check.id, { virtual, real, check });
    actions.push({ kind: 'addCheck', id: check.id, checker, initial });
    if (virtual.suspended) actions.push({ kind: 'suspendCheck', id: check.id, suspended: true });
    return check;
  });
  removeChecks(state, before, actions);
}

function startsUp(checker: Checker): boolean {
  return checker.kind === 'FILE_CHECK' || !checker.alpha;
}

function initialOpinion(checker: Checker, { standing, weightThere }: Standing): Opinion | undefined {
  // A file is read at once.
  if (standing === undefined || checker.kind === 'FILE_CHECK') return undefined;
  const isDynamic = checker.kind === 'MISC_CHECK' && checker.miscDynamic;
  return { up: standing, weight: standing && isDynamic ? weightThere : undefined, weightAdded: 0 };
}

function removeChecks(state: LvsState, checks: readonly HealthCheck[], actions: LvsAction[]): void {
  for (const { id } of checks) {
    state.checks.delete(id);
    actions.push({ kind: 'removeCheck', id });
  }
}
