import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeNamespace } from '../native/namespace.ts';
import { start } from './segment.ts';

/** What `checkedServers` runs. */
export const CHECKED_PACKAGES = ['dnsmasq-base', 'nginx', 'python3-aiosmtpd'] as const;

const PROGRAM = join(import.meta.dirname, 'checker-course.ts');

type Courses = Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>;

/**
 * Runs `checker-course.ts` in a network namespace of its own: what each checker told, by who checks and its name.
 *
 * @throws with all that was said when it did not come to its end.
 */
export async function runCheckerCourse(
  ...others: readonly 'keepalived'[]
): Promise<{ readonly courses: Courses; readonly log: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'tandem-checkers-'));
  const namespace = await makeNamespace();
  try {
    const course = start(namespace, [process.execPath, PROGRAM, folder, ...others]);
    const code = await new Promise(resolve => course.process.once('close', resolve));
    const log = course.said();
    const printed = log.split('\n').find(line => line.startsWith('{'));
    if (code !== 0 || printed === undefined)
      throw new Error(`the course ended with ${String(code)}:\n${log}`);
    return { courses: JSON.parse(printed) as Courses, log };
  } finally {
    namespace.remove();
    rmSync(folder, { recursive: true });
  }
}
