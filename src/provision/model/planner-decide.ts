/** Walks through a host's tasks in order and decides what each comes to, as far as is known. */
import { InputError, RemoteError } from '#base/errors.ts';
import { formatPosition } from '#base/position.ts';
import type { FileSource } from './inventory.ts';
import { type Change, type Json, type PlanContext, Refusal } from './module.ts';
import { expandTask, type Instance } from './planner-expand.ts';
import type { Play } from './playbook.ts';
import { type MakeVariables, NeedsRegister, scopeOf } from './scope.ts';
import type { Task } from './task.ts';
import { NeedsFacts, type Variables } from './template.ts';

/** A task of this run on this host. */
export interface TaskWork {
  /** Counts from 1 in the order of the playbook. */
  readonly id: number;
  readonly task: Task;
  readonly play: Play;
}

/** What one item of a task needs. */
export interface DecidedInstance {
  readonly args: unknown;
  readonly changes: readonly Change[];
}

export interface Decided {
  readonly work: TaskWork;
  readonly instances: readonly DecidedInstance[];
  /** All items' conditions were false. */
  readonly skipped: boolean;
  /** As it stands for this task: what tasks before it provide and have planned. */
  readonly context: PlanContext;
}

/** A task whose address depends on what another has yet to do. */
export interface Blocked {
  readonly work: TaskWork;
  readonly until: string;
}

export interface Decision {
  readonly decided: readonly Decided[];
  readonly blocked: readonly Blocked[];
  /** Instances that must be read before this decision can be made whole. */
  readonly unread: readonly { readonly work: TaskWork; readonly instance: Instance }[];
}

/** What the walk looks at. */
export interface Knowledge {
  readonly host: string;
  readonly works: readonly TaskWork[];
  readonly variables: MakeVariables;
  /** As templates see them; undefined before facts are known. */
  readonly facts: Readonly<Record<string, unknown>> | undefined;
  readonly files: FileSource;
  /** Undefined before facts are known. */
  readonly context: Omit<PlanContext, 'planned' | 'path'> | undefined;
  /** Probe answers by instance. */
  readonly seen: ReadonlyMap<string, Uint8Array>;
  /** Tasks that an earlier plan of this run had changes for: so their registers say. */
  readonly changed: ReadonlySet<number>;
}

/** Decides. Throws InputError for what the user wrote, RemoteError for what this host refuses. */
export function decide(knowledge: Knowledge): Decision {
  const walk = new Walk(knowledge);
  for (const work of knowledge.works) walk.visit(work);
  return walk;
}

interface Claimed {
  readonly wanted: string;
  readonly task: Task;
}

class Walk implements Decision {
  readonly decided: Decided[] = [];
  readonly blocked: Blocked[] = [];
  readonly unread: { work: TaskWork; instance: Instance }[] = [];
  readonly #knowledge: Knowledge;
  readonly #planned = new Map<string, Json>();
  readonly #claims = new Map<string, Claimed>();
  readonly #registers: Record<string, unknown> = {};
  readonly #unknown = new Map<string, string>();
  #path: readonly string[] = [];

  constructor(knowledge: Knowledge) {
    this.#knowledge = knowledge;
  }

