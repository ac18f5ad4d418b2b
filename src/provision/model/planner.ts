/**
 * Decides for one host, round after round: what to read, and from the answers what to do. With nothing to do there is
 * one round. More are needed to ask a daemon that is about to be disturbed for its state, where an address depends on
 * facts or on the ledger, and after a barrier.
 */
import { assert } from '#base/assert.ts';
import { type Diagnostic, InputError, RemoteError } from '#base/errors.ts';
import type { DaemonStatus } from '#control/status.ts';
import {
  type Departure,
  type DepartureChanges,
  departureChanges,
  type DepartureOrders,
} from './departures.ts';
import type { Facts } from './facts.ts';
import { factsProbe, factVariables, parseFacts, type SeenFacts } from './facts-probe.ts';
import type { FileSource } from './inventory.ts';
import { foldLedger, type Ledger } from './ledger.ts';
import { liveProbe, parseLive } from './live-status.ts';
import type { PlanContext } from './module.ts';
import type { Frame } from './frames.ts';
import type { HostPlan } from './plan.ts';
import type { Item } from './program.ts';
import { decide, type Decision, type Knowledge, type TaskWork } from './planner-decide.ts';
import { dueHandlers, type HandlerOptions } from './planner-handlers.ts';
import { vrrpPlanOf } from './planner-vrrp.ts';
import { compactionStep, gatesOf, noteStep, rememberSteps, stepsOf } from './planner-steps.ts';
import type { Play } from './playbook.ts';
import { type MakeVariables, scopeOf } from './scope.ts';
import type { ReleaseArtefact } from './release.ts';
import { type Fragment, NOTHING, sh } from './shell.ts';
import type { Task } from './task.ts';
import type { Variables } from './template.ts';
import type { VariableLayers } from './variables.ts';
import { redactSecrets, secrets } from './variables-secrets.ts';

/** The host's variables as they are while these real servers leave; with the others' layers under and over them. */
type MakeHostVariables = (layers: VariableLayers, departures: readonly Departure[]) => Variables;

export interface PlannerOptions {
  readonly host: string;
  /** Those that are for this host. */
  readonly plays: readonly Play[];
  /** The host's, under and over the given layers: `layers => hostVariables(inventory, host, { …, ...layers })`. */
  readonly variables: MakeHostVariables;
  readonly files: FileSource;
  /** The release for an architecture (`x64`, `arm64`), if it can be had. */
  readonly release: (architecture: string) => ReleaseArtefact | undefined;
  /** `--tags` and `--skip-tags`. */
  readonly tags?: readonly string[];
  readonly skipTags?: readonly string[];
  /** `--resume`: handlers of a roll-out that stopped run too. */
  readonly resume?: boolean;
  /** What becomes of real servers that this host does without; absent: nothing. */
  readonly departures?: DepartureOrders;
  /** What only facts can tell, such as an interface that is not there; errors stop the host. */
  readonly checkFacts?: (facts: Facts) => readonly Diagnostic[];
}

/** A part of the program: a task's, or the planner's own. */
interface Asked {
  readonly work?: TaskWork;
  /** Read before it is known whether the task is wanted: a failure counts once it is. */
  readonly ahead?: boolean;
}

export class HostPlanner {
  readonly #options: PlannerOptions;
  readonly #works: readonly TaskWork[];
  readonly #seen = new Map<string, Uint8Array>();
  readonly #changed = new Set<number>();
  #secrets: readonly string[] | undefined;
  #facts: SeenFacts | undefined;
  #ledger: Ledger | undefined;
  #live: DaemonStatus | undefined;
  #askLive: 'no' | 'now' | 'done' = 'no';
  /** The last plan that something could be run of. */
  #given: HostPlan | undefined;
  #asked: ReadonlyMap<string, Asked> = new Map();
  #orders: DepartureOrders | undefined;

  constructor(options: PlannerOptions) {
    this.#options = options;
    this.#orders = options.departures;
    const tasks = options.plays.flatMap(play => play.tasks.map(task => ({ task, play })));
    this.#works = tasks
      .map(({ task, play }, index) => ({ id: index + 1, task, play }))
      .filter(({ task }) => isWanted(task, options.tags ?? [], options.skipTags ?? []));
  }

  /** From the next plan on: other orders about real servers that leave. */
  depart(orders: DepartureOrders): void {
    this.#orders = orders;
  }

