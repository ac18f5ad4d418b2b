/** A defect in Tandem itself: never thrown for anything a user, a peer or a remote host did. */
export class AssertionFailure extends Error {
  override name = 'AssertionFailure';
}

/** Throws {@link AssertionFailure} unless `condition` holds. For our own bugs only. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new AssertionFailure(message);
}

/** Returns `value`, which our own invariants say is present. */
export function must<T>(value: T | undefined | null, message: string): T {
  if (value === undefined || value === null) throw new AssertionFailure(message);
  return value;
}
