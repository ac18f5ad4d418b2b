/** `npm run check`: format, lint, types, dead code, unit tests. */
import { runSteps, STATIC_STEPS } from './steps.ts';

const failed = await runSteps([
  ...STATIC_STEPS,
  { name: 'unit tests', argv: ['vitest', 'run', '--project', 'unit', '--reporter', 'dot'] },
]);
if (failed.length > 0) {
  console.error(`failed: ${failed.join(', ')}`);
  process.exitCode = 1;
}
