/** Which handlers run at the end of a host's turn: each once, in the order of their definition. */
import { record } from './ledger.ts';
import type { FileSource } from './inventory.ts';
import type { HandlerAction } from './module.ts';
import type { Decided } from './planner-decide.ts';
import { expandTask } from './planner-expand.ts';
import type { Step } from './plan.ts';
import { orStopped } from './planner-steps.ts';
import { handlersFor, type Play } from './playbook.ts';
import { type MakeVariables, scopeOf } from './scope.ts';
import { type Handler, handlerKey } from './task.ts';
import { type Fragment, lines, sh } from './shell.ts';

export interface HandlerOptions {
  readonly plays: readonly Play[];
  readonly decided: readonly Decided[];
  /** Handlers' keys that an earlier run left behind. */
  readonly pending: readonly string[];
  readonly variables: MakeVariables;
  readonly facts: Readonly<Record<string, unknown>> | undefined;
  readonly files: FileSource;
}

/** A handler that runs. */
export interface DueHandler {
  readonly key: string;
  readonly step: Step;
  /** Notified by an earlier run, not by this one. */
  readonly resumed: boolean;
}

interface Notified {
  readonly handler: Handler;
  /** Position of the last task that notified it; -1 for a pending one. */
  readonly after: number;
}

/** A restart includes a reload. */
const STRENGTH = { reload: 1, restart: 2 } as const;

/** Stops, and starts, all that the handlers of a task reload or restart; undefined if it notifies none. */
export function pauseFor(
  work: Decided['work'],
  options: HandlerOptions,
): { readonly pause: Fragment; readonly resume: Fragment } | undefined {
  const handlers = work.task.notify.flatMap(name => handlersFor(work.play, work.task, name));
  const actions = handlers.flatMap(handler => actionsOf(handler, options));
  if (actions.length === 0) return undefined;
  return {
    pause: lines(actions.map(({ pause }) => pause)),
    resume: lines(actions.map(({ resume }) => resume)),
  };
}

/** The handlers that are due. A restart makes a reload of the same unit superfluous, a start of it both. */
export function dueHandlers(options: HandlerOptions): readonly DueHandler[] {
  const all = options.plays.flatMap(play => play.handlers);
  const notified = notifiedHandlers(options);
  const due = all.flatMap((handler, index) => {
    const found = notified.get(handler);
    if (!found || all.indexOf(handler) !== index) return [];
    return actionsOf(handler, options).map(action => ({ ...found, action }));
  });
  const strongest = new Map<string, number>();
  for (const { action } of due)
    strongest.set(action.on, Math.max(strongest.get(action.on) ?? 0, STRENGTH[action.effect]));
  const needed = due.filter(
    ({ action, after }) =>
      STRENGTH[action.effect] === strongest.get(action.on) &&
      !startedAfter(action.on, after, options.decided),
  );
  return needed.map(({ handler, after, action }) => {
    const key = handlerKey(handler);
    const fragment = lines([orStopped(action.fragment, key), sh`t_log ${record.ran(key)}`]);
    const step = { kind: 'handler', name: handler.name, fragment, effect: action.effect } as const;
    return { key, step, resumed: after < 0 };
  });
}

function notifiedHandlers({ plays, decided, pending }: HandlerOptions): Map<Handler, Notified> {
  const notified = new Map<Handler, Notified>();
  for (const handler of plays.flatMap(play => play.handlers))
    if (pending.includes(handlerKey(handler))) notified.set(handler, { handler, after: -1 });
  for (const [after, { work, instances }] of decided.entries()) {
    if (instances.every(({ changes }) => changes.length === 0)) continue;
    for (const name of work.task.notify)
      for (const handler of handlersFor(work.play, work.task, name))
        notified.set(handler, { handler, after });
  }
  return notified;
}

function actionsOf(handler: Handler, options: HandlerOptions): readonly HandlerAction[] {
  const { variables, facts, files } = options;
  const scope = scopeOf(handler, variables, { facts, registered: {}, unknown: new Map() });
  return expandTask(0, handler, scope, files).flatMap(({ args, skipped }) =>
    skipped ? [] : (handler.module.handler?.(args) ?? []),
  );
}

/** True if the plan starts the unit from stopped after the notification: it then has everything new already. */
function startedAfter(on: string, after: number, decided: readonly Decided[]): boolean {
  return decided.some(
    ({ instances }, index) =>
      index > after &&
      instances.some(({ changes }) =>
        changes.some(
          ({ resource, to }) => resource === on && (to as { action?: unknown } | null)?.action === 'start',
        ),
      ),
  );
}
