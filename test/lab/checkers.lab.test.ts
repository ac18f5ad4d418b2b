import { expect, test } from 'vitest';
import { namedChecks } from './daemon/checker-config.ts';
import { CHECKED_PACKAGES, runCheckerCourse } from './daemon/checker-run.ts';
import { installPackages } from './daemon/packages.ts';

installPackages(...CHECKED_PACKAGES);

test('every kind of checker is up while its server serves, down when it is gone, and up again', async () => {
  const { courses } = await runCheckerCourse();
  const expected = namedChecks('/').map(({ name, serves }) => [
    name,
    serves ? ['up', 'down', 'up'] : ['down'],
  ]);
  expect(courses).toEqual({ ours: Object.fromEntries(expected) });
});
