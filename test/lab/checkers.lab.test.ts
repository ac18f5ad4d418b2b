import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { namedChecks } from './daemon/checker-config.ts';
import { installPackages } from './daemon/packages.ts';
import { start } from './daemon/segment.ts';
import { makeNamespace } from './native/namespace.ts';

installPackages('dnsmasq-base', 'nginx', 'python3-aiosmtpd');

const PROGRAM = join(import.meta.dirname, 'daemon', 'checker-course.ts');

test('every kind of checker is up while its server serves, down when it is gone, and up again', async ({
  onTestFinished,
}) => {
  const folder = mkdtempSync(join(tmpdir(), 'tandem-checkers-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const namespace = await makeNamespace();
  onTestFinished(() => namespace.remove());
  const course = start(namespace, [process.execPath, PROGRAM, folder]);
  const code = await new Promise(resolve => course.process.once('close', resolve));
  expect(code, course.said()).toBe(0);
  const printed = course
    .said()
    .split('\n')
    .find(line => line.startsWith('{'));
  const expected = namedChecks(folder).map(({ name, serves }) => [
    name,
    serves ? ['up', 'down', 'up'] : ['down'],
  ]);
  expect(JSON.parse(printed ?? '')).toEqual({ ours: Object.fromEntries(expected) });
});
