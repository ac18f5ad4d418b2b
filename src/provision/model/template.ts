/**
 * Jinja2 templates as Ansible users write them: parsed by nunjucks, evaluated here with Jinja2's meaning. A rendering
 * depends on the variables alone; no template reaches JavaScript, a file or a clock.
 */
import type { Position } from '#base/position.ts';
import type { Json } from './module.ts';
import { compileExpression, isData, type Expression } from './template-expression.ts';
import { Frame, type Rendering } from './template-frame.ts';
import { toData } from './template-filters-data.ts';
import { parseTemplate, TemplateSyntaxError, type TemplateKind } from './template-parse.ts';
import { defined, isLazyMap, truthy } from './template-python.ts';
import { compileBody, type Statement } from './template-statement.ts';
import { TemplateError, Undefined, ValueError, type Variables } from './template-values.ts';
import { copyPlaces, positionOf } from './yaml.ts';

export { NeedsFacts, TemplateError, type Variables } from './template-values.ts';

export interface RenderOptions {
  /** The template's own name, for positions. */
  readonly file: string;
  /** Finds a template that this one includes, by its name relative to the role's templates folder. */
  readonly include?: (name: string) => { readonly text: string; readonly file: string } | undefined;
}

interface Compiled {
  readonly statement: Statement;
  /** Set if the text is one `{{ expression }}` and nothing else. */
  readonly expression: Expression | undefined;
}

/** Compiled texts; a fleet's hosts share nearly all of theirs. */
const compiled = { file: new Map<string, Compiled>(), value: new Map<string, Compiled>() };
const MAX_COMPILED = 5000;

/** True if templating could change the text. */
function isTemplate(text: string): boolean {
  return text.includes('{{') || text.includes('{%') || text.includes('{#');
}

function compile(text: string, kind: TemplateKind, at: Rendering['at']): Compiled {
  const cache = compiled[kind];
  const known = cache.get(text);
  if (known) return known;
  try {
    const root = parseTemplate(text, kind);
    const [only, ...others] = root.children ?? [];
    const single = others.length === 0 && only?.typename === 'Output' ? only.children : undefined;
    const node = single?.length === 1 && single[0]?.typename !== 'TemplateData' ? single[0] : undefined;
    const made = {
      statement: compileBody(root),
      expression: node && !isFilterBlock(text) ? compileExpression(node) : undefined,
    };
    if (cache.size >= MAX_COMPILED) cache.clear();
    cache.set(text, made);
    return made;
  } catch (thrown) {
    if (!(thrown instanceof TemplateSyntaxError)) throw thrown;
    throw new TemplateError(thrown.message, at(thrown.line - 1, thrown.column - 1), thrown.hint);
  }
}

function isFilterBlock(text: string): boolean {
  return text.trimStart().startsWith('{%');
}

/** Renders a template file's text, as Ansible's `template` does: `trim_blocks` on, the last newline kept. */
export function renderTemplate(text: string, variables: Variables, options: RenderOptions): string {
  const at = (lineno: number, colno: number): Position => ({
    file: options.file,
    line: lineno + 1,
    column: colno + 1,
  });
  const frame = new Frame({ variables, at, include: options.include ?? (() => undefined), depth: 0 });
  return run(compile(text, 'file', at).statement, frame);
}

function run(statement: Statement, frame: Frame): string {
  const out: string[] = [];
  try {
    statement(frame, out);
  } catch (thrown) {
    if (thrown instanceof RangeError) {
      throw new TemplateError('macros call each other without end', frame.rendering.at(0, 0));
    }
    if (thrown instanceof TemplateSyntaxError) {
      throw new TemplateError(
        `in an included template: ${thrown.message}`,
        frame.rendering.at(thrown.line - 1, thrown.column - 1),
        thrown.hint,
      );
    }
    throw thrown;
  }
  return out.join('');
}

function valueFrame(variables: Variables, position: Position): Frame {
  return new Frame({ variables, at: () => position, include: () => undefined, depth: 0 });
}

