/**
 * `npm test [-- --shard I/N]`: the static checks, the unit tests, then the lab tests (a share of them with --shard), of
 * which docs/topologies.md is written. Ends with a line `N passed, N failed` that counts static checks and tests.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { installPackages, TEST_PACKAGES } from '../test/lab/daemon/packages.ts';
import { RESULTS } from '../test/support/topology-report.ts';
import { prepareTests } from './prepare-lab.ts';
import { runSteps, runVisibly, STATIC_STEPS } from './steps.ts';
import { writeTopologies } from './topologies-file.ts';

const { values } = parseArgs({ options: { shard: { type: 'string' } } });
const reports = await mkdtemp(join(tmpdir(), 'tandem-test-'));

interface Report {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numFailedTestSuites: number;
}

async function vitest(project: string, more: readonly string[]): Promise<{ passed: number; failed: number }> {
  const file = join(reports, `${project}.json`);
  const reporter = ['--reporter', project === 'unit' ? 'dot' : 'verbose', '--reporter', 'json'];
  const argv = ['run', '--project', project, ...reporter, '--outputFile.json', file, ...more];
  const exitedWell = await runVisibly(['vitest', ...argv]);
  const text = await readFile(file, 'utf8').catch(() => undefined);
  if (text === undefined) return { passed: 0, failed: 1 };
  const report = JSON.parse(text) as Report;
  // A file that cannot be loaded fails no test, and neither does an error outside of tests.
  const failed = report.numFailedTests || (exitedWell ? 0 : Math.max(1, report.numFailedTestSuites));
  return { passed: report.numPassedTests, failed };
}

const failedSteps = await runSteps(STATIC_STEPS);
// Here and not by each file: files run side by side, and apt does not.
console.log(`test: Debian packages, installed if missing and not started: ${TEST_PACKAGES.join(', ')}`);
installPackages(...TEST_PACKAGES);
const wholeLvs = await prepareTests();
const unit = await vitest('unit', []);
await rm(RESULTS, { recursive: true, force: true });
const lab = await vitest('lab', values.shard === undefined ? [] : ['--shard', values.shard]);
writeTopologies(wholeLvs && values.shard === undefined);
await rm(reports, { recursive: true, force: true });

const passed = STATIC_STEPS.length - failedSteps.length + unit.passed + lab.passed;
const failed = failedSteps.length + unit.failed + lab.failed;
if (failedSteps.length > 0) console.log(`failed checks: ${failedSteps.join(', ')}`);
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;
