/** nftables text for the openings that a host needs. */
import { sha256Of } from './path-state.ts';
import type { BaseChain } from './nft-ruleset.ts';
import { type Match, matchAt, type OpeningArgs, TRANSPORTS } from './opening.ts';

/** Something that the default-drop table lets in besides. */
export interface Allowed {
  readonly protocol: 'tcp' | 'udp';
  readonly port: number | string;
  readonly from: readonly string[];
}

/** A rule for one chain: what it matches, and the tag by which it is found again. */
export interface TaggedRule {
  readonly chain: BaseChain;
  readonly text: string;
  readonly tag: string;
}

/** Our own table's name, where a default drop is asked for. */
export const OWN_TABLE = 'inet tandem';

/** A rule for every opening in every chain that can drop it; chains that another program writes are left out. */
export function rulesFor(openings: readonly OpeningArgs[], chains: readonly BaseChain[]): TaggedRule[] {
  return chains
    .filter(
      chain => chain.drops && chain.owner === undefined && `${chain.family} ${chain.table}` !== OWN_TABLE,
    )
    .flatMap(chain => {
      const texts = openings
        .filter(opening => FAMILIES[chain.family]?.includes(opening.family) === true)
        .map(opening => matchAt(opening, chain.hook))
        .filter(match => match !== undefined)
        .map(nftText);
      return [...new Set(texts)].map(text => ({ chain, text, tag: `tandem:${sha256Of(text).slice(0, 8)}` }));
    });
}

const FAMILIES: Readonly<Record<string, readonly number[]>> = { inet: [4, 6], ip: [4], ip6: [6] };

/** `iifname` and not `iif`: the rule must load before the interface is there. */
function nftText(match: Match): string {
  const ip = match.family === 4 ? 'ip' : 'ip6';
  const set = (values: readonly string[]): string =>
    values.length === 1 ? `${values[0]}` : `{ ${values.join(', ')} }`;
  const transport = TRANSPORTS.get(match.protocol);
  const ports = [
    ...(match.sourcePort === undefined ? [] : [`${transport} sport ${match.sourcePort}`]),
    ...(match.port === undefined ? [] : [`${transport} dport ${match.port}`]),
  ];
  return [
    ...(match.from === undefined ? [] : [`iifname "${match.from}"`]),
    ...(match.to === undefined ? [] : [`oifname "${match.to}"`]),
    `meta nfproto ipv${match.family}`,
    ...(match.sources.length > 0 ? [`${ip} saddr ${set(match.sources)}`] : []),
    ...(match.destinations.length > 0 ? [`${ip} daddr ${set(match.destinations)}`] : []),
    ...(ports.length > 0 ? ports : [`meta l4proto ${match.protocol}`]),
  ].join(' ');
}

/**
 * The file that nftables' configuration includes last. `add` makes nothing where the table is there, and keeps the file
 * loadable where it is not any more; inserted rules come before a drop of what conntrack does not know.
 */
export function persistentText(rules: readonly TaggedRule[], own: string): string {
  if (rules.length === 0 && own === '') return '';
  const chains = new Set(rules.map(({ chain }) => `${chain.family} ${chain.table} ${chain.name}`));
  const tables = new Set(rules.map(({ chain }) => `${chain.family} ${chain.table}`));
  return [
    '# Written by Tandem, included by the configuration of nftables.service.',
    ...[...tables].map(table => `add table ${table}`),
    ...[...chains].map(chain => `add chain ${chain}`),
    ...rules.map(
      ({ chain, text, tag }) =>
        `insert rule ${chain.family} ${chain.table} ${chain.name} ${text} accept comment "${tag}"`,
    ),
    own,
  ]
    .filter(line => line !== '')
    .map(line => `${line}\n`)
    .join('');
}

/** A table of our own that drops by default: established, loopback, ICMP, the openings, and what is allowed. */
export function ownTable(openings: readonly OpeningArgs[], allowed: readonly Allowed[]): string {
  const rules = [
    ...openings
      .map(opening => matchAt(opening, 'input'))
      .filter(match => match !== undefined)
      .map(nftText),
    'ct state established,related',
    'iif "lo"',
    'meta l4proto { icmp, ipv6-icmp }',
    ...allowed.flatMap(allowedRules),
  ];
  return [
    `table ${OWN_TABLE}`,
    `delete table ${OWN_TABLE}`,
    `table ${OWN_TABLE} {`,
    '  chain input {',
    '    type filter hook input priority filter; policy drop;',
    ...[...new Set(rules)].map(rule => `    ${rule} accept comment "tandem:${sha256Of(rule).slice(0, 8)}"`),
    '  }',
    '}',
  ].join('\n');
}

function allowedRules(allowed: Allowed): string[] {
  const port = `${allowed.protocol} dport ${allowed.port}`;
  if (allowed.from.length === 0) return [port];
  const of = (v6: boolean): string[] => allowed.from.filter(address => address.includes(':') === v6);
  return [
    ...(of(false).length > 0 ? [`ip saddr { ${of(false).join(', ')} } ${port}`] : []),
    ...(of(true).length > 0 ? [`ip6 saddr { ${of(true).join(', ')} } ${port}`] : []),
  ];
}
