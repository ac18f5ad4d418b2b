import { similarName } from './template-registry.ts';

/** For a hint: `did you mean "X"?`, or all that is known. */
export function suggest(word: string, known: Iterable<string>): string {
  const all = [...known];
  const near = similarName(word, all);
  return near === undefined ? `known are ${all.sort().join(', ')}` : `did you mean "${near}"?`;
}
