import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** The files that boot a kernel take minutes: at the end of a run they would leave one core idle. */
class KernelsFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const boots = (file: TestSpecification): number => Number(file.moduleId.includes('/ipvs'));
    return (await super.sort(files)).toSorted((one, other) => boots(other) - boots(one));
  }
}

export default defineConfig({
  test: {
    sequence: { sequencer: KernelsFirst },
    projects: [
      {
        test: {
          name: 'unit',
          include: ['src/**/*.test.ts', 'scripts/**/*.test.ts'],
          exclude: ['src/**/*.lab.test.ts'],
          testTimeout: 20_000,
          pool: 'threads',
          maxWorkers: 2,
        },
      },
      {
        // Runs inside a user-mode Linux, started by test/lab/ipvs*.lab.test.ts: see docs/decisions/0013-ipvs-kernel.md.
        test: {
          name: 'ipvs',
          include: ['test/ipvs/**/*.ipvs.test.ts'],
          testTimeout: 150_000,
          hookTimeout: 60_000,
          pool: 'threads',
          fileParallelism: false,
          maxWorkers: 1,
        },
      },
      {
        // Labs inside a user-mode Linux, started by test/lab/ipvs-lab.lab.test.ts: see test/ipvs-lab/README.md.
        test: {
          name: 'ipvs-lab',
          include: ['test/ipvs-lab/**/*.ipvs-lab.test.ts'],
          testTimeout: 300_000,
          hookTimeout: 300_000,
          pool: 'threads',
          fileParallelism: false,
          maxWorkers: 1,
        },
      },
      {
        test: {
          name: 'lab',
          include: ['test/lab/**/*.lab.test.ts'],
          testTimeout: 240_000,
          hookTimeout: 300_000,
          fileParallelism: true,
          maxWorkers: 2,
        },
      },
    ],
  },
});
