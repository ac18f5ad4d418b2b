/**
 * What tests saw of the topologies of {@link TOPOLOGY_ROWS}: each observation is a file, of which
 * `scripts/topologies.ts` makes the table in docs/topologies.md.
 */
import { createHash } from 'node:crypto';
import { appendFileSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Where the observations of this checkout's last runs lie; git ignores it. */
export const RESULTS = join(import.meta.dirname, '..', '..', 'build', 'topologies');
/** Their name in the directory that a user-mode Linux shares, one observation a line. */
export const UML_RESULTS = 'topologies.jsonl';

/** One observation of one test. A later one of the same row and test replaces it. */
export interface Observation {
  /** 1–25. */
  readonly row: number;
  /** File and name. */
  readonly test: string;
  /** What was seen, a few words. Markdown without line breaks and `|`. */
  readonly text: string;
  /** The longest time without an answer during the failure, as it was measured. */
  readonly outageMs?: number;
}

/** The part of vitest's `task` that is used; a test gets it from its context: `test('…', async ({ task }) => …)`. */
interface TestTask {
  readonly name: string;
  readonly file: { readonly name: string };
  readonly suite?: { readonly name: string } | undefined;
}

/**
 * Records what a test saw, in the machine itself or in a user-mode Linux. To be called when all that the text says has
 * been asserted.
 */
export function reportRow(task: TestTask, row: number, text: string, outageMs?: number): void {
  const test = [task.file.name, task.suite?.name, task.name].filter(Boolean).join(' › ');
  const observation: Observation = { row, test, text, ...(outageMs === undefined ? {} : { outageMs }) };
  const shared = process.env['UML_OUT'];
  if (shared === undefined) record(observation);
  else appendFileSync(join(shared, UML_RESULTS), `${JSON.stringify(observation)}\n`);
}

/** Records what was written to {@link UML_RESULTS} inside. */
export function recordAll(lines: string): void {
  for (const line of lines.split('\n').filter(Boolean)) record(JSON.parse(line) as Observation);
}

/** All that is recorded. */
export function recorded(): Observation[] {
  mkdirSync(RESULTS, { recursive: true });
  const files = readdirSync(RESULTS).filter(name => name.endsWith('.json'));
  return files.map(name => JSON.parse(readFileSync(join(RESULTS, name), 'utf8')) as Observation);
}

function record(observation: Observation): void {
  mkdirSync(RESULTS, { recursive: true });
  const key = createHash('sha256').update(observation.test).digest('hex').slice(0, 12);
  const path = join(RESULTS, `${observation.row}-${key}.json`);
  writeFileSync(`${path}.${process.pid}`, `${JSON.stringify(observation)}\n`);
  renameSync(`${path}.${process.pid}`, path);
}
