/** nunjucks's statement nodes → closures that append to the output, with Jinja2's scoping. */
import { compileExpression, field, located, refuse, type Expression } from './template-expression.ts';
import { Frame } from './template-frame.ts';
import { GLOBALS } from './template-globals.ts';
import { parseTemplate, type TemplateNode } from './template-parse.ts';
import { defined, equal, iterate, toText, truthy } from './template-python.ts';
import { Callable, Namespace, Undefined, ValueError } from './template-values.ts';

/** A compiled statement. */
export type Statement = (frame: Frame, out: string[]) => void;

const UNSUPPORTED: Readonly<Record<string, string>> = {
  Extends: 'write the template in one file, or use include',
  Block: 'write the template in one file, or use include',
  Import: 'put the macro into the file that uses it',
  FromImport: 'put the macro into the file that uses it',
  Switch: 'use {% if %} with {% elif %}',
  AsyncEach: 'use {% for %}',
  AsyncAll: 'use {% for %}',
  IfAsync: 'use {% if %}',
};

/** Compiles a list of statements. Throws TemplateSyntaxError. */
export function compileBody(node: TemplateNode): Statement {
  const statements = (node.children ?? []).map(compileStatement);
  return (frame, out) => {
    for (const statement of statements) statement(frame, out);
  };
}

function compileStatement(node: TemplateNode): Statement {
  switch (node.typename) {
    case 'Output':
      return compileOutput(node);
    case 'If':
      return compileIf(node);
    case 'For':
      return compileFor(node);
    case 'Set':
      return compileSet(node);
    case 'Macro':
      return compileMacro(node);
    case 'Include':
      return compileInclude(node);
    case 'NodeList':
      return compileBody(node);
    default:
      return refuse(
        node,
        `{% ${node.typename.toLowerCase()} %} is not supported`,
        UNSUPPORTED[node.typename],
      );
  }
}

function compileOutput(node: TemplateNode): Statement {
  const parts = (node.children ?? []).map((child): Statement => {
    if (child.typename === 'TemplateData') {
      const text = String(child.value);
      return (_frame, out) => void out.push(text);
    }
    const value = compileCaptured(child);
    return (frame, out) => void out.push(located(frame, child, () => toText(value(frame))));
  });
  return (frame, out) => {
    for (const part of parts) part(frame, out);
  };
}

/** An expression, or `{% filter f %}…{% endfilter %}` whose input is a captured body. */
function compileCaptured(node: TemplateNode): Expression {
  const input = node.typename === 'Filter' ? field(node, 'args').children?.[0] : undefined;
  if (input?.typename !== 'Capture') {
    if (hasCaller(node))
      refuse(node, '{% call %} is not supported', 'pass the text as an argument of the macro');
    return compileExpression(node);
  }
  const body = compileBody(field(input, 'body'));
  const name = Symbol('captured').description ?? '';
  const inner: TemplateNode = { typename: 'Symbol', lineno: input.lineno, colno: input.colno, value: name };
  const args: TemplateNode = {
    ...inner,
    typename: 'NodeList',
    children: [inner, ...(field(node, 'args').children?.slice(1) ?? [])],
  };
  const filter = compileExpression({
    typename: 'Filter',
    lineno: node.lineno,
    colno: node.colno,
    name: node['name'],
    args,
  });
  return frame => {
    const scope = frame.child();
    const out: string[] = [];
    body(scope, out);
    scope.set(name, out.join(''));
    return filter(scope);
  };
}

function hasCaller(node: TemplateNode): boolean {
  const args = node.typename === 'FunCall' ? field(node, 'args').children : undefined;
  return (
    args?.at(-1)?.children?.some(pair => field(pair, 'value').typename === 'Caller') === true &&
    args.at(-1)?.typename === 'KeywordArgs'
  );
}

function compileIf(node: TemplateNode): Statement {
  const condition = compileExpression(field(node, 'cond'));
  const body = compileStatement(field(node, 'body'));
  const otherwise = node['else_'] === null ? undefined : compileStatement(field(node, 'else_'));
  const at = field(node, 'cond');
  return (frame, out) => {
    if (located(frame, at, () => truthy(condition(frame)))) body(frame, out);
    else otherwise?.(frame, out);
  };
}

/** What `loop` is inside a loop. */
function loopVariable(
  items: readonly unknown[],
  index: number,
  previous: { value: unknown },
): Readonly<Record<string, unknown>> {
  const neighbour = (at: number, name: string): unknown =>
    at >= 0 && at < items.length ? items[at] : new Undefined(name);
  return {
    index: index + 1,
    index0: index,
    revindex: items.length - index,
    revindex0: items.length - index - 1,
    first: index === 0,
    last: index === items.length - 1,
    length: items.length,
    previtem: neighbour(index - 1, 'loop.previtem'),
    nextitem: neighbour(index + 1, 'loop.nextitem'),
    cycle: new Callable('cycle', args => args[index % Math.max(1, args.length)]),
    changed: new Callable('changed', args => {
      const same = previous.value !== undefined && equal(previous.value, args);
      previous.value = args;
      return !same;
    }),
  };
}

