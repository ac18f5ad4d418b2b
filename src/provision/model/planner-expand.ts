/** From a task to what it is about on one host: loop, condition and arguments with the variables known so far. */
import { type Diagnostic, InputError } from '#base/errors.ts';
import type { FileSource } from './inventory.ts';
import type { AnyModule, Json, Sources } from './module.ts';
import { NeedsRegister } from './scope.ts';
import { suggest } from './suggestion.ts';
import { isMap, type Task } from './task.ts';
import {
  evaluateCondition,
  NeedsFacts,
  renderTemplate,
  renderValue,
  TemplateError,
  type Variables,
} from './template.ts';
import { OMIT } from './variables.ts';
import { clearText } from './vault.ts';
import { positionAt, positionOf } from './yaml.ts';

/** One item of a task's loop, or the whole task. */
export interface Instance {
  /** Frame id of its probe: `TASK` or `TASK.ITEM`. */
  readonly id: string;
  /** Undefined if the condition does not hold. */
  readonly args: unknown;
  readonly skipped: boolean;
  /**
   * Set while condition or content wait for a fact or a register, although the address is known: it can be read already,
   * in the same round, and whoever decides throws this until more is known.
   */
  readonly missing: NeedsFacts | NeedsRegister | undefined;
}

/**
 * Expands a task. Throws NeedsFacts or NeedsRegister where loop, condition or address depend on what is not known
 * yet, and InputError for what the user wrote.
 */
export function expandTask(id: number, task: Task, scope: Variables, files: FileSource): readonly Instance[] {
  return asInputErrors(() => {
    if (task.loop === undefined) return [instance(String(id), task, scope, files)];
    if (isUnwanted(task, scope)) return [];
    const position = positionOf(task.loop) ?? task.position;
    const items: unknown = renderValue(task.loop, scope, position);
    if (!Array.isArray(items))
      throw new InputError([
        { id: 'task-loop', severity: 'error', message: `loop: of "${task.name}" is not a list`, position },
      ]);
    return items.map((item: unknown, index) =>
      instance(`${id}.${index}`, task, scope.child({ item }), files),
    );
  });
}

function instance(id: string, task: Task, scope: Variables, files: FileSource): Instance {
  let holds: boolean;
  try {
    holds = task.when.every(({ expression, position }) => evaluateCondition(expression, scope, position));
  } catch (error) {
    if (!isMissing(error)) throw error;
    return ahead(id, task, scope, error);
  }
  if (!holds) return { id, args: undefined, skipped: true, missing: undefined };
  const raw = renderValue(task.args, scope, task.argsPosition);
  const args = parseArguments(task, raw);
  const ready = { id, skipped: false, missing: undefined };
  if (!task.module.resolve) return { ...ready, args };
  try {
    return { ...ready, args: task.module.resolve(args, sourcesOf(task, scope, files)) };
  } catch (error) {
    if (!isMissing(error)) throw error;
    return { ...ready, args, missing: error };
  }
}

/** True if the condition is false whatever the item is: then the loop may name what this host does not have. */
function isUnwanted(task: Task, scope: Variables): boolean {
  try {
    return !task.when.every(({ expression, position }) => evaluateCondition(expression, scope, position));
  } catch {
    return false;
  }
}

function isMissing(error: unknown): error is NeedsFacts | NeedsRegister {
  return error instanceof NeedsFacts || error instanceof NeedsRegister;
}

/** Whether the task is wanted is not known yet; what it is about may be. Whatever is wrong with that counts only then. */
function ahead(id: string, task: Task, scope: Variables, missing: NeedsFacts | NeedsRegister): Instance {
  try {
    const args = parseArguments(task, renderValue(task.args, scope, task.argsPosition));
    return { id, args, skipped: false, missing };
  } catch {
    throw missing;
  }
}

function parseArguments(task: Task, raw: Json): unknown {
  const given = isMap(raw)
    ? Object.fromEntries(Object.entries(raw).filter(([, value]) => value !== OMIT))
    : raw;
  const parsed = task.module.schema.safeParse(given);
  if (parsed.success) return parsed.data;
  const known = knownArguments(task.module);
  const diagnostics = parsed.error.issues.flatMap((issue): Diagnostic[] => {
    if (issue.code === 'unrecognized_keys')
      return issue.keys.map(key => ({
        id: 'task-arguments',
        severity: 'error',
        message: `${task.module.name} has no argument "${key}"`,
        position: positionAt(task.args, [key], 'key') ?? task.argsPosition,
        hint: suggest(key, known),
      }));
    const name = issue.path.length > 0 ? `${issue.path.join('.')}: ` : '';
    const position = positionAt(task.args, issue.path) ?? task.argsPosition;
    return [
      {
        id: 'task-arguments',
        severity: 'error',
        message: `${task.module.name}: ${name}${issue.message}`,
        position,
      },
    ];
  });
  throw new InputError(diagnostics);
}

function knownArguments(module: AnyModule): readonly string[] {
  const { shape } = module.schema as { shape?: object };
  return Object.keys(shape ?? {}).filter(name => name !== 'text');
}

function sourcesOf(task: Task, scope: Variables, files: FileSource): Sources {
  const read = (folder: string, src: string): { text: string; file: string } => {
    // A path that the inventory names is one of the controller's.
    const paths = [
      `${task.scope.dir}/${folder}/${src}`,
      ...(task.scope.role === undefined ? [`${task.scope.dir}/${src}`] : []),
      // A script of the topology stands beside the inventory.
      ...(folder === 'files' ? [src] : []),
    ];
    if (src.includes('/')) paths.push(src);
    for (const file of paths) {
      const text = files.read(file);
      if (text !== undefined) return { text: clearText(files, file, text), file };
    }
    const message = `there is no ${paths.join(' and no ')}`;
    const position = positionAt(task.args, ['src']) ?? task.argsPosition;
    throw new InputError([{ id: 'task-source', severity: 'error', message, position }]);
  };
  return {
    render: src => {
      const { text, file } = read('templates', src);
      const include = (name: string): { text: string; file: string } => read('templates', name);
      return renderTemplate(text, scope, { file, include });
    },
    file: src => read('files', src).text,
  };
}

/** Runs `action`; what a template refuses becomes an InputError with the same place and hint. */
function asInputErrors<T>(action: () => T): T {
  try {
    return action();
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error;
    const { reason, position, hint } = error;
    const diagnostic: Diagnostic = {
      id: 'template',
      severity: 'error',
      message: reason,
      position,
      ...(hint === undefined ? {} : { hint }),
    };
    throw new InputError([diagnostic]);
  }
}