  visit(work: TaskWork): void {
    const { task } = work;
    try {
      const instances = expandTask(work.id, task, this.#scope(work), this.#knowledge.files);
      const unresolved = instances.find(instance => instance.missing !== undefined);
      if (unresolved?.missing && this.#knowledge.context) throw unresolved.missing;
      this.#claim(task, instances);
      const unread = instances.filter(
        instance => !instance.skipped && !this.#knowledge.seen.has(instance.id),
      );
      const readable = unread.filter(() => this.#knowledge.context !== undefined || !task.module.probeWith);
      this.unread.push(...readable.map(instance => ({ work, instance })));
      if (unread.length > 0 || !this.#knowledge.context) this.#later(work);
      else this.#decide(work, instances);
    } catch (error) {
      if (error instanceof NeedsRegister) this.blocked.push({ work, until: error.task });
      else if (!(error instanceof NeedsFacts)) throw error;
      else if (this.#knowledge.context) throw unknownFact(task, error);
      this.#later(work);
    }
  }

  #scope({ task }: TaskWork): Variables {
    const { variables, facts } = this.#knowledge;
    return scopeOf(task, variables, {
      facts,
      registered: { ...this.#registers },
      unknown: new Map(this.#unknown),
    });
  }

  #later({ task }: TaskWork): void {
    if (task.register !== undefined) this.#unknown.set(task.register, task.name);
  }

  #decide(work: TaskWork, instances: readonly Instance[]): void {
    const { task } = work;
    const changedBefore = this.#knowledge.changed.has(work.id);
    const context = this.#context();
    const active = instances.filter(instance => !instance.skipped);
    const decided = active.map(({ id, args }) => {
      const seen = this.#parse(work, id, args);
      const changes = this.#diff(work, args, seen, context);
      for (const change of changes) this.#planned.set(change.resource, change.to);
      return { args, changes, register: task.module.predict(args, seen, changes) };
    });
    const [first] = decided;
    if (first && task.module.provides)
      this.#path = [...task.module.provides(first.args, context), ...this.#path];
    this.#register(
      work,
      decided.map(each => each.register),
      changedBefore,
      active.length === 0,
    );
    this.decided.push({ work, instances: decided, skipped: active.length === 0, context });
  }

  #context(): PlanContext {
    const { context } = this.#knowledge;
    if (!context) throw new NeedsFacts('the plan');
    return { ...context, planned: new Map(this.#planned), path: this.#path };
  }

  #parse(work: TaskWork, id: string, args: unknown): unknown {
    try {
      return work.task.module.parse(this.#knowledge.seen.get(id) ?? new Uint8Array(0), args);
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      throw this.#refused(work, `the host answered what cannot be understood: ${error.message}`, error);
    }
  }

  #diff(work: TaskWork, args: unknown, seen: unknown, context: PlanContext): readonly Change[] {
    try {
      return work.task.module.diff(args, seen, context);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      throw this.#refused(work, error.message, error);
    }
  }

  #refused({ task }: TaskWork, message: string, cause: unknown): RemoteError {
    return new RemoteError({ host: this.#knowledge.host, step: task.name, message, cause });
  }

  #register({ task }: TaskWork, results: readonly unknown[], changedBefore: boolean, skipped: boolean): void {
    if (task.register === undefined) return;
    if (results.includes('unknown')) {
      this.#unknown.set(task.register, task.name);
      return;
    }
    this.#unknown.delete(task.register);
    const each = results.map(result => ({
      ...(result as object),
      ...(changedBefore ? { changed: true } : {}),
    }));
    const changed = each.some(result => 'changed' in result && result.changed);
    if (skipped) this.#registers[task.register] = { skipped: true, changed: false };
    else this.#registers[task.register] = task.loop === undefined ? each[0] : { results: each, changed };
  }

  #claim(task: Task, instances: readonly Instance[]): void {
    for (const { args, skipped, missing } of instances) {
      if (skipped || missing !== undefined) continue;
      for (const { resource, wanted } of task.module.resources(args)) {
        const text = JSON.stringify(wanted);
        const known = this.#claims.get(resource);
        if (!known) this.#claims.set(resource, { wanted: text, task });
        else if (known.wanted !== text) throw disagreement(resource, known.task, task);
      }
    }
  }
}

function unknownFact(task: Task, { variable }: NeedsFacts): InputError {
  const message = `"${task.name}" uses ${variable}, a fact that Tandem does not gather`;
  const hint = 'set it in the inventory';
  return new InputError([{ id: 'fact-unknown', severity: 'error', message, position: task.position, hint }]);
}

function disagreement(resource: string, first: Task, second: Task): InputError {
  return new InputError([
    {
      id: 'resource-conflict',
      severity: 'error',
      message: `"${second.name}" and "${first.name}" (${formatPosition(first.position)}) want different things of ${resource}`,
      position: second.position,
      hint: 'a resource of a host has one desired state: change or remove one of the two',
    },
  ]);
}
