/** Openings in nftables' chains, and a table of our own where a default drop is asked for. */
import { must } from '#base/assert.ts';
import type { LedgerEntry } from '#provision/model/ledger.ts';
import { type Change, type PlanContext, Refusal } from '#provision/model/module.ts';
import { type Fragment, lines, sh } from '#provision/model/shell.ts';
import { type Allowed, OWN_TABLE, ownTable, persistentText, rulesFor } from './nft-rules.ts';
import { type BaseChain, parseRuleset } from './nft-ruleset.ts';
import { closes, type OpeningArgs } from './opening.ts';
import { sha256Of } from './path-state.ts';

export interface SeenNftables {
  /** False: there is no nft command, and so no nftables rules. */
  readonly nft: boolean;
  /** The configuration of nftables.service; undefined if there is none. */
  readonly configuration: string | undefined;
  readonly included: boolean;
  /** Hash of our file; undefined without one. */
  readonly file: string | undefined;
  readonly chains: readonly BaseChain[];
}

/** What is kept on the host: read by nftables.service through an include. */
const FIREWALL_FILE = '/etc/tandem/firewall.nft';

const RESOURCE = 'firewall:nftables';

export function probeNftables(): Fragment {
  return sh`t_firewall ${FIREWALL_FILE}`;
}

/** As the ledger keeps it. */
type Wanted = { readonly text: string; readonly configuration: string | null };

export function parseNftables(text: string): SeenNftables {
  const end = text.indexOf('\n\n');
  const [nft = '', configuration = '', included = '', file = ''] = text.slice(0, end).split('\n');
  return {
    nft: nft === 'nft yes',
    configuration: configuration.slice('configuration '.length) || undefined,
    included: included === 'included yes',
    file: file.slice('file '.length) || undefined,
    chains: parseRuleset(text.slice(end + 2)),
  };
}

export function nftablesChanges(
  args: {
    readonly openings: readonly OpeningArgs[];
    readonly default?: 'drop' | undefined;
    readonly allow: readonly Allowed[];
  },
  seen: SeenNftables,
  context: PlanContext,
): readonly Change[] {
  const rules = rulesFor(args.openings, seen.chains);
  const own = args.default === 'drop' ? ownTable(args.openings, args.allow) : '';
  const text = persistentText(rules, own);
  if (text !== '' && seen.configuration === undefined)
    throw new Refusal(
      'nothing loads nftables rules at boot here (no /etc/nftables.conf): install the package nftables',
    );
  if (upToDate(text, seen)) return [];
  const known = context.ledger.find(entry => entry.resource === RESOURCE);
  const guarded = own !== '';
  const to: Wanted = { text, configuration: seen.configuration ?? null };
  const summary =
    text === ''
      ? 'openings removed: nothing filters any more'
      : summaryOf(
          rules.map(rule => rule.chain),
          guarded,
        );
  const before = known ? (known.ours as Wanted).text : '';
  return [
    {
      resource: RESOURCE,
      from: { text: '' },
      to,
      summary,
      before,
      after: text,
      effect: guarded ? 'connectivity' : 'none',
      closes: closes(before, text),
    },
  ];
}

function summaryOf(chains: readonly BaseChain[], guarded: boolean): string {
  const names = [...new Set(chains.map(chain => `${chain.family} ${chain.table} ${chain.name}`))];
  return [
    ...(names.length > 0 ? [`opened in ${names.join(', ')}`] : []),
    ...(guarded ? [`default drop in table ${OWN_TABLE}`] : []),
  ].join('; ');
}

function upToDate(text: string, seen: SeenNftables): boolean {
  const wanted = [...text.matchAll(/comment "(tandem:[^"]*)"/g)].map(([, tag]) => tag ?? '').sort();
  const live = seen.chains.flatMap(chain => chain.tags).sort();
  if (text === '') return live.length === 0 && seen.file === undefined && !seen.included;
  return seen.file === sha256Of(text) && seen.included && JSON.stringify(live) === JSON.stringify(wanted);
}

export function putNftables(change: Change): Fragment {
  const { text, configuration } = change.to as Wanted;
  return text === '' ? takeBack(configuration) : putInPlace(text, configuration);
}

/** Takes a change of effect `connectivity` back without us. */
export function undoNftables(change: Change, context: PlanContext): Fragment {
  const before = context.ledger.find(entry => entry.resource === RESOURCE)?.ours as Wanted | undefined;
  const { configuration } = change.to as Wanted;
  return before && before.text !== ''
    ? lines([takeBack(configuration), putInPlace(before.text, configuration)])
    : takeBack(configuration);
}

function putInPlace(text: string, configuration: string | null): Fragment {
  const sha256 = sha256Of(text);
  const conf = must(configuration, 'planned without a configuration to include from');
  return lines([
    // In the program's text: a host that takes the change back by itself has no input.
    sh`printf %s ${text} | t_stage firewall ${sha256}`,
    sh`t_put "$t_state/staging/firewall" ${FIREWALL_FILE} 600 root:root; rm -f "$t_state/staging/firewall"`,
    sh`t_nft_include ${conf} ${FIREWALL_FILE} on`,
    sh`{ t_nft_tagged; cat ${FIREWALL_FILE}; } | nft -f -`,
  ]);
}

function takeBack(configuration: string | null): Fragment {
  return lines([
    sh`t_nft_include ${configuration ?? '/etc/nftables.conf'} ${FIREWALL_FILE} off`,
    sh`rm -f ${FIREWALL_FILE}`,
    sh`! command -v nft >/dev/null || { echo ${`table ${OWN_TABLE}`}; echo ${`delete table ${OWN_TABLE}`}; } | nft -f -`,
    sh`! command -v nft >/dev/null || t_nft_tagged | nft -f -`,
  ]);
}

export function nftablesLeft(seen: SeenNftables): boolean {
  return !upToDate('', seen);
}

export function takeNftablesBack(ours: LedgerEntry['ours']): Fragment {
  return takeBack((ours as Wanted).configuration);
}
