/** Which of the three renderers a run gets. */
import type { OutputOptions } from './options.ts';
import { painter, wantsColor } from './sinks/color.ts';
import { jsonRenderer } from './sinks/json.ts';
import { plainRenderer } from './sinks/plain.ts';
import type { Renderer } from './sinks/sink.ts';

/** More rows than a screen has make a live display slow and nobody wiser. */
const MOST_LIVE_HOSTS = 50;

export async function chooseRenderer(options: OutputOptions, hosts: number): Promise<Renderer> {
  const output = process.stdout;
  if (options.json) return jsonRenderer(output);
  const text = {
    diff: options.diff ?? false,
    verbose: options.verbose ?? false,
    paint: painter(wantsColor(output, process.env)),
  };
  // A terminal without a width (some pseudo-terminals) would wrap each letter.
  if (!output.isTTY || !output.columns || hosts > MOST_LIVE_HOSTS) return plainRenderer(output, text);
  const { terminalRenderer } = await import('./sinks/terminal.ts');
  return terminalRenderer(output, text);
}
