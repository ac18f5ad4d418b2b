/** nunjucks's expression nodes → closures with Jinja2's meaning. What would mean something else is refused here, by place. */
import {
  arithmetic,
  contains,
  defined,
  equal,
  isMapping,
  numeric,
  order,
  str,
  truthy,
  tuple,
  typeName,
  type ArithmeticOperator,
} from './template-python.ts';
import { FILTERS } from './template-filters.ts';
import type { Frame } from './template-frame.ts';
import { GLOBALS } from './template-globals.ts';
import { lookup, slice } from './template-lookup.ts';
import { TemplateSyntaxError, type TemplateNode } from './template-parse.ts';
import { callOperation, shortName, similarName, type CallContext } from './template-registry.ts';
import { TESTS } from './template-tests.ts';
import { Callable, TemplateError, Undefined, ValueError } from './template-values.ts';

/** A compiled expression. Throws {@link TemplateError}, {@link NeedsFacts}. */
export type Expression = (frame: Frame) => unknown;

const CONTEXT: CallContext = {
  filter: (name, input, args, named) => {
    const known = FILTERS[shortName(name)];
    if (!known || !Object.hasOwn(FILTERS, shortName(name)))
      throw new ValueError(`there is no filter '${name}'`);
    return callOperation(shortName(name), known, input, args, named, CONTEXT);
  },
  test: (name, input, args, named) => {
    const known = TESTS[shortName(name)];
    if (!known || !Object.hasOwn(TESTS, shortName(name))) throw new ValueError(`there is no test '${name}'`);
    return truthy(callOperation(shortName(name), known, input, args, named, CONTEXT));
  },
};

const ARITHMETIC: Readonly<Record<string, ArithmeticOperator>> = {
  Add: '+',
  Sub: '-',
  Mul: '*',
  Div: '/',
  FloorDiv: '//',
  Mod: '%',
  Pow: '**',
};
const CONSTANTS: ReadonlyMap<string, unknown> = new Map<string, unknown>([
  ['True', true],
  ['False', false],
  ['None', null],
]);

/** Refuses a construct, with the way to write it. */
export function refuse(node: TemplateNode, reason: string, hint?: string): never {
  throw new TemplateSyntaxError(reason, node.lineno + 1, node.colno + 1, hint);
}

/** A field that nunjucks's parser fills with one node. */
export function field(node: TemplateNode, name: string): TemplateNode {
  const value = node[name];
  if (typeof value === 'object' && value !== null && 'typename' in value) return value as TemplateNode;
  return refuse(node, `${node.typename} is not complete`);
}

/** Runs `body`; what it refuses gets the place of `node`. */
export function located<T>(frame: Frame, node: TemplateNode, body: () => T): T {
  try {
    return body();
  } catch (thrown) {
    if (!(thrown instanceof ValueError)) throw thrown;
    throw new TemplateError(thrown.message, frame.rendering.at(node.lineno, node.colno), thrown.hint);
  }
}

/** Compiles one expression node. Throws {@link TemplateSyntaxError}. */
export function compileExpression(node: TemplateNode): Expression {
  const evaluate = compileNode(node);
  return frame => located(frame, node, () => evaluate(frame));
}

function compileNode(node: TemplateNode): Expression {
  const operator = ARITHMETIC[node.typename];
  if (operator !== undefined) return binary(node, (a, b) => arithmetic(operator, a, b));
  switch (node.typename) {
    case 'Literal': {
      const { value } = node;
      return () => value;
    }
    case 'Symbol':
      return compileSymbol(node);
    case 'Array':
    case 'Group':
      return compileList(node);
    case 'Dict':
      return compileDict(node);
    case 'LookupVal':
      return compileLookup(node);
    case 'Slice':
      return compileSlice(node);
    case 'FunCall':
      return compileCall(node);
    case 'Filter':
      return compileFilter(node);
    case 'Concat':
      return binary(node, (a, b) => str(a) + str(b));
    case 'And':
    case 'Or':
      return compileJunction(node);
    case 'Not': {
      const target = compileExpression(field(node, 'target'));
      return frame => !truthy(target(frame));
    }
    case 'Neg':
    case 'Pos':
      return compileSign(node);
    case 'In':
      return compileIn(node);
    case 'Is':
      return compileIs(node);
    case 'Compare':
      return compileCompare(node);
    case 'InlineIf':
      return compileInlineIf(node);
    default:
      return refuse(node, `${node.typename} cannot be used in an expression`);
  }
}

