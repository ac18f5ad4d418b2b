/** How one change looks to a person: a summary line, and with `--diff` the lines that differ. */
import { structuredPatch } from 'diff';
import type { ShownChange } from '#control/events.ts';
import type { Paint } from './color.ts';

/** The lines under a task for one change. */
export function changeLines(change: ShownChange, showDiff: boolean, paint: Paint): string[] {
  const lines = [`${change.resource}: ${change.summary}`];
  if (!showDiff || change.before === undefined || change.after === undefined) return lines;
  return [...lines, ...diffLines(change.before, change.after, paint)];
}

/** A unified diff without file headers; empty if the texts are equal. */
function diffLines(before: string, after: string, paint: Paint): string[] {
  const patch = structuredPatch('before', 'after', before, after, undefined, undefined, { context: 2 });
  return patch.hunks.flatMap(hunk => [
    paint('dim', `@@ -${hunk.oldStart},${hunk.oldLines} +${hunk.newStart},${hunk.newLines} @@`),
    ...hunk.lines.map(line => {
      if (line.startsWith('+')) return paint('added', line);
      return line.startsWith('-') ? paint('removed', line) : line;
    }),
  ]);
}
