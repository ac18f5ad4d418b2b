/** What `template` and `copy` have in common: a file with a given text, put in place by one rename. */
import { z } from 'zod';
import { assert, must } from '#base/assert.ts';
import { type Change, type Module, type PlanContext, Refusal } from '#provision/model/module.ts';
import { vrrpChange } from '#provision/model/vrrp-change.ts';
import { bytesPart, type Fragment, input, lines, NOTHING, sh } from '#provision/model/shell.ts';
import { absolutePath, mode, owner, parentOf, plainMode, splitWords } from './arguments.ts';
import { lookAt, parseSeenPath, type PathState, type SeenPath, sha256Of } from './path-state.ts';

/** Arguments of both modules. */
export const contentFields = {
  dest: absolutePath,
  mode: mode.optional(),
  owner: owner.optional(),
  group: owner.optional(),
  /** Runs on the staged file (`%s`) before anything is replaced. */
  validate: z
    .string()
    .refine(
      command => splitWords(command)?.some(word => word.includes('%s')),
      'expected a command with %s for the file',
    )
    .optional(),
  /** A VRRP daemon reads the file: a change that its peers would not understand is rolled with them stopped. */
  vrrp_configuration: z.boolean().optional(),
  /** The daemon whose place the file's takes, and its file: while it runs, that is what a change is compared with. */
  vrrp_replaces: z.strictObject({ service: z.string(), path: absolutePath }).optional(),
  /** Filled in by `resolve`; not an argument of the user's. */
  text: z.never().optional(),
} as const;

export interface ContentArgs {
  readonly dest: string;
  readonly mode?: string | undefined;
  readonly owner?: string | number | undefined;
  readonly group?: string | number | undefined;
  readonly validate?: string | undefined;
  readonly vrrp_configuration?: boolean | undefined;
  readonly vrrp_replaces?: { readonly service: string; readonly path: string } | undefined;
  /** Undefined until it can be known. */
  readonly text?: string | undefined;
}

type FileState = Extract<PathState, { type: 'file' }>;

/** The part of a module that does not depend on where the text comes from. */
export function contentModule<Args extends ContentArgs>(): Omit<
  Module<Args, SeenPath>,
  'name' | 'schema' | 'resolve'
> {
  return {
    needs: [],
    resources: args => [
      {
        resource: `file:${args.dest}`,
        wanted: {
          type: 'file',
          text: args.text === undefined ? null : sha256Of(args.text),
          mode: args.mode ?? null,
          owner: args.owner ?? null,
          group: args.group ?? null,
        },
      },
    ],
    probe: args => {
      const known = args.text === undefined ? '' : sha256Of(args.text);
      if (!args.vrrp_configuration) return lookAt(args.dest, known);
      const { service, path } = args.vrrp_replaces ?? {};
      const replaced = service && path ? sh`t_replaced ${service} ${path} ${VRRP_MAX}` : NOTHING;
      return lines([replaced, lookAt(args.dest, known, VRRP_MAX)]);
    },
    parse: parseContent,
    diff,
    apply: (change, args, context) => {
      const parts = staged(change, args, context);
      return lines([parts.stage, parts.commit]);
    },
    staged,
    predict: (args, _seen, changes) => ({ dest: args.dest, changed: changes.length > 0 }),
  };
}

function diff(args: ContentArgs, seen: SeenPath, context: PlanContext): readonly Change[] {
  const text = must(args.text, `the text of ${args.dest} was not resolved`);
  const found = presentFile(args, seen, context);
  const wanted: FileState = {
    type: 'file',
    mode: args.mode === undefined ? (found?.mode ?? '644') : plainMode(args.mode),
    owner: ownerFor(args.owner, found?.owner, seen.uid),
    group: ownerFor(args.group, found?.group, seen.gid),
    sha256: sha256Of(text),
  };
  const differs = found?.sha256 !== wanted.sha256;
  const before = found ? seen.text : '';
  const shown =
    differs && before !== undefined ? { before: context.redact(before), after: context.redact(text) } : {};
  const secretOnly = 'before' in shown && shown.before === shown.after && found !== undefined;
  const speaks = (found !== undefined && differs) || seen.replaced !== undefined;
  const vrrp = args.vrrp_configuration && speaks ? vrrpOf(args, seen, text, context) : undefined;
  const said = summarise(found, wanted, text, secretOnly);
  // The file may be there from before, and its daemon still say something new to the others.
  const isNews = vrrp && (vrrp.breaks.length > 0 || vrrp.elections.some(each => each.before !== each.after));
  const summary = said === '' && isNews ? 'not what the daemon runs with that it replaces' : said;
  if (summary === '') return [];
  return [
    {
      resource: `file:${args.dest}`,
      from: seen.state,
      to: wanted,
      summary,
      ...shown,
      ...(vrrp ? { vrrp } : {}),
      effect: 'none',
    },
  ];
}

/** `replaced LENGTH` and the other daemon's configuration, if it runs, before what is at the path. */
function parseContent(answer: Uint8Array): SeenPath {
  const head = /^replaced (\d+)\n/.exec(new TextDecoder().decode(answer.subarray(0, 32)));
  if (!head) return parseSeenPath(answer);
  const start = head[0].length;
  const end = start + Number(head[1]);
  const replaced = new TextDecoder().decode(answer.subarray(start, end));
  return { ...parseSeenPath(answer.subarray(end)), replaced };
}

/** A configuration is compared whole up to this length, in bytes: thousands of instances. */
const VRRP_MAX = 4 * 1024 * 1024;

