/** The few text styles that the renderers use; plain text when colour is off (`NO_COLOR`, no terminal). */
import { styleText } from 'node:util';

export type Tone = 'good' | 'change' | 'bad' | 'dim' | 'strong' | 'added' | 'removed';

export type Paint = (tone: Tone, text: string) => string;

const STYLES = {
  good: 'green',
  change: 'yellow',
  bad: 'red',
  dim: 'dim',
  strong: 'bold',
  added: 'green',
  removed: 'red',
} as const satisfies Record<Tone, Parameters<typeof styleText>[0]>;

/** A painter for a stream; `enabled` is decided once, at the edge. */
export function painter(enabled: boolean): Paint {
  return enabled
    ? (tone, text) => styleText(STYLES[tone], text, { validateStream: false })
    : (_, text) => text;
}

/** https://no-color.org: any non-empty value turns colour off. */
export function wantsColor(stream: { readonly isTTY?: boolean }, env: NodeJS.ProcessEnv): boolean {
  return stream.isTTY === true && !env['NO_COLOR'] && env['TERM'] !== 'dumb';
}
