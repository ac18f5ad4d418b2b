import { expect, test } from 'vitest';
import { runCheckerCourse } from '../lab/daemon/checker-run.ts';

/** keepalived 2.2.7 finds no match of this expression, and keeps the server down; why is not known. */
const NOT_COMPARED = 'HTTP_GET, regex';

/** Verdicts without the first if that is up: keepalived takes real servers for up and does not say so. */
function changes(course: Readonly<Record<string, readonly string[]>> | undefined): object {
  return Object.fromEntries(
    Object.entries(course ?? {})
      .filter(([name]) => name !== NOT_COMPARED)
      .map(([name, [first, ...rest]]) => [name, first === 'up' ? rest : [first, ...rest]]),
  );
}

test('checkers come to the verdicts that keepalived comes to', { timeout: 120_000 }, async () => {
  const { courses, log } = await runCheckerCourse('keepalived');
  expect(Object.keys(courses['ours'] ?? {}).length).toBeGreaterThan(10);
  expect(changes(courses['ours']), log).toEqual(changes(courses['keepalived']));
});
