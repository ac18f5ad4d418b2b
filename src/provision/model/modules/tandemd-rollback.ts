import { z } from 'zod';
import { must } from '#base/assert.ts';
import type { LedgerEntry } from '#provision/model/ledger.ts';
import { type Change, type Json, type Module, type PlanContext, Refusal } from '#provision/model/module.ts';
import { type Fragment, lines, sh } from '#provision/model/shell.ts';
import { RELEASE_ROOT, type SeenRelease, switchTo, tandemdRelease } from './tandemd-release.ts';

interface RollbackArgs {
  /** Where it is; for tests. */
  readonly root: string;
  /** keepalived.conf, which the release before must be able to run with. */
  readonly configuration: string;
}

const CURRENT = 'release:current';

/**
 * Back to the release that ran before the present one, by the same rename. Once only: a host that has gone back stays, so
 * that a roll-back which stopped half-way can be run again.
 */
export const tandemdRollback: Module<RollbackArgs, SeenRelease> = {
  name: 'tandemd_rollback',
  schema: z.strictObject({
    root: z.string().startsWith('/').default(RELEASE_ROOT),
    configuration: z.string().startsWith('/').default('/etc/tandem/keepalived.conf'),
  }),
  needs: [],
  resources: args => [{ resource: `release:${args.root}`, wanted: 'before' }],
  probe: args => tandemdRelease.probe({ root: args.root }),
  parse: (answer, args) => tandemdRelease.parse(answer, { root: args.root }),
  diff,
  apply: (change, args) => {
    const { stage, commit } = parts(change, args);
    return lines([stage, commit]);
  },
  staged: parts,
  provides: args => [`${args.root}/current/bin`],
  predict: (_args, _seen, changes) => ({ changed: changes.length > 0 }),
};

/** What the ledger says of the present release. */
function recordOf(ledger: readonly LedgerEntry[]): Readonly<Record<string, Json>> {
  const entry = ledger.find(({ resource }) => resource === CURRENT);
  return (entry?.ours ?? {}) as Readonly<Record<string, Json>>;
}

function diff(args: RollbackArgs, seen: SeenRelease, context: PlanContext): readonly Change[] {
  const { release, before, rolledBackFrom } = recordOf(context.ledger);
  if (seen.current === undefined || typeof release !== 'string')
    throw new Refusal('tandemd was not installed by Tandem here: tandem apply does that');
  // One that was killed on its way is brought to its end.
  const target = typeof rolledBackFrom === 'string' ? release : before;
  if (seen.current === target) return [];
  if (typeof target !== 'string')
    throw new Refusal('there is no release to go back to: the present one is the first on this host');
  if (!seen.releases.includes(target))
    throw new Refusal(`the release before this one, ${target.slice(0, 12)}, is not there any more`);
  return [
    {
      resource: CURRENT,
      from: { release: seen.current },
      to: { root: args.root, path: 'current', release: target, before: null, rolledBackFrom: seen.current },
      summary: `current: ${seen.current.slice(0, 12)} → ${target.slice(0, 12)}`,
      effect: 'restart',
    },
  ];
}

function parts(
  change: Change,
  { root, configuration }: RollbackArgs,
): { readonly stage: Fragment; readonly commit: Fragment } {
  const { release, rolledBackFrom } = change.to as {
    readonly release: string;
    readonly rolledBackFrom: string;
  };
  const program = `${root}/releases/${must(release, 'a roll-back names its release')}/bin/tandemd`;
  return {
    stage: sh`${program} -t --accept-harmless -f ${configuration} >&2 || { t_e=$?; echo ${`the release before refuses ${configuration}`} >&2; exit $t_e; }`,
    commit: switchTo(root, release, rolledBackFrom),
  };
}
