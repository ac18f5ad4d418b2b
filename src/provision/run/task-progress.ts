/** What the tasks of one host have come to so far: events as it becomes certain, and the tally. */
import type { HostTally, TaskStatus } from '#control/events.ts';
import type { Frame } from '#provision/model/frames.ts';
import { hasWork, type HostPlan, type Step } from '#provision/model/plan.ts';
import type { RunContext } from './api.ts';
import { tallyOf } from './tally.ts';

export class TaskProgress {
  readonly #host: string;
  readonly #context: RunContext;
  readonly #check: boolean;
  /** Task id → its status, once that is certain; ids are the same in every round. */
  readonly #statuses = new Map<number, TaskStatus>();
  /** Steps that have run, and those of them that have succeeded. */
  readonly #answered = new Set<Step>();
  readonly #done = new Set<Step>();
  #plan: HostPlan | undefined;
  #postponed = false;

  constructor(host: string, context: RunContext, check: boolean) {
    this.#host = host;
    this.#context = context;
    this.#check = check;
  }

  /** Takes up a round's plan and reports what it settles. */
  accept(plan: HostPlan): void {
    this.#plan = plan;
    const final = this.#check || !hasWork(plan);
    for (const task of plan.tasks) {
      const settled = (task.status !== 'pending' && task.status !== 'unknown') || final;
      if (settled) this.settle(task.id, task.status, task.reason);
    }
  }

  /** A step has run: a task whose last step it was has changed. */
  answered(step: Step, frame: Frame): void {
    this.#answered.add(step);
    if (step.kind === 'handler') this.#reportHandler(step.name, frame.exit === 0 ? 'ran' : 'failed');
    if (frame.exit !== 0) return;
    this.#done.add(step);
    if ('task' in step && this.#stepsOf(step.task).every(other => this.#done.has(other)))
      this.settle(step.task, 'changed');
  }

  #stepsOf(task: number): Step[] {
    const plan = this.#plan;
    const steps = plan ? [...plan.early, ...plan.guarded, ...plan.turn] : [];
    return steps.filter(step => 'task' in step && step.task === task);
  }

  /** What is still to be done does not come in this run; the first reason counts. */
  postpone(reason: string): void {
    if (this.#postponed) return;
    this.#postponed = true;
    for (const task of this.#plan?.tasks ?? [])
      if (task.status === 'pending' || task.status === 'unknown') this.settle(task.id, 'pending', reason);
    for (const step of this.#plan?.turn ?? [])
      if (step.kind === 'handler' && !this.#answered.has(step)) this.#reportHandler(step.name, 'pending');
  }

  #reportHandler(handler: string, status: 'ran' | 'pending' | 'failed'): void {
    this.#context.emit({ type: 'handler', host: this.#host, handler, status });
  }

  /** Reports a task's status; later ones of the same task do not count. */
  settle(id: number, status: TaskStatus, reason?: string): void {
    const task = this.#plan?.tasks.find(candidate => candidate.id === id);
    if (!task || this.#statuses.has(id)) return;
    this.#statuses.set(id, status);
    this.#context.emit({
      type: 'task',
      host: this.#host,
      role: task.role,
      task: task.name,
      status,
      changes: status === 'ok' || status === 'skipped' ? [] : task.changes,
      ...(reason === undefined ? {} : { reason: this.#context.redact(reason) }),
    });
  }

  get tally(): HostTally {
    return tallyOf(this.#statuses.values());
  }
}
