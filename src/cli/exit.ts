import { InputError, messageOf, RemoteError } from '#base/errors.ts';

/** The commands' exit codes; others script against them (docs/commands.md). */
export const EXIT = { fine: 0, failed: 1, pending: 2, unreachable: 3, usage: 64 } as const;

/** Wrong usage of a command: says what to type instead. Exit code 64. */
export class UsageError extends Error {
  override name = 'UsageError';
}

/** The exit code and the message of something that ended a command. */
export function failure(thrown: unknown): { readonly code: number; readonly message: string } {
  if (thrown instanceof InputError || thrown instanceof UsageError) {
    return { code: EXIT.usage, message: thrown.message };
  }
  if (thrown instanceof RemoteError) {
    return { code: thrown.unreachable ? EXIT.unreachable : EXIT.failed, message: thrown.message };
  }
  return { code: EXIT.failed, message: messageOf(thrown) };
}
