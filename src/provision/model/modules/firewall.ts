import { z } from 'zod';
import type { LedgerEntry } from '#provision/model/ledger.ts';
import type { Change, Module, PlanContext, Reverter } from '#provision/model/module.ts';
import { type Fragment, lines, sh } from '#provision/model/shell.ts';
import {
  firewalldChanges,
  firewalldLeft,
  parseFirewalld,
  probeFirewalld,
  putFirewalld,
  type SeenFirewalld,
  surroundings,
  takeFirewalldBack,
} from './firewall-firewalld.ts';
import {
  iptablesChanges,
  parseIptables,
  probeIptables,
  putIptables,
  type SeenIptables,
  takeIptablesBack,
} from './firewall-iptables.ts';
import {
  nftablesChanges,
  nftablesLeft,
  parseNftables,
  probeNftables,
  putNftables,
  type SeenNftables,
  takeNftablesBack,
  undoNftables,
} from './firewall-nftables.ts';
import {
  parsePolicy,
  POLICY_RESOURCE,
  policyChanges,
  policyLeft,
  probePolicy,
  putPolicy,
  takePolicyBack,
  undoPolicy,
} from './firewalld-policy.ts';
import type { Allowed } from './nft-rules.ts';
import { addressSchema, type OpeningArgs, openingSchema } from './opening.ts';

interface FirewallArgs {
  readonly openings: readonly OpeningArgs[];
  readonly default?: 'drop' | undefined;
  readonly allow: readonly Allowed[];
}

interface SeenFirewall {
  readonly nftables: SeenNftables;
  readonly iptables: SeenIptables;
  /** undefined: it does not run. */
  readonly firewalld: SeenFirewalld | undefined;
}

const allowed = z.strictObject({
  protocol: z.enum(['tcp', 'udp']).default('tcp'),
  port: z.union([
    z.int().min(1).max(65535),
    z.string().regex(/^\d{1,5}(?:-\d{1,5})?$/, 'expected a port or FROM-TO'),
  ]),
  from: z.array(addressSchema).default([]),
});

/**
 * Openings where they take effect, live and so that a reload or a boot keeps them: a rich rule in the interface's zone
 * where firewalld runs, and a policy for what it forwards, a tagged rule in ufw's `before` rules or in those of iptables, and one in each other nftables
 * base chain that can drop the packet. Where nothing filters nothing is added; `default: drop` makes a table of our own
 * that lets in the openings and what `allow` lists.
 */
export const firewall: Module<FirewallArgs, SeenFirewall> = {
  name: 'firewall',
  schema: z.strictObject({
    openings: z.array(openingSchema).default([]),
    default: z.literal('drop').optional(),
    allow: z.array(allowed).default([]),
  }),
  needs: ['interfaces'],
  resources: args => [{ resource: 'firewall:openings', wanted: JSON.parse(JSON.stringify(args)) }],
  probe: ({ openings }) =>
    lines([
      probeNftables(),
      sh`printf '\\n\\001\\n'`,
      probeIptables(),
      sh`printf '\\n\\001\\n'`,
      probeFirewalld(openings.some(({ kind }) => kind === 'forward')),
    ]),
  parse,
  diff: (args, seen, context) => [
    ...nftablesChanges(args, seen.nftables, context),
    ...iptablesChanges(seen.firewalld ? [] : args.openings, seen.iptables, context),
    ...firewalldChanges(args.openings, seen.firewalld, context),
    ...(seen.firewalld
      ? policyChanges(
          args.openings,
          seen.firewalld.policy,
          surroundings(args.openings, seen.firewalld, context),
          context,
        )
      : []),
  ],
  apply: (change, _args, context) => {
    switch (change.resource) {
      case 'firewall:nftables':
        return putNftables(change);
      case 'firewall:iptables':
        return putIptables(change);
      case POLICY_RESOURCE:
        return putPolicy(change, context);
      default:
        return putFirewalld(change, context);
    }
  },
  undo: (change: Change, _args, context: PlanContext) =>
    change.resource === POLICY_RESOURCE ? undoPolicy(change, context) : undoNftables(change, context),
  predict: (_args, _seen, changes) => ({ changed: changes.length > 0 }),
};

function parse(answer: Uint8Array): SeenFirewall {
  const [nftables = '', iptables = '', firewalld = ''] = new TextDecoder().decode(answer).split('\n\u0001\n');
  return {
    nftables: parseNftables(nftables),
    iptables: parseIptables(iptables),
    firewalld: parseFirewalld(firewalld),
  };
}

/** How one kind of our resources is found again and taken back. */
interface Kind {
  readonly probe: () => Fragment;
  readonly left: (answer: string, ours: LedgerEntry['ours']) => boolean;
  readonly takeBack: (ours: LedgerEntry['ours']) => Fragment;
}

const FIREWALLD: Kind = {
  probe: () => probeFirewalld(false),
  left: (answer, ours) => firewalldLeft(ours, parseFirewalld(answer)),
  takeBack: takeFirewalldBack,
};

const KINDS: ReadonlyMap<string, Kind> = new Map([
  [
    'firewall:nftables',
    {
      probe: probeNftables,
      left: answer => nftablesLeft(parseNftables(answer)),
      takeBack: takeNftablesBack,
    },
  ],
  [
    'firewall:iptables',
    {
      probe: probeIptables,
      left: answer => parseIptables(answer).some(one => one.tags.length > 0 || one.fileTags.length > 0),
      takeBack: takeIptablesBack,
    },
  ],
  [
    POLICY_RESOURCE,
    { probe: probePolicy, left: answer => policyLeft(parsePolicy(answer)), takeBack: takePolicyBack },
  ],
]);

const kindOf = ({ resource }: LedgerEntry): Kind => KINDS.get(resource) ?? FIREWALLD;

/** Teardown: our rules, files and includes go; what others wrote into the same chains, zones and files stays. */
export const firewallReverter: Reverter = {
  kind: 'firewall',
  effect: 'connectivity',
  probe: entry => kindOf(entry).probe(),
  verdict: (entry, answer) =>
    kindOf(entry).left(new TextDecoder().decode(answer), entry.ours) ? 'ours' : 'gone',
  revert: entry => kindOf(entry).takeBack(entry.ours),
};
