import type { Diagnostic } from '#base/errors.ts';

/**
 * Ids of errors (`keepalived -t` exits with 5) after which keepalived does what the file says, or what it has always done
 * with such a file: no line is lost, and clusters have been running with them for years.
 */
const HARMLESS: ReadonlySet<string> = new Set([
  'auth-pass-truncated',
  'group-single',
  'route-untracked',
  'rule-preference',
  'scheduler-missing',
  'track-own-interface',
  'tracker-weight-ignored',
]);

/** The diagnostics, with what is harmless as warnings. */
export function withoutHarmlessErrors(diagnostics: readonly Diagnostic[]): Diagnostic[] {
  return diagnostics.map(each =>
    each.severity === 'error' && HARMLESS.has(each.id) ? { ...each, severity: 'warning' } : each,
  );
}
