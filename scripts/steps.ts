import { spawn } from 'node:child_process';

/** One named command of a check or a test run. */
export interface StepCommand {
  readonly name: string;
  readonly argv: readonly [string, ...string[]];
}

/** Runs a command with our own output streams; resolves to true if it exited 0. */
export function runVisibly(
  argv: readonly [string, ...string[]],
  env: NodeJS.ProcessEnv = {},
): Promise<boolean> {
  const [program, ...args] = argv;
  return new Promise(resolve => {
    const child = spawn(program, args, { stdio: 'inherit', env: { ...process.env, ...env } });
    child.on('error', error => {
      console.error(`${program}: ${error.message}`);
      resolve(false);
    });
    child.on('exit', code => resolve(code === 0));
  });
}

/** Runs steps one after the other, goes on after a failure, and returns the names of those that failed. */
export async function runSteps(steps: readonly StepCommand[]): Promise<string[]> {
  const failed: string[] = [];
  for (const step of steps) {
    const startedAtMs = performance.now();
    const passed = await runVisibly(step.argv);
    const elapsedS = ((performance.now() - startedAtMs) / 1000).toFixed(1);
    console.log(`${passed ? 'ok    ' : 'FAILED'} ${step.name} (${elapsedS} s)`);
    if (!passed) failed.push(step.name);
  }
  return failed;
}

/** What is checked without running the code. */
export const STATIC_STEPS: readonly StepCommand[] = [
  { name: 'format', argv: ['prettier', '--check', '--log-level', 'warn', '.'] },
  { name: 'lint and layering', argv: ['oxlint', '--type-aware', '--deny-warnings'] },
  { name: 'types', argv: ['tsc', '--noEmit'] },
  { name: 'dead code', argv: ['knip', '--no-progress'] },
];
