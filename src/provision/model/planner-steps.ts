/** From decisions to the steps of a host's plan: what is early, what is guarded, what waits for the turn. */
import type { ShownChange } from '#control/events.ts';
import { must } from '#base/assert.ts';
import type { DepartureChanges } from './departures.ts';
import { compactLedger, type Ledger, record } from './ledger.ts';
import type { Change, Effect } from './module.ts';
import type { Gate, PlannedTask, Step } from './plan.ts';
import type { Blocked, Decided, DecidedInstance } from './planner-decide.ts';
import { bytesPart, type Fragment, input, lines, sh } from './shell.ts';

/** The parts of a plan that decisions alone make. */
export interface Steps {
  readonly tasks: readonly PlannedTask[];
  readonly early: readonly Step[];
  readonly guarded: readonly Step[];
  readonly guardedInTurn: boolean;
  readonly turn: readonly Step[];
  readonly selfRevert: Fragment | undefined;
}

/** Sorts every change into its phase, in the order of the tasks. */
export function stepsOf(decided: readonly Decided[], blocked: readonly Blocked[]): Steps {
  const sorter = new Sorter();
  for (const each of decided) for (const instance of each.instances) sorter.add(each, instance);
  const tasks = [...decided.map(plannedTask), ...blocked.map(unknownTask)].sort((a, b) => a.id - b.id);
  const { early, closing, guarded, turn, undo } = sorter;
  const disturbs = turn.length > 0;
  return {
    tasks,
    early: disturbs ? early : [...early, ...closing],
    guarded,
    guardedInTurn: disturbs && guarded.some(step => step.kind === 'apply' && step.change.closes === true),
    turn: disturbs ? [...closing, ...turn] : turn,
    selfRevert: undo.length > 0 ? lines(undo) : undefined,
  };
}

function plannedTask({ work, instances, skipped }: Decided): PlannedTask {
  const { id, task } = work;
  const changes = instances.flatMap(instance => instance.changes.map(shown));
  const common = { id, role: task.scope.role, name: task.name, changes };
  if (skipped) return { ...common, status: 'skipped', reason: 'its condition is false' };
  return { ...common, status: changes.length > 0 ? 'pending' : 'ok' };
}

function unknownTask({ work, until }: Blocked): PlannedTask {
  const { id, task } = work;
  return {
    id,
    role: task.scope.role,
    name: task.name,
    status: 'unknown',
    reason: `unknown until "${until}"`,
    changes: [],
  };
}

function shown(change: Change): ShownChange {
  const { resource, summary, before, after, effect } = change;
  return {
    resource,
    summary,
    ...(before === undefined ? {} : { before }),
    ...(after === undefined ? {} : { after }),
    effect,
  };
}

const DISTURBING: ReadonlySet<Effect> = new Set(['reload', 'restart']);

class Sorter {
  readonly early: Step[] = [];
  /** What a daemon may need until its turn. */
  readonly closing: Step[] = [];
  readonly guarded: Step[] = [];
  readonly turn: Step[] = [];
  /** Last change first. */
  readonly undo: Fragment[] = [];
  readonly #inTurn: string[] = [];

  add(decided: Decided, { args, changes }: DecidedInstance): void {
    for (const change of changes) this.#sort(decided, args, change);
  }

  #sort(decided: Decided, args: unknown, change: Change): void {
    const { work, context } = decided;
    const { task } = work;
    const step = { task: work.id, name: task.name };
    const apply = (fragment: Fragment): Step => ({
      ...step,
      kind: 'apply',
      change,
      fragment,
      ...recordsOf(decided, change),
    });
    if (change.effect === 'connectivity') {
      this.guarded.push(apply(task.module.apply(change, args, context)));
      this.undo.unshift(this.#undoOf(decided, args, change));
    } else if (change.closes === true) {
      this.closing.push(apply(task.module.apply(change, args, context)));
    } else if (!this.#waits(decided, change)) {
      this.early.push(apply(task.module.apply(change, args, context)));
    } else {
      this.#inTurn.push(change.resource);
      const parts = task.module.staged?.(change, args, context);
      if (parts && parts.stage.text !== '')
        this.early.push({ ...step, kind: 'stage', fragment: parts.stage });
      this.turn.push(apply(parts ? parts.commit : task.module.apply(change, args, context)));
    }
  }

