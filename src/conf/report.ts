import type { Diagnostic } from '#base/errors.ts';
import type { Position } from '#base/position.ts';

/** The way out; a function if finding it costs time, which a repeated complaint is not worth. */
type Hint = string | undefined | (() => string | undefined);

/** Collects diagnostics while a configuration is read; the same complaint at the same place is kept once. */
export class Report {
  readonly diagnostics: Diagnostic[] = [];
  readonly #limit: number;
  readonly #seen = new Set<string>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** keepalived -t would complain too: exit code 5, or 4 for the ids in {@link FATAL}. */
  error(id: string, position: Position | undefined, message: string, hint?: Hint): void {
    this.#add({ id, severity: 'error', message, ...(position && { position }) }, hint);
  }

  /** keepalived accepts it silently; the author should know nevertheless. */
  warning(id: string, position: Position | undefined, message: string, hint?: Hint): void {
    this.#add({ id, severity: 'warning', message, ...(position && { position }) }, hint);
  }

  /** No more diagnostics are kept: finding good words for another one is wasted. */
  get full(): boolean {
    return this.diagnostics.length > this.#limit;
  }

  #add(diagnostic: Diagnostic, hint: Hint): void {
    if (this.full) return;
    const { position } = diagnostic;
    const key = `${diagnostic.id} ${position?.file}:${position?.line}:${position?.column} ${diagnostic.message}`;
    if (this.#seen.has(key)) return;
    this.#seen.add(key);
    if (this.diagnostics.length < this.#limit) {
      const text = typeof hint === 'function' ? hint() : hint;
      this.diagnostics.push(text ? { ...diagnostic, hint: text } : diagnostic);
      return;
    }
    this.diagnostics.push({
      id: 'too-many-diagnostics',
      severity: 'error',
      message: `more than ${this.#limit} complaints; the rest is not shown`,
    });
  }
}

/** Ids of errors with which keepalived does not start at all. */
const FATAL: ReadonlySet<string> = new Set(['config-unreadable', 'argument-missing']);

/** Exit code of `-t`: 0 fine (warnings allowed), 4 cannot run, 5 errors but runs. */
export function exitCodeOf(diagnostics: readonly Diagnostic[]): 0 | 4 | 5 {
  const errors = diagnostics.filter(diagnostic => diagnostic.severity === 'error');
  if (errors.some(diagnostic => FATAL.has(diagnostic.id))) return 4;
  return errors.length > 0 ? 5 : 0;
}
