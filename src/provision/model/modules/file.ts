import { z } from 'zod';
import { type Change, type Module, type PlanContext, Refusal } from '#provision/model/module.ts';
import { type Fragment, lines, NOTHING, sh } from '#provision/model/shell.ts';
import { absolutePath, mode, owner, parentOf, plainMode } from './arguments.ts';
import { attributeSummary, isFirst, ownerFor } from './content.ts';
import { lookAt, parseSeenPath, type PathState, type SeenPath } from './path-state.ts';

interface FileArgs {
  readonly path: string;
  readonly state: 'directory' | 'absent' | 'link' | 'file';
  readonly src?: string | undefined;
  readonly mode?: string | undefined;
  readonly owner?: string | number | undefined;
  readonly group?: string | number | undefined;
}

const schema = z
  .strictObject({
    path: absolutePath,
    state: z.enum(['directory', 'absent', 'link', 'file']).default('file'),
    src: z.string().min(1).optional(),
    mode: mode.optional(),
    owner: owner.optional(),
    group: owner.optional(),
  })
  .refine(
    args => (args.state === 'link') === (args.src !== undefined),
    '"src" goes with "state: link", and only with it',
  );

/** A directory, a symbolic link, nothing, or the mode and owner of what is there. */
export const file: Module<FileArgs, SeenPath> = {
  name: 'file',
  schema,
  needs: [],
  resources: args => [
    {
      resource: `file:${args.path}`,
      wanted: {
        type: args.state,
        src: args.src ?? null,
        mode: args.mode ?? null,
        owner: args.owner ?? null,
        group: args.group ?? null,
      },
    },
  ],
  probe: args => lookAt(args.path, '-'),
  parse: parseSeenPath,
  diff: (args, seen, context) => {
    switch (args.state) {
      case 'absent':
        return removal(args, seen.state);
      case 'link':
        return link(args, seen.state);
      case 'directory':
        return seen.state.type === 'absent' ? creations(args, seen, context) : attributes(args, seen);
      case 'file':
        return attributes(args, seen);
    }
  },
  apply,
  predict: (args, _seen, changes) => ({ path: args.path, state: args.state, changed: changes.length > 0 }),
};

function removal(args: FileArgs, state: PathState): readonly Change[] {
  if (state.type === 'absent') return [];
  if (state.type === 'other')
    throw new Refusal(`${args.path} is a special file: remove it by hand if it should go`);
  const what = state.type === 'directory' ? 'directory (must be empty)' : state.type;
  return [
    {
      resource: `file:${args.path}`,
      from: state,
      to: { type: 'absent' },
      summary: `${what} removed`,
      effect: 'none',
    },
  ];
}

function link(args: FileArgs, state: PathState): readonly Change[] {
  const target = args.src ?? '';
  if (state.type === 'link' && state.target === target) return [];
  if (state.type !== 'absent' && state.type !== 'link')
    throw new Refusal(`${args.path} is there and no symbolic link: move it away first`);
  const was = state.type === 'link' ? `${state.target} → ` : '';
  const to = { type: 'link', target } as const;
  return [
    { resource: `file:${args.path}`, from: state, to, summary: `link ${was}${target}`, effect: 'none' },
  ];
}

/** One change for each directory that is missing, outermost first: each is an entry of the ledger. */
function creations(args: FileArgs, seen: SeenPath, context: PlanContext): readonly Change[] {
  const missing: string[] = [];
  for (let path = args.path; path !== seen.above && path !== '/'; path = parentOf(path))
    missing.unshift(path);
  return missing
    .filter(path => !context.planned.has(`file:${path}`))
    .map(path => {
      const own = path === args.path;
      const to = {
        type: 'directory',
        mode: own && args.mode !== undefined ? plainMode(args.mode) : '755',
        owner: own ? ownerFor(args.owner, undefined, undefined) : 'root',
        group: own ? ownerFor(args.group, undefined, undefined) : 'root',
      } as const;
      return {
        resource: `file:${path}`,
        from: { type: 'absent' },
        to,
        summary: `directory created, ${to.mode} ${to.owner}:${to.group}`,
        effect: 'none',
      };
    });
}

function attributes(args: FileArgs, seen: SeenPath): readonly Change[] {
  const { state } = seen;
  if (state.type !== args.state) {
    const hint = args.state === 'file' ? 'use the copy or template module to make it' : 'move it away first';
    throw new Refusal(
      `${args.path} is ${state.type === 'other' ? 'a special file' : state.type}, not a ${args.state}: ${hint}`,
    );
  }
  if (state.type !== 'file' && state.type !== 'directory') return [];
  const to = {
    ...state,
    mode: args.mode === undefined ? state.mode : plainMode(args.mode),
    owner: ownerFor(args.owner, state.owner, seen.uid),
    group: ownerFor(args.group, state.group, seen.gid),
  };
  const summary = attributeSummary(state, to);
  return summary === '' ? [] : [{ resource: `file:${args.path}`, from: state, to, summary, effect: 'none' }];
}

function apply(change: Change, _args: FileArgs, context: PlanContext): Fragment {
  const path = change.resource.slice('file:'.length);
  const from = change.from as PathState;
  const to = change.to as PathState;
  switch (to.type) {
    case 'absent':
      return remove(path, from, isFirst(context, change.resource, from));
    case 'link':
      return sh`ln -s ${to.target} ${`${path}.tandem`}; mv -fT ${`${path}.tandem`} ${path}`;
    case 'directory':
    case 'file':
      return lines([
        from.type === 'absent' ? sh`mkdir -p ${path}` : NOTHING,
        sh`chown ${`${to.owner}:${to.group}`} ${path}`,
        sh`chmod ${to.mode} ${path}`,
      ]);
    case 'other':
      return NOTHING;
  }
}

function remove(path: string, from: PathState, first: boolean): Fragment {
  if (from.type === 'directory') return sh`rmdir ${path}`;
  return lines([
    from.type === 'file' && first ? sh`t_save ${path} ${from.sha256}` : NOTHING,
    sh`rm -f ${path}`,
  ]);
}
