/** One host's way through an apply: probe, plan, early changes, its turn, its gates. */
import type { HostTally } from '#control/events.ts';
import { unloaded } from '#control/expectation.ts';
import type { DaemonStatus } from '#control/status.ts';
import type { DepartureOrders } from '#provision/model/departures.ts';
import type { Frame } from '#provision/model/frames.ts';
import { type Gate, hasWork, type HostPlan, type Step } from '#provision/model/plan.ts';
import { assembleSteps } from '#provision/model/program.ts';
import type { HostReport, RunContext } from './api.ts';
import { runGuarded } from './guarded.ts';
import { LEDGER_LENGTH } from './lock.ts';
import { type MaintenanceMark, parseMaintenance, READ_MAINTENANCE } from './maintenance.ts';
import type { HostPlanner, RunHost } from './ports.ts';
import { RemoteHost, saidIn } from './remote-host.ts';
import { newNonce, type ProgramOptions } from './session.ts';
import { TaskProgress } from './task-progress.ts';

/** More rounds than any play has barriers: a planner that always asks for another one is at fault. */
const ROUNDS_MAX = 50;

const MAINTENANCE_ID = 'tandem.maintenance';
const LEDGER_LENGTH_ID = 'tandem.ledger-length';

/** How long a gate's own timeout may be overrun by a slow host before the connection is given up. */
const GATE_GRACE_MS = 10_000;

export class HostRun {
  readonly remote: RemoteHost;
  readonly selected: boolean;
  maintenance: MaintenanceMark | undefined;
  readonly #planner: HostPlanner;
  readonly #check: boolean;
  readonly #plans: HostPlan[] = [];
  readonly #progress: TaskProgress;

  constructor(host: RunHost, context: RunContext, check: boolean) {
    this.remote = new RemoteHost(host.access, context);
    this.selected = host.selected;
    this.#planner = host.planner;
    this.#check = check;
    this.#progress = new TaskProgress(host.access.name, context, check);
  }

  get name(): string {
    return this.remote.name;
  }

  get plan(): HostPlan | undefined {
    return this.#plans.at(-1);
  }

  get live(): DaemonStatus | undefined {
    return this.plan?.live;
  }

  /** True if the host waits for its turn. */
  get due(): boolean {
    const plan = this.plan;
    return plan !== undefined && !this.remote.failure && plan.turn.length + plan.gates.length > 0;
  }

  /** True if it has no failure and nothing is left to do here. */
  get isComplete(): boolean {
    const { pending, unknown, failed } = this.tally;
    return !this.remote.failure && pending + unknown + failed === 0;
  }

  /** From the next plan on: other orders about real servers that leave. */
  depart(orders: DepartureOrders): void {
    this.#planner.depart?.(orders);
  }

