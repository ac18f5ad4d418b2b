/** iptables' filter table: what `iptables-save` prints, and rules for the openings that a host needs. */
import { type Match, matchAt, type OpeningArgs, TRANSPORTS } from './opening.ts';
import { sha256Of } from './path-state.ts';

/** A chain that the kernel calls by itself, in the table `filter`. */
interface FilterChain {
  readonly hook: 'input' | 'forward' | 'output';
  /** Where our rules go: the chain itself, or the one that ufw keeps for rules before its own. */
  readonly place: string;
}

const HOOKS: ReadonlyMap<string, FilterChain['hook']> = new Map([
  ['INPUT', 'input'],
  ['FORWARD', 'forward'],
  ['OUTPUT', 'output'],
]);

/** What one family's `iptables-save -t filter` says. */
export interface FilterTable {
  /** Chains that can drop a packet: by their policy, or by a rule that can be reached. */
  readonly dropping: readonly FilterChain[];
  readonly ufw: boolean;
  /** Tags of our rules. */
  readonly tags: readonly string[];
}

/** Lines that mean nothing here are skipped. */
export function parseFilterTable(text: string): FilterTable {
  const policies = new Map(
    [...text.matchAll(/^:(\S+) (\S+)/gm)].map(([, name = '', policy = '']) => [name, policy]),
  );
  const jumps = Map.groupBy(text.matchAll(/^-A (\S+) .*?-[jg] (\S+)/gm), ([, chain = '']) => chain);
  const drops = (chain: string, seen: Set<string>): boolean => {
    if (seen.has(chain)) return false;
    seen.add(chain);
    if (policies.get(chain) === 'DROP') return true;
    return (jumps.get(chain) ?? []).some(
      ([, , target = '']) => target === 'DROP' || target === 'REJECT' || drops(target, seen),
    );
  };
  const before = [...policies.keys()].find(name => /^ufw6?-before-input$/.test(name));
  const dropping = [...HOOKS]
    .filter(([name]) => drops(name, new Set()))
    .map(([name, hook]) => ({ hook, place: before?.replace('input', hook) ?? name }));
  return { dropping, ufw: before !== undefined, tags: tagsIn(text) };
}

/** Our tags in rules as `iptables-save` or a file for `iptables-restore` has them. */
export function tagsIn(text: string): string[] {
  return [...text.matchAll(/--comment "?(tandem:[0-9a-f]+)"?/g)].map(([, tag = '']) => tag);
}

/** Lines for `iptables-restore`, each with a tag of its own; empty without any. */
export function filterRules(openings: readonly OpeningArgs[], family: 4 | 6, table: FilterTable): string {
  const rules = table.dropping.flatMap(({ hook, place }) =>
    openings
      .filter(opening => opening.family === family)
      .map(opening => matchAt(opening, hook))
      .filter(match => match !== undefined)
      .flatMap(match => ruleTexts(match).map(text => `-A ${place} ${text}`)),
  );
  return [...new Set(rules)]
    .map(rule => `${rule} -m comment --comment tandem:${sha256Of(rule).slice(0, 8)} -j ACCEPT\n`)
    .join('');
}

/** iptables has no sets: one rule for each source and destination. */
function ruleTexts(match: Match): string[] {
  const transport = TRANSPORTS.get(match.protocol);
  const ports = [
    ...(match.sourcePort === undefined ? [] : [`--sport ${match.sourcePort}`]),
    ...(match.port === undefined ? [] : [`--dport ${match.port}`]),
  ];
  const each = (flag: string, values: readonly string[]): string[] =>
    values.length === 0 ? [''] : values.map(value => `${flag} ${value}`);
  return each('-s', match.sources).flatMap(source =>
    each('-d', match.destinations).map(destination =>
      [
        source,
        destination,
        ...(match.from === undefined ? [] : [`-i ${match.from}`]),
        ...(match.to === undefined ? [] : [`-o ${match.to}`]),
        `-p ${transport ?? match.protocol}`,
        ...(ports.length > 0 ? [`-m ${transport}`, ...ports] : []),
      ]
        .filter(part => part !== '')
        .join(' '),
    ),
  );
}
