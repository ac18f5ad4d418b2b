import { z } from 'zod';
import { must } from '#base/assert.ts';
import {
  type Change,
  type Module,
  type PlanContext,
  Refusal,
  type Reverter,
} from '#provision/model/module.ts';
import { type Fragment, lines, sh } from '#provision/model/shell.ts';
import {
  type Allowed,
  OWN_TABLE,
  type OpeningArgs,
  ownTable,
  persistentText,
  rulesFor,
} from './nft-rules.ts';
import { type BaseChain, parseRuleset } from './nft-ruleset.ts';
import { sha256Of } from './path-state.ts';

interface FirewallArgs {
  readonly openings: readonly OpeningArgs[];
  readonly default?: 'drop' | undefined;
  readonly allow: readonly Allowed[];
}

interface SeenFirewall {
  /** False: there is no nft command, and so no nftables rules. */
  readonly nft: boolean;
  /** Tables of the legacy iptables, which nft does not see. */
  readonly legacy: readonly string[];
  /** The configuration of nftables.service; undefined if there is none. */
  readonly configuration: string | undefined;
  readonly included: boolean;
  /** Hash of our file; undefined without one. */
  readonly file: string | undefined;
  readonly chains: readonly BaseChain[];
}

/** What the firewall module keeps: read by nftables.service through an include. */
const FIREWALL_FILE = '/etc/tandem/firewall.nft';

const RESOURCE = 'firewall:nftables';

const address = z.string().regex(/^[0-9a-fA-F:.]+(?:\/\d{1,3})?$/, 'expected an address or a network');

const opening = z.looseObject({
  kind: z.string(),
  family: z.union([z.literal(4), z.literal(6)]),
  protocol: z.int().min(0).max(255),
  interface: z.string().regex(/^[^\s"/\\]{1,15}$/, 'expected an interface name'),
  group: address.nullish(),
  peers: z.array(address),
});

const allowed = z.strictObject({
  protocol: z.enum(['tcp', 'udp']).default('tcp'),
  port: z.union([
    z.int().min(1).max(65535),
    z.string().regex(/^\d{1,5}(?:-\d{1,5})?$/, 'expected a port or FROM-TO'),
  ]),
  from: z.array(address).default([]),
});

/**
 * Openings where they take effect: a tagged rule in each base chain that can drop the packet, live and included by
 * the configuration of nftables.service. Where nothing filters nothing is added; `default: drop` makes a table of
 * our own that lets in the openings and what `allow` lists.
 */
export const firewall: Module<FirewallArgs, SeenFirewall> = {
  name: 'firewall',
  schema: z.strictObject({
    openings: z.array(opening).default([]),
    default: z.literal('drop').optional(),
    allow: z.array(allowed).default([]),
  }),
  needs: [],
  resources: args => [{ resource: RESOURCE, wanted: JSON.parse(JSON.stringify(args)) }],
  probe: () => sh`t_firewall ${FIREWALL_FILE}`,
  parse,
  diff,
  apply: change => {
    const { text, configuration } = change.to as Wanted;
    return text === '' ? takeBack(configuration) : putInPlace(text, configuration);
  },
  undo: (change, _args, context) => {
    const before = context.ledger.find(entry => entry.resource === RESOURCE)?.ours as Wanted | undefined;
    const { configuration } = change.to as Wanted;
    return before && before.text !== ''
      ? lines([takeBack(configuration), putInPlace(before.text, configuration)])
      : takeBack(configuration);
  },
  predict: (_args, _seen, changes) => ({ changed: changes.length > 0 }),
};

/** As the ledger keeps it. */
type Wanted = { readonly text: string; readonly configuration: string | null };

function parse(answer: Uint8Array): SeenFirewall {
  const text = new TextDecoder().decode(answer);
  const end = text.indexOf('\n\n');
  const [nft = '', legacy = '', configuration = '', included = '', file = ''] = text
    .slice(0, end)
    .split('\n');
  return {
    nft: nft === 'nft yes',
    legacy: legacy.split(' ').slice(1).filter(Boolean),
    configuration: configuration.slice('configuration '.length) || undefined,
    included: included === 'included yes',
    file: file.slice('file '.length) || undefined,
    chains: parseRuleset(text.slice(end + 2)),
  };
}

function diff(args: FirewallArgs, seen: SeenFirewall, context: PlanContext): readonly Change[] {
  refuseOthers(args, seen);
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
  return [
    {
      resource: RESOURCE,
      from: { text: '' },
      to,
      summary,
      before: known ? (known.ours as Wanted).text : '',
      after: text,
      effect: guarded ? 'connectivity' : 'none',
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

function upToDate(text: string, seen: SeenFirewall): boolean {
  const wanted = [...text.matchAll(/comment "(tandem:[^"]*)"/g)].map(([, tag]) => tag ?? '').sort();
  const live = seen.chains.flatMap(chain => chain.tags).sort();
  if (text === '') return live.length === 0 && seen.file === undefined && !seen.included;
  return seen.file === sha256Of(text) && seen.included && JSON.stringify(live) === JSON.stringify(wanted);
}

/** A rule of ours in a table that another program writes is lost, or breaks that program, at its next reload. */
function refuseOthers(args: FirewallArgs, seen: SeenFirewall): void {
  if (args.openings.length === 0) return;
  const other = seen.chains.find(
    chain => chain.owner !== undefined && chain.drops && ['input', 'output'].includes(chain.hook),
  );
  const owner = other?.owner ?? (seen.legacy.includes('filter') ? 'iptables (legacy)' : undefined);
  if (owner === undefined) return;
  const what = args.openings
    .map(({ protocol, interface: name }) => `protocol ${protocol} on ${name}`)
    .join(', ');
  throw new Refusal(
    `this host's firewall is kept by ${owner}, which Tandem cannot open yet: allow ${[...new Set(what.split(', '))].join(', ')} there, and leave this host out of the firewall role`,
  );
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

/** Teardown: our rules, file and include go; what others wrote into the same chains stays. */
export const firewallReverter: Reverter = {
  kind: 'firewall',
  effect: 'connectivity',
  probe: () => sh`t_firewall ${FIREWALL_FILE}`,
  verdict: (_entry, answer) => (upToDate('', parse(answer)) ? 'gone' : 'ours'),
  revert: entry => takeBack((entry.ours as Wanted).configuration),
};