function binary(node: TemplateNode, apply: (a: unknown, b: unknown) => unknown): Expression {
  const left = compileExpression(field(node, 'left'));
  const right = compileExpression(field(node, 'right'));
  return frame => apply(left(frame), right(frame));
}

function compileSymbol(node: TemplateNode): Expression {
  const name = String(node.value);
  if (CONSTANTS.has(name)) return () => CONSTANTS.get(name);
  return frame => frame.lookup(name, GLOBALS);
}

function compileList(node: TemplateNode): Expression {
  const items = (node.children ?? []).map(compileExpression);
  const [only] = items;
  if (node.typename === 'Group' && items.length === 1 && only) return only;
  const isTuple = node.typename === 'Group';
  return frame => {
    const values = items.map(item => defined(item(frame)));
    return isTuple ? tuple(values) : values;
  };
}

function compileDict(node: TemplateNode): Expression {
  const pairs = (node.children ?? []).map(pair => {
    const key = field(pair, 'key');
    if (key.typename === 'Symbol')
      refuse(key, `a bare word as a key is a variable to Jinja2`, `quote it: '${String(key.value)}'`);
    return { key: compileExpression(key), value: compileExpression(field(pair, 'value')) };
  });
  return frame => Object.fromEntries(pairs.map(pair => [str(pair.key(frame)), defined(pair.value(frame))]));
}

/** `a.b[0]` as it is written, for messages. */
function pathOf(node: TemplateNode): string {
  if (node.typename === 'Symbol') return String(node.value);
  if (node.typename === 'FunCall') return `${pathOf(field(node, 'name'))}()`;
  if (node.typename !== 'LookupVal') return '(…)';
  const key = field(node, 'val');
  const shown =
    key.typename === 'Literal'
      ? node['dotted'] === true
        ? `.${String(key.value)}`
        : `[${JSON.stringify(key.value)}]`
      : '[…]';
  return pathOf(field(node, 'target')) + shown;
}

function compileLookup(node: TemplateNode): Expression {
  const target = compileExpression(field(node, 'target'));
  const key = compileExpression(field(node, 'val'));
  const path = pathOf(node);
  const dotted = node['dotted'] === true;
  return frame => lookup(target(frame), defined(key(frame)), path, dotted);
}

function compileSlice(node: TemplateNode): Expression {
  const target = compileExpression(field(node, 'target'));
  const bounds = (node['bounds'] as readonly (TemplateNode | null)[]).map(bound =>
    bound ? compileExpression(bound) : undefined,
  );
  return frame =>
    slice(
      defined(target(frame)),
      bounds.map(bound => (bound ? defined(bound(frame)) : null)),
    );
}

interface CompiledArguments {
  readonly positional: readonly Expression[];
  readonly named: readonly { readonly name: string; readonly value: Expression }[];
}

/** Arguments of a call; nunjucks appends the keyword ones as a last node. */
function compileArguments(children: readonly TemplateNode[]): CompiledArguments {
  const keywords = children.at(-1)?.typename === 'KeywordArgs' ? children.at(-1) : undefined;
  const positional = keywords ? children.slice(0, -1) : children;
  return {
    positional: positional.map(compileExpression),
    named: (keywords?.children ?? []).map(pair => ({
      name: String(field(pair, 'key').value),
      value: compileExpression(field(pair, 'value')),
    })),
  };
}

function evaluateArguments(args: CompiledArguments, frame: Frame): [unknown[], Record<string, unknown>] {
  return [
    args.positional.map(value => value(frame)),
    Object.fromEntries(args.named.map(({ name, value }) => [name, value(frame)])),
  ];
}

function compileCall(node: TemplateNode): Expression {
  const callee = field(node, 'name');
  const target = compileExpression(callee);
  const args = compileArguments(field(node, 'args').children ?? []);
  const path = pathOf(callee);
  return frame => {
    const called = defined(target(frame));
    if (!(called instanceof Callable))
      throw new ValueError(`${path} is not a function (it is ${typeName(called)})`);
    return called.call(...evaluateArguments(args, frame));
  };
}

function compileFilter(node: TemplateNode): Expression {
  const written = String(field(node, 'name').value);
  const name = shortName(written);
  const filter = Object.hasOwn(FILTERS, name) ? FILTERS[name] : undefined;
  if (!filter) {
    const similar = similarName(name, Object.keys(FILTERS));
    return refuse(
      node,
      `there is no filter '${written}'`,
      similar === undefined ? undefined : `did you mean '${similar}'?`,
    );
  }
  const [input, ...rest] = field(node, 'args').children ?? [];
  if (!input) return refuse(node, `the filter '${written}' has no input`);
  const value = compileExpression(input);
  const args = compileArguments(rest);
  return frame => {
    const [positional, named] = evaluateArguments(args, frame);
    return callOperation(name, filter, value(frame), positional, named, CONTEXT);
  };
}

