import { z } from 'zod';
import { must } from '#base/assert.ts';
import type { LedgerEntry } from '#provision/model/ledger.ts';
import { type Change, type Json, type Module, Refusal, type Reverter } from '#provision/model/module.ts';
import { bytesPart, type Fragment, input, sh } from '#provision/model/shell.ts';
import { absolutePath } from './arguments.ts';
import { lookAt, parseSeenPath, type SeenPath } from './path-state.ts';

interface BlockArgs {
  readonly path: string;
  readonly block: string;
  readonly marker: string;
}

/** As the ledger keeps it: the lines between the markers, null without them. */
interface BlockState {
  readonly [key: string]: Json;
  readonly block: string | null;
  /** Whether the file's last line ends in a newline, so that teardown leaves what it found. */
  readonly ended: boolean;
}

/** Longest file that is read whole, in bytes. */
const FILE_MAX = 1024 * 1024;

/** Lines between two markers in a file that is otherwise not ours. The file must be there. */
export const blockinfile: Module<BlockArgs, SeenPath> = {
  name: 'blockinfile',
  schema: z.strictObject({
    path: absolutePath,
    block: z.string().regex(/^[^\0\r]*$/, 'expected text'),
    marker: z
      .string()
      .regex(/^[^\n]*\{mark\}[^\n]*$/, 'expected one line with {mark}, such as "# {mark} TANDEM"')
      .default('# {mark} TANDEM'),
  }),
  needs: [],
  resources: args => [{ resource: resourceOf(args), wanted: linesOf(args.block) }],
  probe: args => lookAt(args.path, '', FILE_MAX),
  parse: parseSeenPath,
  diff,
  apply: (change, args) => put(args, change.to as BlockState, (change.from as BlockState).ended),
  predict: (args, _seen, changes) => ({ path: args.path, changed: changes.length > 0 }),
};

function resourceOf(args: BlockArgs): string {
  return `block:${args.path}#${args.marker}`;
}

/** Whole lines; empty for nothing. */
function linesOf(block: string): string {
  return block === '' || block.endsWith('\n') ? block : `${block}\n`;
}

function markers(marker: string): { readonly begin: string; readonly end: string } {
  return { begin: marker.replace('{mark}', 'BEGIN'), end: marker.replace('{mark}', 'END') };
}

function diff(args: BlockArgs, seen: SeenPath): readonly Change[] {
  const from = stateIn(args, textOf(args, seen));
  const wanted = linesOf(args.block);
  if ((from.block ?? '') === wanted && (from.block === null) === (wanted === '')) return [];
  const to: BlockState = { block: wanted === '' ? null : wanted, ended: true };
  const count = wanted.split('\n').length - 1;
  return [
    {
      resource: resourceOf(args),
      from,
      to,
      summary: wanted === '' ? 'block removed' : `block of ${count} line${count === 1 ? '' : 's'}`,
      before: from.block ?? '',
      after: wanted,
      effect: 'none',
    },
  ];
}

function textOf(args: Pick<BlockArgs, 'path'>, { state, text, bytes }: SeenPath): string {
  if (state.type === 'absent')
    throw new Refusal(`there is no ${args.path}: make it with the template or copy module`);
  if (state.type !== 'file')
    throw new Refusal(`${args.path} is no regular file: name the file itself, or move it away`);
  if (text === undefined)
    throw new Refusal(`${args.path} has ${bytes ?? 0} bytes or is no text: a block is put into text files`);
  return text;
}

function stateIn(args: Pick<BlockArgs, 'path' | 'marker'>, text: string): BlockState {
  const { begin, end } = markers(args.marker);
  const all = text.split('\n');
  const first = all.indexOf(begin);
  const last = all.indexOf(end, first + 1);
  if (first >= 0 && last < 0)
    throw new Refusal(`${args.path}:${first + 1}: "${begin}" without "${end}" after it: mend it by hand`);
  const ended = text === '' || text.endsWith('\n');
  if (first < 0) return { block: null, ended };
  const block = all.slice(first + 1, last);
  return { block: block.length === 0 ? '' : `${block.join('\n')}\n`, ended };
}

function put(args: Pick<BlockArgs, 'path' | 'marker'>, to: BlockState, ended: boolean): Fragment {
  const { begin, end } = markers(args.marker);
  const bytes = new TextEncoder().encode(to.block === null ? '' : `${begin}\n${to.block}${end}\n`);
  const final = to.block === null && !ended ? 'cut' : 'keep';
  return sh`${input(bytesPart(`block in ${args.path}`, bytes))} | t_block ${args.path} ${begin} ${end} ${final}`;
}

/** Teardown: the block goes, and the newline before it if it was ours; all other lines stay as they are by then. */
export const blockReverter: Reverter = {
  kind: 'block',
  effect: 'none',
  probe: entry => lookAt(placeOf(entry).path, '', FILE_MAX),
  verdict: (entry, answer) => {
    const { state, text } = parseSeenPath(answer);
    if (state.type !== 'file' || text === undefined) return 'gone';
    const seen = stateIn(placeOf(entry), text).block;
    if (seen === (entry.first as BlockState).block) return 'gone';
    const mine = [entry.ours, entry.previous].some(ours => (ours as BlockState | undefined)?.block === seen);
    return mine ? 'ours' : 'foreign';
  },
  revert: entry => put(placeOf(entry), entry.first as BlockState, (entry.first as BlockState).ended),
};

function placeOf(entry: LedgerEntry): { readonly path: string; readonly marker: string } {
  const [, path, marker] = must(/^block:([^#]+)#(.*)$/.exec(entry.resource), 'a block resource');
  return { path: must(path, 'a path'), marker: must(marker, 'a marker') };
}
