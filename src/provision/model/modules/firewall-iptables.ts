/** Openings in what iptables or ufw keep: live in one transaction, and in the file that is loaded at boot. */
import { must } from '#base/assert.ts';
import type { LedgerEntry } from '#provision/model/ledger.ts';
import { type Change, type PlanContext, Refusal } from '#provision/model/module.ts';
import { type Fragment, lines, sh } from '#provision/model/shell.ts';
import { filterRules, type FilterTable, parseFilterTable, tagsIn } from './iptables-rules.ts';
import { closes, type OpeningArgs } from './opening.ts';

/** One family. */
interface SeenFamily extends FilterTable {
  readonly family: 4 | 6;
  /** `iptables`, or `iptables-legacy` where that one filters; undefined: there is none. */
  readonly program: string | undefined;
  /** What is loaded at boot; undefined: nothing that we know. */
  readonly file: string | undefined;
  /** Whether the file has a section for the table `filter`. */
  readonly sectioned: boolean;
  readonly fileTags: readonly string[];
}

export type SeenIptables = readonly SeenFamily[];

const RESOURCE = 'firewall:iptables';

export function probeIptables(): Fragment {
  return lines([
    sh`t_iptables iptables /proc/net/ip_tables_names /etc/ufw/before.rules /etc/iptables/rules.v4 /etc/sysconfig/iptables`,
    sh`t_iptables ip6tables /proc/net/ip6_tables_names /etc/ufw/before6.rules /etc/iptables/rules.v6 /etc/sysconfig/ip6tables`,
  ]);
}

export function parseIptables(text: string): SeenIptables {
  return text
    .split(/^(?=program )/m)
    .filter(part => part.startsWith('program '))
    .map((part, index) => {
      const file = /^file (\S+)$/m.exec(part)?.[1];
      const [own = '', saved = ''] = part.split('\nlive\n');
      return {
        ...parseFilterTable(saved),
        family: index === 0 ? 4 : 6,
        program: /^program (\S+)$/m.exec(part)?.[1],
        file,
        sectioned: /^\*filter/m.test(own),
        fileTags: tagsIn(own),
      };
    });
}

/** As the ledger keeps it: what to undo needs no rules, they are found by their tags. */
type Kept = readonly {
  readonly program: string;
  readonly file: string | null;
  readonly rules: string;
}[];

export function iptablesChanges(
  openings: readonly OpeningArgs[],
  seen: SeenIptables,
  context: PlanContext,
): readonly Change[] {
  const wanted = seen.map(one => ({ one, rules: filterRules(openings, one.family, one) }));
  for (const { one, rules } of wanted) if (rules !== '') refuseForgetful(one);
  if (wanted.every(({ one, rules }) => upToDate(one, rules))) return [];
  const to: Kept = wanted.flatMap(({ one, rules }) =>
    one.program === undefined ? [] : [{ program: one.program, file: one.file ?? null, rules }],
  );
  const known = context.ledger.find(entry => entry.resource === RESOURCE)?.ours as Kept | undefined;
  const textOf = (kept: Kept): string => kept.map(({ rules }) => rules).join('');
  const owner = seen.some(one => one.ufw) ? 'ufw' : 'iptables';
  const summary = textOf(to) === '' ? 'openings removed: nothing filters any more' : `opened in ${owner}`;
  const before = known ? textOf(known) : '';
  const after = textOf(to);
  return [
    {
      resource: RESOURCE,
      from: [],
      to,
      summary,
      before,
      after,
      effect: 'none',
      closes: closes(before, after),
    },
  ];
}

function refuseForgetful({ program, file, sectioned, ufw }: SeenFamily): void {
  if (file !== undefined && sectioned) return;
  const missing = file === undefined ? 'nothing loads its rules at boot' : `${file} has no section *filter`;
  const out = ufw
    ? 'give ufw its file back (package ufw)'
    : 'install iptables-persistent and save the rules (netfilter-persistent save)';
  throw new Refusal(
    `${program} filters here, but ${missing}, so that an opening would be lost: ${out}, or let VRRP in yourself and set firewall_manage: false`,
  );
}

function upToDate(seen: SeenFamily, rules: string): boolean {
  const tags = JSON.stringify(tagsIn(rules).sort());
  const same = (others: readonly string[]): boolean => JSON.stringify([...others].sort()) === tags;
  return same(seen.tags) && same(seen.fileTags);
}

export function putIptables(change: Change): Fragment {
  return lines((change.to as Kept).map(({ program, file, rules }) => put(program, file, rules)));
}

/** Deletes and inserts in one transaction: there is no moment without the rules that stay. */
function put(program: string, file: string | null, rules: string): Fragment {
  return sh`t_iptables_put ${program} ${file ?? ''} ${rules}`;
}

export function takeIptablesBack(ours: LedgerEntry['ours']): Fragment {
  const kept = must(ours as Kept | undefined, 'an entry of the ledger has what is ours');
  return lines(kept.map(({ program, file }) => put(program, file, '')));
}
