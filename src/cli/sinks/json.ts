import type { Output, Renderer } from './sink.ts';

/** One JSON object per line and nothing else: `--json`. The schema is `RunEvent` of `src/control/events.ts`. */
export function jsonRenderer(output: Output): Renderer {
  return {
    emit: event => {
      output.write(`${JSON.stringify(event)}\n`);
    },
    finish: () => Promise.resolve(),
  };
}
