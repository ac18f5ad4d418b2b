import { z } from 'zod';
import { must } from '#base/assert.ts';
import { type LedgerEntry, record } from '#provision/model/ledger.ts';
import { type Module, type PlanContext, Refusal } from '#provision/model/module.ts';
import { type Fragment, lines, NOTHING, sh } from '#provision/model/shell.ts';
import { absolutePath } from './arguments.ts';
import { fileReverter } from './file-reverter.ts';
import { pathOf } from './path-state.ts';
import { answersIn, asPart } from './teardown-parts.ts';

interface LeftoversArgs {
  readonly directory: string;
  /** Names of files that tasks write there. */
  readonly keep: readonly string[];
}

/** One answer for each entry. */
type SeenLeftovers = readonly Uint8Array[];

/**
 * Files that earlier runs wrote into a directory and that no task writes any more become what they were before Tandem:
 * nothing, as a rule. Files of others are not looked at.
 */
export const leftovers: Module<LeftoversArgs, SeenLeftovers> = {
  name: 'leftovers',
  schema: z.strictObject({ directory: absolutePath, keep: z.array(z.string().min(1)) }),
  needs: [],
  resources: () => [],
  probe: () => NOTHING,
  probeWith: (args, context) =>
    lines(entriesOf(args, context).map(entry => asPart(fileReverter.probe(entry)))),
  parse: answer => answersIn(answer),
  diff: (args, seen, context) =>
    entriesOf(args, context).flatMap((entry, index) => {
      const path = pathOf(entry);
      const verdict = fileReverter.verdict(entry, must(seen[index], `${path} was not answered for`));
      if (verdict === 'gone') return [];
      if (verdict === 'foreign')
        throw new Refusal(
          `nothing writes ${path} any more, which Tandem wrote once, and somebody has changed it since: remove it, or have the inventory ask for it again`,
        );
      const summary = 'taken back: the inventory does not ask for it any more';
      return [
        {
          resource: entry.resource,
          from: entry.ours,
          to: entry.first,
          summary,
          effect: 'none',
          transient: true,
        },
      ];
    }),
  apply: (change, _args, context) => takeBack(change.resource, context),
  predict: (_args, _seen, changes) => ({ changed: changes.length > 0 }),
};

function entriesOf({ directory, keep }: LeftoversArgs, { ledger }: PlanContext): readonly LedgerEntry[] {
  return ledger.filter(({ resource }) => {
    const name = resource.startsWith(`file:${directory}/`) ? resource.slice(`file:${directory}/`.length) : '';
    return name !== '' && !name.includes('/') && !keep.includes(name);
  });
}

function takeBack(resource: string, { ledger }: PlanContext): Fragment {
  const entry = must(
    ledger.find(each => each.resource === resource),
    `${resource} is not in the ledger`,
  );
  return lines([fileReverter.revert(entry), sh`t_log ${record.gone(resource)}`]);
}
