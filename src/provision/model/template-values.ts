/** What templates see and throw. */
import type { Position } from '#base/position.ts';

/** Something that is looked into lazily, key by key: `hostvars`. */
export interface LazyMap {
  readonly lazy: true;
  has(key: string): boolean;
  /** Templated; throws {@link TemplateError} or {@link NeedsFacts}. */
  get(key: string): unknown;
  keys(): readonly string[];
}

/** The variables that a template sees. Made by `hostVariables`; `child` adds loop items and registers. */
export interface Variables {
  has(name: string): boolean;
  /** The templated value; undefined if there is no such variable. Throws {@link TemplateError}, {@link NeedsFacts}. */
  get(name: string): unknown;
  names(): readonly string[];
  /** Where the winning definition stands. */
  positionOf(name: string): Position | undefined;
  /** The same variables with `extra` in front: values that are not templated again (loop items, registers, facts). */
  child(extra: Readonly<Record<string, unknown>>): Variables;
}

/** A template cannot be compiled or rendered; `message` begins with `file:line:column:`. */
export class TemplateError extends Error {
  override name = 'TemplateError';
  readonly position: Position;
  /** Without the position. */
  readonly reason: string;
  /** How to write it instead. */
  readonly hint: string | undefined;

  constructor(reason: string, position: Position, hint?: string) {
    super(
      `${position.file}:${position.line}:${position.column}: ${reason}${hint === undefined ? '' : ` (${hint})`}`,
    );
    this.reason = reason;
    this.position = position;
    this.hint = hint;
  }
}

/** A template read a fact before facts were known: not an error of the user's, render again after the probe. */
export class NeedsFacts extends Error {
  override name = 'NeedsFacts';
  readonly variable: string;

  constructor(variable: string) {
    super(`${variable} is a fact, and facts are not known yet`);
    this.variable = variable;
  }
}

/** What an operation of the template language refuses; becomes a {@link TemplateError} with the place of the expression. */
export class ValueError extends Error {
  override name = 'ValueError';
  readonly hint: string | undefined;

  constructor(reason: string, hint?: string) {
    super(reason);
    this.hint = hint;
  }
}

/** Jinja2's StrictUndefined: it can be asked about and defaulted, nothing else. */
export class Undefined {
  /** As written in the template: `foo.bar`. */
  readonly path: string;
  readonly hint: string | undefined;

  constructor(path: string, hint?: string) {
    this.path = path;
    this.hint = hint;
  }
}

/** A float whose value is whole: `10 / 2` prints as `5.0`. */
export class WholeFloat {
  readonly value: number;

  constructor(value: number) {
    this.value = value;
  }
}

/** Something that a template can call. */
export class Callable {
  readonly name: string;
  readonly call: (args: readonly unknown[], named: Readonly<Record<string, unknown>>) => unknown;

  constructor(name: string, call: Callable['call']) {
    this.name = name;
    this.call = call;
  }
}

/** Jinja2's `namespace()`: the one thing that `{% set ns.x = … %}` may write into. */
export class Namespace {
  readonly values = new Map<string, unknown>();
}
