/** One command line for the login shell of the other side, whichever that is. */
import { assert } from '#base/assert.ts';

/**
 * Quotes a constant argv with single quotes, which sh, csh and fish read alike as long as there is no `'`, `!`,
 * newline or final backslash in them.
 */
export function commandLine(argv: readonly string[]): string {
  return argv
    .map(word => {
      assert(!/['!\n\0]|\\$/.test(word), 'a launcher must read the same in every login shell');
      return /^[\w./-]+$/.test(word) ? word : `'${word}'`;
    })
    .join(' ');
}
