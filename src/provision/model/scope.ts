/** The variables of one task on one host, with registers that are not known yet. */
import type { Position } from '#base/position.ts';
import type { Task } from './task.ts';
import type { Variables } from './template.ts';
import type { VariableLayers } from './variables.ts';

/** A value is only known once an earlier task has been applied. */
export class NeedsRegister extends Error {
  override name = 'NeedsRegister';
  readonly task: string;

  constructor(register: string, task: string) {
    super(`${register} is known once "${task}" has run`);
    this.task = task;
  }
}

/** Makes a host's variables from these layers and the inventory's. */
export type MakeVariables = (layers: VariableLayers) => Variables;

/** What is known beside the inventory when a task is looked at. */
export interface KnownValues {
  readonly facts: Readonly<Record<string, unknown>> | undefined;
  readonly registered: Readonly<Record<string, unknown>>;
  /** Register → the task that has yet to be applied. */
  readonly unknown: ReadonlyMap<string, string>;
}

/** The variables that `task` sees. */
export function scopeOf(task: Task, make: MakeVariables, known: KnownValues): Variables {
  const { defaults, playVars, roleVars, roleParams } = task.scope;
  const variables = make({
    roleDefaults: defaults,
    playVars,
    roleVars,
    roleParams,
    taskVars: task.vars,
    registered: known.registered,
    ...(known.facts ? { facts: known.facts } : {}),
  });
  return known.unknown.size > 0 ? new WithUnknown(variables, known.unknown) : variables;
}

class WithUnknown implements Variables {
  readonly #variables: Variables;
  readonly #unknown: ReadonlyMap<string, string>;

  constructor(variables: Variables, unknown: ReadonlyMap<string, string>) {
    this.#variables = variables;
    this.#unknown = unknown;
  }

  has(name: string): boolean {
    return this.#unknown.has(name) || this.#variables.has(name);
  }

  get(name: string): unknown {
    const task = this.#unknown.get(name);
    if (task !== undefined) throw new NeedsRegister(name, task);
    return this.#variables.get(name);
  }

  names(): readonly string[] {
    return [...new Set([...this.#variables.names(), ...this.#unknown.keys()])];
  }

  positionOf(name: string): Position | undefined {
    return this.#variables.positionOf(name);
  }

  child(extra: Readonly<Record<string, unknown>>): Variables {
    return new WithUnknown(this.#variables.child(extra), this.#unknown);
  }
}
