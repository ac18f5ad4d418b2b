import type { Checker } from '#conf/model.ts';
import { SecretBytes } from '#conf/secret.ts';

/** Whether two checkers check the same in the same way. Where they stand in their files is no difference. */
export function sameChecker(a: Checker, b: Checker): boolean {
  return isSame(a, b);
}

function isSame(a: unknown, b: unknown): boolean {
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return Object.is(a, b);
  if (a instanceof SecretBytes || b instanceof SecretBytes)
    return a instanceof SecretBytes && b instanceof SecretBytes && a.equals(b);
  const [left, right] = [new Map(Object.entries(a)), new Map(Object.entries(b))];
  for (const fields of [left, right]) fields.delete('position');
  return left.size === right.size && [...left].every(([name, value]) => isSame(value, right.get(name)));
}