  /** Everything before the turn; a failure is kept and reported, not thrown. */
  async prepare(): Promise<void> {
    await this.#guard('prepare', async () => {
      await this.remote.connect();
      await this.#planRound();
      if (!this.#check && this.selected) await this.#earlyRounds('unlocked');
    });
  }

  /** Connects and reads a host outside the limit. */
  async look(): Promise<void> {
    await this.#guard('look', async () => {
      await this.remote.connect();
      await this.#planRound();
    });
  }

  /** Reads and plans anew, as another run may have been at work here, or orders have changed. */
  async planAgain(lock: 'locked' | 'unlocked' = 'locked'): Promise<void> {
    await this.#guard('plan again', async () => {
      await this.#planRound();
      await this.#earlyRounds(lock);
    });
  }

  async #guard(step: string, work: () => Promise<void>): Promise<boolean> {
    try {
      await work();
      return true;
    } catch (error) {
      this.remote.fail(error, step);
      return false;
    }
  }

  /** Probes and plans until there is a plan: an empty one with a barrier only asks to be asked again. */
  async #planRound(): Promise<void> {
    for (let round = 0; round < ROUNDS_MAX; round++) {
      const plan = await this.#probeOnce();
      if (!plan.barrier || plan.tasks.length > 0 || hasWork(plan)) {
        this.#accept(plan);
        return;
      }
    }
    throw this.remote.error('plan', `there is no plan after ${ROUNDS_MAX} rounds`);
  }

  async #probeOnce(): Promise<HostPlan> {
    this.remote.checkpoint('probe');
    this.remote.phase('probing');
    // First: what another run does while the rest is read must count as done after it.
    const items = [
      { id: LEDGER_LENGTH_ID, fragment: LEDGER_LENGTH },
      ...this.#planner.probe().parts,
      { id: MAINTENANCE_ID, fragment: READ_MAINTENANCE },
    ];
    const answers = await this.remote.run(this.remote.assemble(items, 'all'), 'probe');
    this.remote.readAt(answers.get(LEDGER_LENGTH_ID));
    this.maintenance = parseMaintenance(answers.get(MAINTENANCE_ID)?.stdout, Date.now());
    return this.#planner.plan(answers);
  }

  #accept(plan: HostPlan): void {
    this.#plans.push(plan);
    if (!this.selected) return;
    this.remote.phase('planned');
    this.#progress.accept(plan);
  }

  /**
   * Early changes, round after round as long as nothing of the plan waits for the turn. `locked`: the caller holds the
   * host's lock; otherwise it is held while they run.
   */
  async #earlyRounds(locked: 'locked' | 'unlocked'): Promise<void> {
    for (let round = 0; round < ROUNDS_MAX; round++) {
      if (!this.#hasEarly()) return;
      this.remote.checkpoint('early changes');
      if (locked === 'locked') await this.#stage();
      else await this.#stageLocked();
      const plan = this.plan;
      if (!plan?.barrier || plan.turn.length + plan.gates.length > 0) return;
      await this.#planRound();
    }
    throw this.remote.error('plan', `there is still a barrier after ${ROUNDS_MAX} rounds`);
  }

  #hasEarly(): boolean {
    const plan = this.plan;
    return plan !== undefined && plan.early.length + (plan.guardedInTurn ? 0 : plan.guarded.length) > 0;
  }

  /** Two runs that stage the same at once would be in each other's way. */
  async #stageLocked(): Promise<void> {
    try {
      if (await this.remote.lock()) await this.#planRound();
      await this.#stage();
    } finally {
      await this.remote.unlock();
    }
  }

  async #stage(): Promise<void> {
    const plan = this.plan;
    if (!plan || !this.#hasEarly()) return;
    this.remote.phase('staging');
    await this.#runSteps(plan.early, 'early changes');
    if (!plan.guardedInTurn) await this.#runGuarded(plan);
  }

  async #runGuarded(plan: HostPlan): Promise<void> {
    if (plan.guarded.length === 0) return;
    // Short: if the connection is cut, there must be time left to prove a new one.
    const silenceTimeoutMs = this.remote.context.settings.selfRevertMs / 3;
    const apply = (): Promise<void> =>
      this.#runSteps(plan.guarded, 'changes that may cut the connection', { silenceTimeoutMs });
    await runGuarded(this.remote, plan, apply);
  }

  async #runSteps(steps: readonly Step[], what: string, more: Partial<ProgramOptions> = {}): Promise<void> {
    if (steps.length === 0) return;
    const { paths, owner } = this.remote.context.settings;
    const program = assembleSteps(steps, { nonce: newNonce(), paths, audit: `${owner} ${what}` });
    const answers = await this.remote.run(program, what, {
      ...more,
      onAnswer: frame => {
        const step = steps[Number(frame.id)];
        if (step) this.#progress.answered(step, frame);
      },
    });
    for (const [index, step] of steps.entries()) {
      const answer = answers.get(String(index));
      if (!answer)
        throw this.remote.error(what, 'the host stopped without a word', openingWords(answers.get('open')));
      if (answer.exit === 0) continue;
      if ('task' in step) this.#progress.settle(step.task, 'failed', saidIn(answer));
      throw this.remote.error(step.name, `exit code ${answer.exit}`, saidIn(answer));
    }
  }

  /** The host's turn and its gates, under locks that the caller holds. False if the roll-out must stop. */
  async turn(): Promise<boolean> {
    return this.#guard('turn', async () => {
      for (let round = 0; round < ROUNDS_MAX; round++) {
        const plan = this.plan;
        if (!plan) return;
        this.remote.checkpoint('turn');
        this.remote.phase('turn');
        if (plan.guardedInTurn) await this.#runGuarded(plan);
        await this.#runSteps(plan.turn, 'turn');
        await this.#runGates(plan);
        if (!plan.barrier) return;
        await this.#planRound();
        await this.#earlyRounds('locked');
      }
    });
  }

  async #runGates(plan: HostPlan): Promise<void> {
    for (const gate of plan.gates) {
      this.remote.phase('verifying', gate.name);
      const startedAtMs = performance.now();
      const report = (status: 'waiting' | 'passed' | 'failed', detail?: string): void => {
        const elapsedMs = Math.round(performance.now() - startedAtMs);
        const event = { type: 'gate', host: this.name, gate: gate.name, status, elapsedMs } as const;
        const { emit, redact } = this.remote.context;
        emit(detail === undefined ? event : { ...event, detail: redact(detail) });
      };
      report('waiting');
      const failure = gate.until ? await this.#until(gate, gate.until) : await this.#passes(gate);
      report(failure ? 'failed' : 'passed', failure?.said);
      if (failure) throw this.remote.error(`gate "${gate.name}"`, failure.message, failure.said);
    }
  }

  /** Gives why the gate does not hold. */
  async #passes(gate: Gate): Promise<{ message: string; said: string } | undefined> {
    const answer = await this.remote.ask(gate.fragment, gate.name, {
      silenceTimeoutMs: gate.timeoutMs + GATE_GRACE_MS,
    });
    if (answer.exit === 0) return undefined;
    return { message: `does not hold (exit code ${answer.exit})`, said: saidIn(answer) };
  }

  async #until(
    gate: Gate,
    { expected, configuration, held, stopped }: NonNullable<Gate['until']>,
  ): Promise<{ message: string; said: string } | undefined> {
    const missing = [
      ...(await this.remote.awaitLive(expected, gate.timeoutMs, unloaded)),
      ...(await this.#elsewhere(configuration)),
    ];
    await this.remote.must(missing.length === 0 ? held : stopped, gate.name);
    if (missing.length === 0) return undefined;
    return { message: `does not hold after ${gate.timeoutMs / 1000} s`, said: missing.join('\n') };
  }

  /** A daemon that was told to read another file goes on as before, whatever is written to this one. */
  async #elsewhere(configuration: string | undefined): Promise<readonly string[]> {
    if (configuration === undefined) return [];
    const file = (await this.remote.live())?.configurationFile;
    return file === undefined || file === configuration
      ? []
      : [`it reads ${file}, not ${configuration} (DAEMON_ARGS in /etc/default/keepalived?)`];
  }

  /** Says what an earlier roll-out left behind, and the way out. */
  reportWithheld(): void {
    const withheld = this.plan?.withheld;
    if (!withheld) return;
    const { emit } = this.remote.context;
    for (const handler of withheld.handlers)
      emit({ type: 'handler', host: this.name, handler, status: 'pending' });
    const message = `the last roll-out stopped here at "${withheld.stoppedAt}", and ${withheld.handlers.join(', ')} still has to run: see what is wrong, then apply with --resume`;
    emit({ type: 'warning', host: this.name, message });
  }

  /** Says that the turn does not come in this run, and why. */
  postpone(reason: string): void {
    this.#progress.postpone(reason);
  }

  /** Closes the connection and says what the host came to. */
  async finish(): Promise<void> {
    await this.remote.close();
    if (!this.selected) return;
    if (!this.#check) this.postpone(this.remote.failure ? 'the host failed before' : 'it was not its turn');
    this.remote.phase('done');
    this.remote.context.emit({ type: 'host-done', host: this.name, tally: this.tally });
  }

  get tally(): HostTally {
    return this.#progress.tally;
  }

  get report(): HostReport {
    const { failure } = this.remote;
    return { tally: this.tally, plans: this.#plans, ...(failure ? { failure } : {}) };
  }
}

function openingWords(open: Frame | undefined): string {
  return open && open.exit !== 0 ? saidIn(open) : '';
}