/** What is no text was never a daemon's configuration. */
function vrrpOf(args: ContentArgs, seen: SeenPath, after: string, context: PlanContext): Change['vrrp'] {
  if ((seen.bytes ?? 0) > VRRP_MAX)
    throw new Refusal(`${args.dest} has ${seen.bytes} bytes: too many to tell what a new one would change`);
  const before = seen.replaced ?? seen.text ?? '';
  const change = vrrpChange(args.dest, { before, after }, context.facts.hostname);
  const replaced = seen.replaced === undefined ? undefined : args.vrrp_replaces?.service;
  return {
    ...change,
    configurationSha256: sha256Of(`${after}\0`),
    ...(replaced === undefined ? {} : { replaced }),
  };
}

/** The file that is there; undefined if none is and one can be made. */
function presentFile(args: ContentArgs, seen: SeenPath, context: PlanContext): FileState | undefined {
  const { state } = seen;
  if (state.type === 'file') return state;
  if (state.type === 'link')
    throw new Refusal(
      `${args.dest} is a symbolic link to ${state.target}: name its target as dest, or remove it`,
    );
  if (state.type !== 'absent')
    throw new Refusal(
      `${args.dest} is ${state.type === 'other' ? 'a special file' : 'a directory'}, not a file`,
    );
  const parent = parentOf(args.dest);
  if (seen.above !== parent && !context.planned.has(`file:${parent}`))
    throw new Refusal(
      `there is no directory ${parent}: make it with a task before this one, "file: { path: ${parent}, state: directory }"`,
    );
  return undefined;
}

/** The wanted owner as it will be seen: a number that is the present owner's stays its name. */
export function ownerFor(
  wanted: string | number | undefined,
  found: string | undefined,
  id: string | undefined,
): string {
  if (wanted === undefined) return found ?? 'root';
  return found !== undefined && String(wanted) === id ? found : String(wanted);
}

function summarise(
  found: FileState | undefined,
  wanted: FileState,
  text: string,
  secretOnly: boolean,
): string {
  if (!found) {
    const bytes = new TextEncoder().encode(text).length;
    return `created, ${bytes} bytes, ${wanted.mode} ${wanted.owner}:${wanted.group}`;
  }
  const content = secretOnly ? 'content (only what is secret differs)' : 'content';
  return [found.sha256 === wanted.sha256 ? '' : content, attributeSummary(found, wanted)]
    .filter(Boolean)
    .join(', ');
}

/** `mode 644 → 640, owner root → nginx`; empty if nothing differs. */
export function attributeSummary(
  found: { readonly mode: string; readonly owner: string; readonly group: string },
  wanted: { readonly mode: string; readonly owner: string; readonly group: string },
): string {
  return (['mode', 'owner', 'group'] as const)
    .filter(name => found[name] !== wanted[name])
    .map(name => `${name} ${found[name]} → ${wanted[name]}`)
    .join(', ');
}

function staged(
  change: Change,
  args: ContentArgs,
  context: PlanContext,
): { stage: Fragment; commit: Fragment } {
  const from = change.from as PathState;
  const to = change.to as FileState;
  const path = args.dest;
  const chown = `${to.owner}:${to.group}`;
  if (from.type === 'file' && from.sha256 === to.sha256)
    return { stage: NOTHING, commit: sh`chown ${chown} ${path}; chmod ${to.mode} ${path}` };
  const bytes = new TextEncoder().encode(must(args.text, 'staging a text that was not resolved'));
  assert(sha256Of(bytes) === to.sha256, `${args.dest}: the text is not the planned one`);
  // Not by content alone: two files may have the same.
  const name = sha256Of(`${args.dest}\0${to.sha256}`);
  const first = isFirst(context, change.resource, from);
  return {
    stage: lines([
      sh`${input(bytesPart(args.dest, bytes))} | t_stage ${name} ${to.sha256}`,
      validation(args, name, context),
    ]),
    commit: lines([
      sh`t_same ${path} ${from.type === 'file' ? from.sha256 : 'absent'}`,
      first && from.type === 'file' ? sh`t_save ${path} ${from.sha256}` : NOTHING,
      sh`t_put "$t_state/staging/"${name} ${path} ${to.mode} ${chown}`,
      sh`rm -f "$t_state/staging/"${name}`,
    ]),
  };
}

/**
 * True while what is there is what was there first: also after a run that was killed between its record and the copy of
 * the original.
 */
export function isFirst(context: PlanContext, resource: string, from: PathState): boolean {
  const entry = context.ledger.find(each => each.resource === resource);
  if (!entry) return true;
  const first = entry.first as PathState | null;
  return first?.type === 'file' && from.type === 'file' && first.sha256 === from.sha256;
}

function validation(args: ContentArgs, staged: string, context: PlanContext): Fragment {
  if (args.validate === undefined) return NOTHING;
  const words = must(splitWords(args.validate), 'the schema has checked the command');
  const command = words.map(word => {
    const parts = word.split('%s').map(part => (part === '' ? NOTHING : sh`${part}`));
    return parts.reduce((left, right) => sh`${left}"$t_state/staging/"${staged}${right}`);
  });
  const joined = command.reduce((left, right) => sh`${left} ${right}`);
  const path = context.path.map(dir => `${dir}:`).join('');
  return sh`( PATH=${path}$PATH; ${joined} >&2 ) || { t_e=$?; echo ${`${args.dest}: refused by "${args.validate}"`} >&2; rm -f "$t_state/staging/"${staged}; exit $t_e; }`;
}