/** Python's `and` and `or` give one of the operands, not a boolean. */
function compileJunction(node: TemplateNode): Expression {
  const left = compileExpression(field(node, 'left'));
  const right = compileExpression(field(node, 'right'));
  const goOn = node.typename === 'And';
  return frame => {
    const first = left(frame);
    return truthy(first) === goOn ? right(frame) : first;
  };
}

function compileSign(node: TemplateNode): Expression {
  const target = compileExpression(field(node, 'target'));
  const negative = node.typename === 'Neg';
  return frame => {
    const value = defined(target(frame));
    const number = numeric(value);
    if (number === undefined)
      throw new ValueError(`a sign needs a number, not ${typeName(value)}`, 'convert it: | int');
    return negative ? -number : number;
  };
}

const LOOSE = new Set(['Compare', 'Is', 'In']);

function compileIn(node: TemplateNode): Expression {
  for (const side of [field(node, 'left'), field(node, 'right')]) {
    if (LOOSE.has(side.typename))
      refuse(side, 'a comparison beside `in` groups differently in Jinja2', 'put it in parentheses');
  }
  return binary(node, (item, container) => contains(container, item));
}

/** In Jinja2 `is` binds more tightly than arithmetic and comparison; nunjucks has it the other way round. */
function compileIs(node: TemplateNode): Expression {
  const left = field(node, 'left');
  if (left.typename in ARITHMETIC || left.typename === 'Compare' || left.typename === 'Concat') {
    refuse(left, '`is` would apply to the last operand only in Jinja2', 'put the left side in parentheses');
  }
  const value = compileExpression(left);
  const right = field(node, 'right');
  const [symbol, args] =
    right.typename === 'FunCall' ? [field(right, 'name'), field(right, 'args').children ?? []] : [right, []];
  const written = symbol.typename === 'Literal' ? literalTest(symbol.value) : pathOf(symbol);
  const name = shortName(written);
  const test = Object.hasOwn(TESTS, name) ? TESTS[name] : undefined;
  if (!test) {
    const similar = similarName(name, Object.keys(TESTS));
    return refuse(
      right,
      `there is no test '${written}' that can stand after \`is\``,
      similar === undefined
        ? 'a test is one word, with its arguments in parentheses'
        : `did you mean '${similar}'?`,
    );
  }
  const compiled = compileArguments(args);
  return frame => {
    const [positional, named] = evaluateArguments(compiled, frame);
    return truthy(callOperation(name, test, value(frame), positional, named, CONTEXT));
  };
}

function literalTest(value: unknown): string {
  return value === null ? 'none' : JSON.stringify(value);
}

function compileCompare(node: TemplateNode): Expression {
  const first = compileExpression(field(node, 'expr'));
  const steps = (node['ops'] as readonly TemplateNode[]).map(operand => ({
    operator: String(operand['type']),
    value: compileExpression(field(operand, 'expr')),
  }));
  return frame => {
    let left = first(frame);
    for (const { operator, value } of steps) {
      const right = value(frame);
      if (!compare(operator, left, right)) return false;
      left = right;
    }
    return true;
  };
}

function compare(operator: string, left: unknown, right: unknown): boolean {
  switch (operator) {
    case '==':
      return equal(left, right);
    case '!=':
      return !equal(left, right);
    case '<':
      return order(left, right) < 0;
    case '<=':
      return order(left, right) <= 0;
    case '>':
      return order(left, right) > 0;
    default:
      return order(left, right) >= 0;
  }
}

function compileInlineIf(node: TemplateNode): Expression {
  const condition = compileExpression(field(node, 'cond'));
  const body = compileExpression(field(node, 'body'));
  const otherwise = node['else_'] === null ? undefined : compileExpression(field(node, 'else_'));
  return frame => {
    if (truthy(condition(frame))) return body(frame);
    return otherwise
      ? otherwise(frame)
      : new Undefined('the value of an `if` without `else`', "add `else ''`");
  };
}

/** True for values that can leave a template as data. */
export function isData(value: unknown): boolean {
  if (Array.isArray(value)) return value.every(isData);
  if (isMapping(value)) return Object.values(value).every(item => item === undefined || isData(item));
  return value === null || typeof value === 'string' || numeric(value) !== undefined;
}
