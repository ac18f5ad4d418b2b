/** Reads `nft list ruleset` as far as it matters where a packet can be dropped. */

/** A chain that the kernel calls by itself. */
export interface BaseChain {
  /** `inet`, `ip`, `ip6`. */
  readonly family: string;
  readonly table: string;
  readonly name: string;
  readonly hook: string;
  /** True if its policy or a rule that can be reached from it drops or rejects. */
  readonly drops: boolean;
  /** Who else writes this table: `iptables-nft`, `firewalld`, `ufw`, a VRRP daemon, or a process that keeps it to itself. */
  readonly owner: string | undefined;
  /** Our tags on its rules. */
  readonly tags: readonly string[];
}

interface RawChain {
  readonly family: string;
  readonly table: string;
  readonly name: string;
  readonly managed: boolean;
  /** `flags owner`: nobody but the process that made the table can change it. */
  readonly owned: boolean;
  hook: string | undefined;
  readonly rules: string[];
}

/** The tables that keepalived and tandemd make for `no_accept` and `use_vmac`; older kernels know no owner. */
const DAEMON_TABLES: ReadonlySet<string> = new Set(['keepalived', 'keepalived_igmp']);

/** nft warns of tables of iptables-nft: on standard error or, in older releases, among the tables. */
const MANAGED = /^# Warning: table (\S+ \S+) is managed by iptables-nft/gm;

/** Base chains of `nft -t list ruleset`, in its order, with its warnings anywhere. Lines that mean nothing here are skipped. */
export function parseRuleset(text: string): BaseChain[] {
  const chains = rawChains(text);
  const reaches = (chain: RawChain, seen: Set<RawChain>): boolean => {
    if (seen.has(chain)) return false;
    seen.add(chain);
    return chain.rules.some(rule => {
      const bare = rule.replaceAll(/"[^"]*"/g, '""');
      if (/(?:^|[\s:])(?:drop|reject)\b/.test(bare)) return true;
      return [...bare.matchAll(/\b(?:jump|goto) (\S+?)(?=[\s,}]|$)/g)].some(([, name]) =>
        chains.some(
          other =>
            other.family === chain.family &&
            other.table === chain.table &&
            other.name === name &&
            reaches(other, seen),
        ),
      );
    });
  };
  return chains.flatMap(chain => {
    const { hook } = chain;
    if (hook === undefined) return [];
    const { family, table, name } = chain;
    return [
      {
        family,
        table,
        name,
        hook,
        drops: reaches(chain, new Set()),
        owner: ownerOf(chain, chains),
        tags: tagsOf(chain),
      },
    ];
  });
}

function rawChains(text: string): RawChain[] {
  const chains: RawChain[] = [];
  const managed = new Set([...text.matchAll(MANAGED)].map(([, name]) => name));
  let table: { family: string; name: string; managed: boolean; owned: boolean } | undefined;
  let chain: RawChain | undefined;
  for (const line of text.split('\n').map(each => each.trim())) {
    const opens = /^table (\S+) (\S+) \{/.exec(line);
    const begins = /^chain (\S+) \{/.exec(line);
    if (opens) {
      const [, family = '', name = ''] = opens;
      table = { family, name, managed: managed.has(`${family} ${name}`), owned: false };
    } else if (begins && table) {
      chain = {
        family: table.family,
        table: table.name,
        name: begins[1] ?? '',
        managed: table.managed,
        owned: table.owned,
        hook: undefined,
        rules: [],
      };
      chains.push(chain);
    } else if (line === '}') chain = undefined;
    else if (chain) readChainLine(chain, line);
    else if (table && /^flags .*\bowner\b/.test(line)) table.owned = true;
  }
  return chains;
}

function readChainLine(chain: RawChain, line: string): void {
  const type = /^type \S+ hook (\S+) .*?(?:policy (\w+);)?$/.exec(line);
  if (!type) {
    chain.rules.push(line);
    return;
  }
  chain.hook = type[1];
  if (type[2] === 'drop') chain.rules.push('drop');
}

function ownerOf(chain: RawChain, chains: readonly RawChain[]): string | undefined {
  if (chain.table === 'firewalld') return 'firewalld';
  if (DAEMON_TABLES.has(chain.table)) return 'keepalived';
  if (chain.owned) return 'process';
  if (!chain.managed) return undefined;
  const ufw = chains.some(
    other => other.table === chain.table && other.family === chain.family && other.name.startsWith('ufw'),
  );
  return ufw ? 'ufw' : 'iptables-nft';
}

function tagsOf(chain: RawChain): string[] {
  return chain.rules.flatMap(rule => /comment "(tandem:[^"]*)"/.exec(rule)?.[1] ?? []);
}
