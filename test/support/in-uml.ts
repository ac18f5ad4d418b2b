import { join } from 'node:path';
import { must } from '#base/assert.ts';
import { cacheDirectory } from '#lab/cache.ts';
import { prepareUml, runInUml } from '#lab/uml.ts';
import { recordAll, UML_RESULTS } from './topology-report.ts';

/** One test that ran inside. */
export interface InnerTest {
  readonly name: string;
  readonly status: string;
  readonly failureMessages: readonly string[];
}

interface Report {
  readonly testResults: readonly {
    readonly name: string;
    readonly message: string;
    readonly assertionResults: readonly {
      readonly fullName: string;
      readonly status: string;
      readonly failureMessages: readonly string[] | null;
    }[];
  }[];
}

const CHECKOUT = join(import.meta.dirname, '..', '..');

/** A vitest project whose tests run inside. */
export type InnerProject = 'ipvs' | 'ipvs-lab';

/** Added to the environment inside. */
const ENVIRONMENT: Readonly<Record<InnerProject, (quick: boolean) => Readonly<Record<string, string>>>> = {
  ipvs: () => ({}),
  'ipvs-lab': quick => ({
    // A process costs three times what it costs outside or, if the kernel is not quick, twenty times.
    TANDEM_LAB_PATIENCE: quick ? '3' : '6',
    XDG_CACHE_HOME: join(cacheDirectory(''), '..'),
  }),
};

/**
 * Runs the tests of a project whose paths contain one of `filters` in one user-mode Linux. A file that cannot
 * be loaded counts as a failed test. What they record of topologies is recorded here.
 */
export async function testsInUml(
  project: InnerProject,
  filters: readonly string[],
  timeoutMs: number,
): Promise<readonly InnerTest[]> {
  const report = 'report.json';
  const onProgress = (line: string) => console.log(`uml: ${line}`);
  const { quick } = await prepareUml(onProgress);
  const { code, output, collected } = await runInUml(
    [
      'sh',
      '-c',
      'exec "$0" node_modules/vitest/vitest.mjs run --project "$@" --reporter verbose --reporter json --outputFile.json "$UML_OUT/report.json"',
      process.execPath,
      project,
      ...filters,
    ],
    {
      directory: CHECKOUT,
      timeoutMs,
      collect: [report, UML_RESULTS],
      memoryMb: 4096,
      env: { NO_COLOR: '1', CI: '1', ...ENVIRONMENT[project](quick) },
      onProgress,
      onLine: onProgress,
    },
  );
  recordAll(collected.get(UML_RESULTS) ?? '');
  const text = must(
    collected.get(report),
    `vitest in user-mode Linux ended with ${code}:\n${output.slice(-4000)}`,
  );
  return (JSON.parse(text) as Report).testResults.flatMap(file =>
    file.assertionResults.length === 0
      ? [{ name: file.name, status: 'failed', failureMessages: [file.message] }]
      : file.assertionResults.map(({ fullName, status, failureMessages }) => ({
          name: fullName,
          status,
          failureMessages: failureMessages ?? [],
        })),
  );
}
