import { eventLines, type TextOptions } from './text.ts';
import type { Output, Renderer } from './sink.ts';

/** Plain lines, in order, as things happen: for logs, pipes and CI. */
export function plainRenderer(output: Output, options: TextOptions): Renderer {
  return {
    emit: event => {
      for (const line of eventLines(event, options)) output.write(`${line}\n`);
    },
    finish: () => Promise.resolve(),
  };
}
