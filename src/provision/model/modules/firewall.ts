import { z } from 'zod';
import type { Change, Module, PlanContext, Reverter } from '#provision/model/module.ts';
import { lines, sh } from '#provision/model/shell.ts';
import {
  firewalldChanges,
  firewalldLeft,
  parseFirewalld,
  probeFirewalld,
  putFirewalld,
  type SeenFirewalld,
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
 * where firewalld runs, a tagged rule in ufw's `before` rules or in those of iptables, and one in each other nftables
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
  needs: [],
  resources: args => [{ resource: 'firewall:openings', wanted: JSON.parse(JSON.stringify(args)) }],
  probe: () =>
    lines([
      probeNftables(),
      sh`printf '\\n\\001\\n'`,
      probeIptables(),
      sh`printf '\\n\\001\\n'`,
      probeFirewalld(),
    ]),
  parse,
  diff: (args, seen, context) => [
    ...nftablesChanges(args, seen.nftables, context),
    ...iptablesChanges(seen.firewalld ? [] : args.openings, seen.iptables, context),
    ...firewalldChanges(args.openings, seen.firewalld, context),
  ],
  apply: (change, _args, context) => {
    switch (change.resource) {
      case 'firewall:nftables':
        return putNftables(change);
      case 'firewall:iptables':
        return putIptables(change);
      default:
        return putFirewalld(change, context);
    }
  },
  undo: (change: Change, _args, context: PlanContext) => undoNftables(change, context),
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

/** Teardown: our rules, files and includes go; what others wrote into the same chains, zones and files stays. */
export const firewallReverter: Reverter = {
  kind: 'firewall',
  effect: 'connectivity',
  probe: ({ resource }) =>
    resource === 'firewall:nftables'
      ? probeNftables()
      : resource === 'firewall:iptables'
        ? probeIptables()
        : probeFirewalld(),
  verdict: (entry, answer) => {
    const text = new TextDecoder().decode(answer);
    const left =
      entry.resource === 'firewall:nftables'
        ? nftablesLeft(parseNftables(text))
        : entry.resource === 'firewall:iptables'
          ? parseIptables(text).some(one => one.tags.length > 0 || one.fileTags.length > 0)
          : firewalldLeft(entry.ours, parseFirewalld(text));
    return left ? 'ours' : 'gone';
  },
  revert: entry =>
    entry.resource === 'firewall:nftables'
      ? takeNftablesBack(entry.ours)
      : entry.resource === 'firewall:iptables'
        ? takeIptablesBack(entry.ours)
        : takeFirewalldBack(entry.ours),
};
