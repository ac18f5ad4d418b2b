/** Longer words are not keywords misspelt. */
const LONGEST = 64;

/** The candidate nearest to a misspelt `word` (at most a third of its letters wrong), or undefined. */
export function nearest(word: string, candidates: Iterable<string>): string | undefined {
  let best: string | undefined;
  let bestDistance = Math.min(3, Math.max(1, Math.floor(word.length / 3))) + 1;
  if (word.length > LONGEST) return undefined;
  for (const candidate of candidates) {
    if (Math.abs(candidate.length - word.length) >= bestDistance) continue;
    const distance = distanceBelow(bestDistance, word, candidate);
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/** "did you mean …?" for a diagnostic's hint, or undefined. */
export function didYouMean(word: string, candidates: Iterable<string>): string | undefined {
  const candidate = nearest(word, candidates);
  return candidate === undefined ? undefined : `did you mean \`${candidate}\`?`;
}

/** Rows of the distance matrix, reused: a file full of mistakes asks for very many distances. */
const rows: [Uint8Array, Uint8Array] = [new Uint8Array(LONGEST + 4), new Uint8Array(LONGEST + 4)];

/** Levenshtein's distance of two words, or any number ≥ `limit` if it is not below that. */
function distanceBelow(limit: number, a: string, b: string): number {
  let [row, next] = rows;
  for (let j = 0; j <= b.length; j++) row[j] = j;
  for (let i = 1; i <= a.length; i++) {
    next[0] = i;
    let least = i;
    for (let j = 1; j <= b.length; j++) {
      const substitution = (row[j - 1] ?? 0) + (a.charCodeAt(i - 1) === b.charCodeAt(j - 1) ? 0 : 1);
      const distance = Math.min(substitution, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1);
      next[j] = distance;
      if (distance < least) least = distance;
    }
    if (least >= limit) return least;
    [row, next] = [next, row];
  }
  return row[b.length] ?? 0;
}