  /** What to read now. Throws InputError for what the user wrote. */
  probe(): { readonly parts: readonly Item[] } {
    this.#forgetChanged();
    const parts: Item[] = [];
    const asked = new Map<string, Asked>();
    const ask = (id: string, fragment: Fragment, of: Asked = {}): void => {
      parts.push({ id, fragment });
      asked.set(id, of);
    };
    if (!this.#facts) ask('facts', factsProbe());
    if (!this.#ledger) ask('ledger', sh`[ ! -f "$t_state/ledger" ] || cat "$t_state/ledger"`);
    if (this.#askLive === 'now') ask('live', liveProbe());
    for (const { work, instance } of decide(this.#knowledge()).unread) {
      const { module } = work.task;
      const context = this.#context();
      const fragment =
        module.probeWith && context
          ? module.probeWith(instance.args, { ...context, planned: new Map(), path: [] })
          : module.probe(instance.args);
      if (fragment === NOTHING) this.#seen.set(instance.id, new Uint8Array(0));
      else ask(instance.id, fragment, { work, ahead: instance.missing !== undefined });
    }
    this.#asked = asked;
    return { parts };
  }

  /** What may have been changed since the last plan is read anew, as is the ledger. */
  #forgetChanged(): void {
    const plan = this.#given;
    if (!plan) return;
    for (const { id } of plan.tasks.filter(task => task.status === 'pending')) {
      this.#changed.add(id);
      for (const key of this.#seen.keys())
        if (key === String(id) || key.startsWith(`${id}.`)) this.#seen.delete(key);
    }
    this.#given = undefined;
    this.#ledger = undefined;
  }

  /**
   * The plan, from the answers to {@link probe}. One without tasks and steps that has `barrier` only asks for another round.
   * Throws RemoteError where a probe failed or this host is not fit, InputError for what the user wrote.
   */
  plan(answers: ReadonlyMap<string, Pick<Frame, 'exit' | 'stdout' | 'stderr'>>): HostPlan {
    for (const [id, asked] of this.#asked) this.#take(id, asked, answers.get(id));
    this.#asked = new Map();
    const decision = decide(this.#knowledge());
    if (decision.unread.length > 0) return this.#readMore();
    if (this.#orders?.nothingElse) this.#refuseAnythingElse();
    const plan = this.#assemble(decision);
    if (plan.turn.length > 0 && this.#facts?.daemonListens === true && this.#askLive === 'no') {
      this.#askLive = 'now';
      return this.#readMore();
    }
    this.#given = plan;
    return plan;
  }

  /** Whoever takes a server out of service asks for that and for nothing else. */
  #refuseAnythingElse(): void {
    const { left, inForce } = this.#departures();
    const reason = left.length > 0 ? this.#orders?.refuses?.(inForce) : undefined;
    if (reason !== undefined)
      throw new RemoteError({ host: this.#options.host, step: 'plan', message: reason });
    const present = this.#ledger?.departures ?? [];
    const { decided } = decide({ ...this.#knowledge(), variables: this.#variablesWith(present) });
    const changes = decided.flatMap(({ instances }) => instances.flatMap(instance => instance.changes));
    if (changes.length === 0) return;
    const what = changes.map(({ resource }) => resource).join(', ');
    throw new RemoteError({
      host: this.#options.host,
      step: 'plan',
      message: `${what} is not as the inventory says, and would be changed along with it: see tandem plan, and apply first`,
    });
  }

  #departures(): DepartureChanges {
    return departureChanges(this.#ledger?.departures ?? [], this.#orders);
  }

  #variablesWith(departures: readonly Departure[]): MakeVariables {
    return layers => this.#options.variables(layers, departures);
  }

  #take(
    id: string,
    { work, ahead = false }: Asked,
    answer: Pick<Frame, 'exit' | 'stdout' | 'stderr'> | undefined,
  ): void {
    const step = work ? work.task.name : `read ${id}`;
    const { host } = this.#options;
    if (!answer) throw new RemoteError({ host, step, message: 'the host did not answer' });
    if (answer.exit !== 0) {
      if (ahead) return;
      const said = this.#redact(new TextDecoder().decode(answer.stderr));
      throw new RemoteError({
        host,
        step,
        message: `reading the present state failed with exit code ${answer.exit}`,
        said,
      });
    }
    if (id === 'facts') this.#takeFacts(answer.stdout);
    else if (id === 'ledger') this.#ledger = foldLedger(new TextDecoder().decode(answer.stdout));
    else if (id === 'live') {
      this.#askLive = 'done';
      this.#live = liveOrNone(answer.stdout, host);
    } else this.#seen.set(id, answer.stdout);
  }

  #takeFacts(answer: Uint8Array): void {
    this.#facts = parseFacts(answer);
    const diagnostics = this.#options.checkFacts?.(this.#facts.facts) ?? [];
    if (diagnostics.some(each => each.severity === 'error')) throw new InputError(diagnostics);
  }

  #context(): Omit<PlanContext, 'planned' | 'path'> | undefined {
    if (!this.#facts || !this.#ledger) return undefined;
    const { facts } = this.#facts;
    const release = this.#options.release(facts.architecture);
    return { facts, ledger: this.#ledger.entries, release, redact: this.#redact };
  }

  #knowledge(): Knowledge {
    const { host, files } = this.#options;
    return {
      host,
      works: this.#works,
      variables: this.#variablesWith(this.#departures().inForce),
      facts: this.#factVariables(),
      files,
      context: this.#context(),
      seen: this.#seen,
      changed: this.#changed,
    };
  }

  #factVariables(): Readonly<Record<string, unknown>> | undefined {
    return this.#facts && factVariables(this.#facts.facts);
  }

  /** The host's secrets are looked for when a text is to be shown, and not before. */
  #redact = (text: string): string => {
    this.#secrets ??= this.secretValues();
    return redactSecrets(text, [...this.#secrets, ...(this.#options.files.vault?.secrets() ?? [])]);
  };

  /** Every secret that a task of this host can see: the inventory's, and those of plays, roles and tasks. */
  secretValues(): readonly string[] {
    const facts = this.#factVariables();
    const { plays } = this.#options;
    const variables = this.#variablesWith([]);
    const found = new Set(secrets(variables(facts ? { facts } : {})));
    const seen = new Set<Task['scope']>();
    for (const task of plays.flatMap(play => [...play.tasks, ...play.handlers])) {
      if (seen.has(task.scope) && Object.keys(task.vars).length === 0) continue;
      seen.add(task.scope);
      const scope = scopeOf(task, variables, { facts, registered: {}, unknown: new Map() });
      for (const value of secrets(scope)) found.add(value);
    }
    return [...found];
  }

  #assemble(decision: Decision): HostPlan {
    assert(this.#ledger, 'a plan needs the ledger');
    const ledger = this.#ledger;
    const { decided, blocked } = decision;
    const steps = stepsOf(decided, blocked);
    const { plays, files } = this.#options;
    const departures = this.#departures();
    const options: HandlerOptions = {
      plays,
      decided,
      pending: ledger.handlers,
      variables: this.#variablesWith(departures.inForce),
      facts: this.#factVariables(),
      files,
    };
    const withheld = this.#withheld(options, ledger);
    const handlers = dueHandlers(withheld ? { ...options, pending: [] } : options);
    const turn = [...steps.turn, ...handlers.map(({ step }) => step)];
    const gates = withheld && turn.length === 0 ? [] : gatesOf(decided, ledger, turn.length > 0);
    const owed = handlers.map(({ key }) => key);
    const note =
      turn.length > 0 && owed.length + gates.length > 0
        ? [
            noteStep(
              owed,
              gates.map(gate => gate.name),
            ),
          ]
        : [];
    const remembered = rememberSteps(departures);
    const compaction = steps.early.length + turn.length > 0 ? compactionStep(ledger) : undefined;
    return {
      host: this.#options.host,
      tasks: steps.tasks,
      early: [...(compaction ? [compaction] : []), ...steps.early],
      guarded: steps.guarded,
      ...(steps.guardedInTurn ? { guardedInTurn: true } : {}),
      selfRevert: steps.selfRevert,
      turn: [...remembered, ...note, ...turn],
      gates,
      ...vrrpPlanOf(options, this.#live),
      ...(withheld ? { withheld } : {}),
      resumed: handlers.filter(({ resumed }) => resumed).map(({ key }) => key),
      departures,
      live: this.#live,
      barrier: blocked.length > 0,
    };
  }

  /** After a turn that stopped, what it left behind only runs when asked for, unless this run notifies it anew. */
  #withheld(options: HandlerOptions, { stopped }: Ledger): HostPlan['withheld'] {
    if (stopped === undefined || this.#options.resume) return undefined;
    const handlers = dueHandlers(options).flatMap(({ key, resumed }) => (resumed ? key : []));
    return handlers.length > 0 ? { handlers, stoppedAt: stopped } : undefined;
  }

  #readMore(): HostPlan {
    const nothing = { tasks: [], early: [], guarded: [], turn: [], gates: [], resumed: [] } as const;
    const { host } = this.#options;
    return { host, ...nothing, selfRevert: undefined, live: this.#live, barrier: true };
  }
}

/**
 * A tandemd's status that cannot be read is none: it may be of another version, or on its way down. A keepalived that
 * does not tell would be disturbed blindly: RemoteError.
 */
function liveOrNone(answer: Uint8Array, host: string): DaemonStatus | undefined {
  try {
    return parseLive(answer);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    if (answer[0] !== KEEPALIVED) return undefined;
    throw new RemoteError({
      host,
      step: 'ask keepalived for its status',
      message: error.message,
      cause: error,
    });
  }
}

/** The first letter of what is not JSON. */
const KEEPALIVED = 'k'.charCodeAt(0);

/** Ansible's rules: `always` runs unless skipped, `never` only when asked for. */
function isWanted(task: Task, tags: readonly string[], skipTags: readonly string[]): boolean {
  const has = (list: readonly string[]): boolean => task.tags.some(tag => list.includes(tag));
  if (has(skipTags)) return false;
  if (has(['never']) && !has(tags)) return false;
  return tags.length === 0 || tags.includes('all') || has(tags) || has(['always']);
}
