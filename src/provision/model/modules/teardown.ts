import { z } from 'zod';
import { must } from '#base/assert.ts';
import { type LedgerEntry, record } from '#provision/model/ledger.ts';
import {
  type Change,
  type Module,
  type PlanContext,
  Refusal,
  type Reverter,
} from '#provision/model/module.ts';
import { type Fragment, lines, NOTHING, sh } from '#provision/model/shell.ts';
import type { PathState } from './path-state.ts';
import { answersIn, asPart } from './teardown-parts.ts';

interface TeardownArgs {
  readonly force: boolean;
}

type Verdict = ReturnType<Reverter['verdict']>;

/** Verdict by resource; and whether anything of Tandem's is on the host at all. */
interface SeenTeardown {
  readonly answers: readonly Uint8Array[];
  readonly traces: boolean;
}

/**
 * Takes back everything that the ledger lists, last first: what is still ours becomes what it was; what somebody
 * changed since is left and its original put beside it, or, with `force`, saved beside and reverted.
 */
export function teardownModule(reverters: ReadonlyMap<string, Reverter>): Module<TeardownArgs, SeenTeardown> {
  const reverterOf = (entry: LedgerEntry): Reverter => {
    const kind = entry.resource.slice(0, entry.resource.indexOf(':'));
    const known = reverters.get(kind);
    if (!known)
      throw new Refusal(
        `the ledger lists ${entry.resource}, which this version of Tandem does not know: use the one that wrote it`,
      );
    return known;
  };
  const backwards = (context: PlanContext): readonly LedgerEntry[] => [...context.ledger].reverse();
  return {
    name: 'teardown',
    schema: z.strictObject({ force: z.boolean().default(false) }).prefault({}),
    needs: [],
    resources: () => [],
    probe: () => NOTHING,
    probeWith: (_args, context) => {
      const parts = backwards(context).map(entry => asPart(reverterOf(entry).probe(entry)));
      return lines([
        sh`if [ -e /opt/tandem ] || [ -e "$t_state/ledger" ]; then echo traces; else echo clean; fi`,
        ...parts,
      ]);
    },
    parse: parseParts,
    diff: (args, seen, context) => {
      const entries = backwards(context);
      if (entries.length === 0 && seen.traces)
        throw new Refusal(
          'there is no ledger, so what Tandem changed here is not known: remove /opt/tandem by hand, or restore /var/lib/tandem/ledger',
        );
      if (!seen.traces) return [];
      const changes = entries.flatMap((entry, index) => {
        const answer = must(seen.answers[index], `${entry.resource} was not answered for`);
        return changeFor(entry, reverterOf(entry).verdict(entry, answer), args.force);
      });
      return [...changes, remains()];
    },
    apply: (change, args, context) => {
      if (change.resource === REMAINS) return removeRemains(context);
      const entry = must(
        context.ledger.find(each => each.resource === change.resource),
        `${change.resource} is not in the ledger`,
      );
      return takeBack(entry, reverterOf(entry), change, args.force);
    },
    predict: (_args, _seen, changes) => ({ changed: changes.length > 0 }),
  };
}

/** `traces` or `clean`, then an answer for each entry. */
function parseParts(answer: Uint8Array): SeenTeardown {
  const first = answer.indexOf(0x0a);
  const traces = new TextDecoder().decode(answer.subarray(0, first)) === 'traces';
  return { answers: answersIn(answer, first + 1), traces };
}

function changeFor(entry: LedgerEntry, verdict: Verdict, force: boolean): readonly Change[] {
  if (verdict === 'gone') return [];
  const left = verdict === 'foreign' && !force;
  const was = (entry.first as PathState | null)?.type === 'absent' ? 'removed' : 'as it was before Tandem';
  const summary = left ? 'left: somebody changed it since (--force reverts it)' : `taken back: ${was}`;
  return [
    {
      resource: entry.resource,
      from: entry.ours,
      to: left ? { left: true } : entry.first,
      summary: verdict === 'foreign' && force ? `${summary}; the present state is saved beside it` : summary,
      effect: 'restart',
      transient: true,
    },
  ];
}

function takeBack(entry: LedgerEntry, reverter: Reverter, change: Change, force: boolean): Fragment {
  const gone = sh`t_log ${record.gone(entry.resource)}`;
  const left = JSON.stringify(change.to) === JSON.stringify({ left: true });
  if (left) return lines([keepOriginal(entry), gone]);
  const foreign = force && change.summary.includes('saved beside');
  return lines([
    foreign && reverter.preserve ? reverter.preserve(entry) : NOTHING,
    reverter.revert(entry),
    gone,
  ]);
}

function keepOriginal(entry: LedgerEntry): Fragment {
  const first = entry.first as PathState | null;
  if (!entry.resource.startsWith('file:') || first?.type !== 'file') return NOTHING;
  const path = entry.resource.slice('file:'.length);
  return sh`[ ! -e "$t_state/originals/"${first.sha256} ] || t_put "$t_state/originals/"${first.sha256} ${`${path}.before-tandem`} ${first.mode} ${`${first.owner}:${first.group}`}`;
}

const REMAINS = 'tandem:state';

function remains(): Change {
  return {
    resource: REMAINS,
    from: null,
    to: null,
    summary: 'ledger, originals and audit log removed',
    effect: 'restart',
    transient: true,
  };
}

/** The last step of all: until here a killed teardown goes on where it was. */
function removeRemains(context: PlanContext): Fragment {
  const units = context.ledger.some(entry => entry.resource.includes('/systemd/system/'));
  return lines([
    units
      ? sh`! command -v systemctl >/dev/null || { systemctl daemon-reload; systemctl reset-failed; }`
      : NOTHING,
    sh`rmdir /opt/tandem 2>/dev/null || :`,
    sh`rm -rf "$t_state"`,
  ]);
}