  #waits({ work }: Decided, change: Change): boolean {
    if (DISTURBING.has(change.effect)) return true;
    if (change.early === true) return false;
    const within = this.#inTurn.some(
      other => change.resource === other || change.resource.startsWith(`${other}/`),
    );
    return work.task.notify.length > 0 || within;
  }

  /** What was ours before is what the host goes back to; a first change goes back to what was there first. */
  #undoOf({ work, context }: Decided, args: unknown, change: Change): Fragment {
    const { module } = work.task;
    return must(
      module.undo?.(change, args, context),
      `${module.name} can cut the connection and has no undo`,
    );
  }
}

function recordsOf({ work }: Decided, change: Change): { records?: { intend: string; done: string } } {
  if (change.transient === true) return {};
  const owner = work.task.scope.role ?? work.play.name;
  const intend = record.intend(change.resource, owner, change.from, change.to);
  return { records: { intend, done: record.done(change.resource) } };
}

/** Says in the ledger what the turn will owe, before it begins. */
export function noteStep(handlers: readonly string[], gates: readonly string[]): Step {
  return {
    kind: 'note',
    name: 'note handlers and gates',
    fragment: sh`t_intend ${record.notify(handlers, gates)}`,
  };
}

/** Who leaves and who is back is written ahead: a run that is killed after it is finished by the next. */
export function rememberSteps({ left, returned }: DepartureChanges): readonly Step[] {
  const records = [...left.map(record.leave), ...returned.map(({ host }) => record.back(host))];
  return records.map(text => ({
    kind: 'note',
    name: 'note real servers that leave',
    fragment: sh`t_intend ${text}`,
  }));
}

/** Below so many superfluous records compaction does not pay. */
const SUPERFLUOUS_MAX = 20;

/** Rewrites a ledger that has grown, unless somebody wrote to it since it was read. */
export function compactionStep(ledger: Ledger): Step | undefined {
  if (ledger.records < 2 * ledger.entries.length + ledger.departures.length + SUPERFLUOUS_MAX)
    return undefined;
  const text = new TextEncoder().encode(compactLedger(ledger));
  const fragment = sh`${input(bytesPart('ledger', text))} | t_compact ${ledger.bytes}`;
  return { kind: 'note', name: 'compact the ledger', fragment };
}

/** Notes on the host that its turn stopped here, before the controller hears of it. */
export function orStopped(fragment: Fragment, at: string): Fragment {
  return sh`(\n${fragment}\n) || { t_e=$?; t_log ${record.stopped(at)}; exit $t_e; }`;
}

/** The gates to be passed: all of the plays' after a turn, else those that an earlier run left open. */
export function gatesOf(decided: readonly Decided[], ledger: Ledger, disturbed: boolean): readonly Gate[] {
  return decided.flatMap(({ work, instances, context }) => {
    const { name, module } = work.task;
    if (!disturbed && !ledger.gates.includes(name)) return [];
    return instances.flatMap(({ args }): readonly Gate[] => {
      const made = module.gate?.(args, context);
      if (!made) return [];
      const { fragment, timeoutMs, until } = made;
      const [held, stopped] = [sh`t_log ${record.held(name)}`, sh`t_log ${record.stopped(name)}`];
      if (until) return [{ name, fragment, timeoutMs, until: { ...until, held, stopped } }];
      return [{ name, fragment: lines([orStopped(fragment, name), held]), timeoutMs }];
    });
  });
}