/**
 * Renders every text in a YAML value. A text that is one `{{ expression }}` keeps the expression's type. Keys of maps
 * are left alone. Values that hold no template come back as they are, and places of YAML values are kept.
 */
export function renderValue(value: Json, variables: Variables, position: Position): Json {
  if (typeof value === 'string') return renderText(value, variables, position);
  if (typeof value !== 'object' || value === null || !holdsTemplate(value)) return value;
  if (Array.isArray(value)) {
    const list = value as readonly Json[];
    const items = list.map((item, index) =>
      renderValue(item, variables, positionOf(value, index) ?? position),
    );
    return copyPlaces(items, list);
  }
  const map = value as { readonly [key: string]: Json };
  const rendered: Record<string, Json> = {};
  for (const [key, item] of Object.entries(map))
    rendered[key] = renderValue(item, variables, positionOf(map, key) ?? position);
  return copyPlaces(rendered, map);
}

/** True if any text inside holds a template. */
export function holdsTemplate(value: Json): boolean {
  if (typeof value === 'string') return isTemplate(value);
  if (typeof value !== 'object' || value === null) return false;
  const known = templated.get(value);
  if (known !== undefined) return known;
  const found = Object.values(value).some(holdsTemplate);
  templated.set(value, found);
  return found;
}

/** YAML values never change, and large ones are asked about once for every host. */
const templated = new WeakMap<object, boolean>();

function renderText(text: string, variables: Variables, position: Position): Json {
  if (!isTemplate(text)) return text;
  const { statement, expression } = compile(text, 'value', () => position);
  const frame = valueFrame(variables, position);
  if (!expression) return run(statement, frame);
  const value = evaluate(expression, frame);
  if (isLazyMap(value) || isData(value)) return toData(value) as Json;
  throw new TemplateError(
    `${text.trim()} is not a value`,
    position,
    'a variable holds texts, numbers, lists and maps',
  );
}

function evaluate(expression: Expression, frame: Frame): unknown {
  const value = expression(frame);
  try {
    return defined(value);
  } catch (thrown) {
    if (!(thrown instanceof ValueError)) throw thrown;
    throw new TemplateError(thrown.message, frame.rendering.at(0, 0), thrown.hint);
  }
}

/**
 * Evaluates one bare expression (`loop` sources, `until`, `var:` of debug) and keeps its type. Undefined names give
 * JavaScript's undefined, so that the caller can say what that means.
 */
export function evaluateExpression(text: string, variables: Variables, position: Position): Json | undefined {
  const { expression } = compile(`{{ ${text} }}`, 'value', () => position);
  if (!expression) throw new TemplateError(`'${text}' is not one expression`, position);
  const value = expression(valueFrame(variables, position));
  return value instanceof Undefined ? undefined : (toData(value) as Json);
}

/** A `when:` condition, bare and without braces; the items of a list must all hold. Booleans stand for themselves. */
export function evaluateCondition(condition: Json, variables: Variables, position: Position): boolean {
  if (typeof condition === 'boolean') return condition;
  if (Array.isArray(condition)) {
    return condition.every((item: Json, index) =>
      evaluateCondition(item, variables, positionOf(condition, index) ?? position),
    );
  }
  if (typeof condition !== 'string') {
    throw new TemplateError(
      'a condition is an expression, written as text',
      position,
      "for instance: when: vrrp_daemon == 'tandemd'",
    );
  }
  if (isTemplate(condition)) {
    throw new TemplateError('a condition is an expression already', position, 'write it without {{ }}');
  }
  const { expression } = compile(`{{ ${condition} }}`, 'value', () => position);
  if (!expression) throw new TemplateError(`'${condition}' is not one expression`, position);
  const value = evaluate(expression, valueFrame(variables, position));
  // `-e flag=no` gives a text, and every text that is not empty is true: a trap, so say which is meant.
  if (typeof value === 'string' && /^(?:yes|no|on|off|true|false)$/i.test(value)) {
    throw new TemplateError(
      `the condition gives the text '${value}', which is true whatever it says`,
      position,
      'write | bool',
    );
  }
  return truthy(value);
}
