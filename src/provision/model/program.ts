/**
 * Programs for the remote session. One constant launcher runs for a whole run; programs come to it on standard
 * input, each behind a header line, and answer in frames that only the holder of the program's nonce can write.
 */
import { gzipSync } from 'node:zlib';
import { assert } from '#base/assert.ts';
import { preludeFor } from './prelude.ts';
import type { Step } from './plan.ts';
import { type Fragment, lines, sh, type StdinPart } from './shell.ts';

/**
 * What `/bin/sh -c` runs for the whole session: discards lines up to a header, reads the program behind it, runs it
 * in a subshell and closes with an `end` frame, until its input ends or a program dies: what that one has not read of
 * its input must not be taken for anything else. The program is compressed: it is most of what a host is sent that needs
 * no change. `dd` reads exactly, where busybox's `head -c` and gzip
 * read ahead and would swallow the next program. Fragments never see the session's input and output: those are
 * descriptors 9 and 8.
 */
export const LAUNCHER: string = [
  'LC_ALL=C;export LC_ALL;umask 077;unset CDPATH ENV;exec 9<&0 8>&1 </dev/null;',
  'while IFS= read -r h<&9;do case $h in "tandem/1 "*);;*)continue;;esac;',
  'h=${h#* };n=${h% *};p=$(dd bs="${h#* }" count=1 iflag=fullblock 2>/dev/null<&9|gzip -dc)||exit;',
  '(eval "$p");e=$?;printf "\\n%s end %s 0 0\\n" "$n" "$e">&8;[ "$e" = 0 ]||exit 1;done',
].join('');

/**
 * The argv that starts a session; constant, so that no secret and no host's data is ever in it. The launcher holds no
 * `'`, `!` or newline, which login shells that are not POSIX's read differently.
 */
export const LAUNCHER_ARGV: readonly string[] = ['/bin/sh', '-c', LAUNCHER];

/** Where Tandem keeps its things on a host. Tests move them. */
export interface HostPaths {
  /** Ledger, originals, staging, audit log; mode 0700. */
  readonly state: string;
  /** Lock and what lives as long as a session. */
  readonly run: string;
}

export const HOST_PATHS: HostPaths = { state: '/var/lib/tandem', run: '/run/tandem' };

/** A program that is ready to be sent, once. */
export interface Program {
  readonly nonce: string;
  /** Header line and the shell text, gzip-compressed. */
  readonly head: Uint8Array;
  /** Follow the head, in this order. */
  readonly inputs: readonly StdinPart[];
  /** Bytes of head and inputs together. */
  readonly length: number;
  /** The frame ids that it answers with, in order, if nothing fails; `end` always comes last. */
  readonly ids: readonly string[];
}

/** One fragment of a program and the id of its answer (`[A-Za-z0-9._:/-]+`). */
export interface Item {
  readonly id: string;
  readonly fragment: Fragment;
}

export interface AssembleOptions {
  /** Random, ≥ 16 hexadecimal digits, never used before. */
  readonly nonce: string;
  /**
   * `all`: every fragment runs whatever the others do (probes). `until-failure`: the first that fails ends the
   * program; what it and the rest would have read is drained.
   */
  readonly run: 'all' | 'until-failure';
  readonly paths?: HostPaths;
}

/** Assembles fragments into one program; the general form behind probes, steps, locks and gates. */
export function assemble(items: readonly Item[], options: AssembleOptions): Program {
  assert(/^[0-9a-f]{16,64}$/.test(options.nonce), 'a nonce is 16 to 64 hexadecimal digits');
  const paths = options.paths ?? HOST_PATHS;
  const body = items.map((item, index) => itemText(item, items.slice(index + 1), options.run));
  const inputs = items.flatMap(item => [...item.fragment.inputs]);
  const start = lines([
    sh`n=${options.nonce}`,
    sh`t_state=${paths.state} t_run=${paths.run}`,
    ...(inputs.length > 0 ? [sh`t_inputs_begin`] : []),
  ]);
  const main = [start.text, ...body, ...(inputs.length > 0 ? ['t_inputs_end'] : [])].join('\n');
  const text = gzipSync(`${preludeFor(main)}${main}\n`);
  const header = new TextEncoder().encode(`\ntandem/1 ${options.nonce} ${text.length}\n`);
  const head = new Uint8Array(header.length + text.length);
  head.set(header);
  head.set(text, header.length);
  const length = inputs.reduce((sum, part) => sum + part.length, head.length);
  return { nonce: options.nonce, head, inputs, length, ids: items.map(item => item.id) };
}

function itemText(item: Item, rest: readonly Item[], run: AssembleOptions['run']): string {
  assert(/^[\w.:/-]+$/.test(item.id) && item.id !== 'end', `"${item.id}" cannot be the id of a frame`);
  const own = bytesOf(item);
  const after = rest.reduce((sum, other) => sum + bytesOf(other), 0);
  const definition = `t_f() {\n:\n${item.fragment.text}\n}`;
  const drain = own > 0 ? `\nt_drain ${own}` : '';
  const stop = run === 'until-failure' ? `\n[ "$t_s" = 0 ] || t_stop ${after}` : '';
  return `${definition}\nt_frame ${item.id}${drain}${stop}`;
}

function bytesOf(item: Item): number {
  return item.fragment.inputs.reduce((sum, part) => sum + part.length, 0);
}

/** Assembles the steps of a plan; the frame of a step has its index as id. The first failure ends the program. */
export function assembleSteps(
  steps: readonly Step[],
  options: { readonly nonce: string; readonly paths?: HostPaths; readonly audit?: string },
): Program {
  const open: Item = { id: 'open', fragment: sh`t_open ${options.audit ?? ''}` };
  const items = steps.map((step, index) => ({ id: String(index), fragment: stepFragment(step) }));
  return assemble([open, ...items], { ...options, run: 'until-failure' });
}

function stepFragment(step: Step): Fragment {
  const records = step.kind === 'apply' ? step.records : undefined;
  if (!records) return step.fragment;
  return lines([sh`t_intend ${records.intend}`, step.fragment, sh`t_done ${records.done}`]);
}

/** Everything that is written to the session for a program, in order. */
export async function* bytesOfProgram(
  program: Program,
  progress?: (label: string, sent: number, total: number) => void,
): AsyncGenerator<Uint8Array> {
  yield program.head;
  for (const part of program.inputs) {
    let sent = 0;
    for await (const chunk of part.open()) {
      sent += chunk.length;
      assert(sent <= part.length, `${part.label} yields more than the ${part.length} bytes announced`);
      yield chunk;
      progress?.(part.label, sent, part.length);
    }
    assert(sent === part.length, `${part.label} yields ${sent} of the ${part.length} bytes announced`);
  }
}
