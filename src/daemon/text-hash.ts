import { createHash } from 'node:crypto';

/** Characters that are hashed in one step: some tens of microseconds. */
const PIECE_LENGTH = 32 * 1024;

/** SHA-256, hexadecimal, of texts one after the other; both processes cut them in the same places. */
export function* textHash(texts: readonly string[]): Generator<undefined, string> {
  const hash = createHash('sha256');
  for (const text of texts) {
    for (let at = 0; at < text.length; at += PIECE_LENGTH) {
      hash.update(text.slice(at, at + PIECE_LENGTH));
      yield;
    }
    hash.update('\0');
  }
  return hash.digest('hex');
}