/** nunjucks parses `for x in xs if c` as a loop over `(xs if c)`; Jinja2 means a filter, and so do we. */
function compileFor(node: TemplateNode): Statement {
  let source = field(node, 'arr');
  let condition: Expression | undefined;
  if (source.typename === 'InlineIf') {
    if (source['else_'] !== null)
      refuse(source, '`if … else` in a loop needs parentheses', '{% for x in (a if c else b) %}');
    condition = compileExpression(field(source, 'cond'));
    source = field(source, 'body');
  }
  const list = compileExpression(source);
  const target = field(node, 'name');
  const names = (target.typename === 'Array' ? (target.children ?? []) : [target]).map(child =>
    String(child.value),
  );
  const body = compileBody(field(node, 'body'));
  const otherwise = node['else_'] === null ? undefined : compileBody(field(node, 'else_'));
  const bind = (frame: Frame, item: unknown): Frame => {
    const scope = frame.child();
    if (target.typename !== 'Array') scope.set(names[0] ?? '', item);
    else for (const [name, value] of unpack(names, item)) scope.set(name, value);
    return scope;
  };
  return (frame, out) => {
    const items = located(frame, source, () => iterate(list(frame)));
    const kept = condition
      ? items.filter(item => located(frame, source, () => truthy(condition(bind(frame, item)))))
      : items;
    if (kept.length === 0) return otherwise?.(frame.child(), out);
    const previous = { value: undefined };
    for (const [index, item] of kept.entries()) {
      const scope = located(frame, target, () => bind(frame, item));
      scope.set('loop', loopVariable(kept, index, previous));
      body(scope, out);
    }
  };
}

function unpack(names: readonly string[], item: unknown): [string, unknown][] {
  const values = iterate(item);
  if (values.length !== names.length) {
    throw new ValueError(
      `${names.length} names for an item of ${values.length}`,
      'loop over a map with .items()',
    );
  }
  return names.map((name, index) => [name, values[index]]);
}

function compileSet(node: TemplateNode): Statement {
  const targets = node['targets'] as readonly TemplateNode[];
  const captured = node['value'] === null ? compileBody(field(field(node, 'body'), 'body')) : undefined;
  const value = captured ? undefined : compileExpression(field(node, 'value'));
  const places = targets.map(target => {
    if (target.typename === 'Symbol') return { name: String(target.value), base: undefined };
    const base = target.typename === 'LookupVal' ? field(target, 'target') : undefined;
    const key = target.typename === 'LookupVal' ? field(target, 'val') : undefined;
    if (base?.typename !== 'Symbol' || key?.typename !== 'Literal')
      return refuse(target, 'set needs a name', 'or a key of a namespace(): {% set ns.x = … %}');
    return { name: String(key.value), base: String(base.value) };
  });
  return (frame, out) => {
    let result: unknown;
    if (captured) {
      const text: string[] = [];
      captured(frame.child(), text);
      result = text.join('');
    } else {
      result = value?.(frame);
    }
    located(frame, node, () => assign(frame, places, defined(result)));
    void out;
  };
}

function assign(
  frame: Frame,
  places: readonly { name: string; base: string | undefined }[],
  result: unknown,
): void {
  const names = places.map(place => place.name);
  const values = places.length === 1 ? [result] : unpack(names, result).map(([, value]) => value);
  for (const [index, { name, base }] of places.entries()) {
    if (base === undefined) {
      frame.set(name, values[index]);
      continue;
    }
    const namespace = frame.lookup(base, GLOBALS);
    if (!(namespace instanceof Namespace))
      throw new ValueError(`'${base}' is not a namespace()`, `begin with {% set ${base} = namespace() %}`);
    namespace.values.set(name, values[index]);
  }
}

function compileMacro(node: TemplateNode): Statement {
  const name = String(field(node, 'name').value);
  const children = field(node, 'args').children ?? [];
  const keywords = children.at(-1)?.typename === 'KeywordArgs' ? children.at(-1) : undefined;
  const params = (keywords ? children.slice(0, -1) : children).map(child => ({
    name: String(child.value),
    otherwise: undefined as Expression | undefined,
  }));
  for (const pair of keywords?.children ?? []) {
    params.push({
      name: String(field(pair, 'key').value),
      otherwise: compileExpression(field(pair, 'value')),
    });
  }
  const body = compileBody(field(node, 'body'));
  return frame => {
    const call: Callable['call'] = (args, named) => {
      if (args.length > params.length)
        throw new ValueError(`the macro ${name} takes ${params.length} arguments`);
      const unknown = Object.keys(named).find(key => !params.some(param => param.name === key));
      if (unknown !== undefined) throw new ValueError(`the macro ${name} has no argument '${unknown}'`);
      const scope = frame.child();
      for (const [index, param] of params.entries()) {
        const given = index < args.length ? args[index] : named[param.name];
        scope.set(
          param.name,
          given ??
            (Object.hasOwn(named, param.name) || index < args.length
              ? given
              : (param.otherwise?.(scope) ?? new Undefined(param.name))),
        );
      }
      const out: string[] = [];
      body(scope, out);
      return out.join('');
    };
    frame.set(name, new Callable(name, call));
  };
}

const MAX_INCLUDES = 20;

function compileInclude(node: TemplateNode): Statement {
  const template = compileExpression(field(node, 'template'));
  const optional = node['ignoreMissing'] === true;
  return (frame, out) => {
    const { rendering } = frame;
    const found = located(frame, node, () => {
      const name = toText(template(frame));
      if (name.startsWith('/') || name.split('/').includes('..')) {
        throw new ValueError(
          `include '${name}' leads out of the templates folder`,
          'name a file below the folder of this template',
        );
      }
      if (rendering.depth >= MAX_INCLUDES)
        throw new ValueError(`includes are nested more than ${MAX_INCLUDES} deep`);
      const text = rendering.include(name);
      if (!text && !optional) throw new ValueError(`there is no template '${name}' to include`);
      return text;
    });
    if (!found) return;
    const at = (lineno: number, colno: number) => ({ file: found.file, line: lineno + 1, column: colno + 1 });
    const inner = new Frame({ ...rendering, at, depth: rendering.depth + 1 });
    for (const [name, value] of frame.flatten()) inner.set(name, value);
    compileBody(parseTemplate(found.text, 'file'))(inner, out);
  };
}
