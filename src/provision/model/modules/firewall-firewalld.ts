/** Openings where firewalld runs: live and permanent, by its own command. */
import { must } from '#base/assert.ts';
import type { LedgerEntry } from '#provision/model/ledger.ts';
import type { Change, Json, PlanContext } from '#provision/model/module.ts';
import { type Fragment, lines, sh } from '#provision/model/shell.ts';
import { parsePolicy, POLICY, type SeenPolicy, type Surroundings } from './firewalld-policy.ts';
import { parseZones, type Zone, type ZoneRule, zoneRules } from './firewalld-rules.ts';
import { closes, type OpeningArgs } from './opening.ts';

export interface SeenFirewalld {
  readonly standard: string;
  readonly live: readonly Zone[];
  readonly permanent: readonly Zone[];
  readonly pairs: boolean;
  readonly policy: SeenPolicy;
  readonly direct: readonly string[];
  readonly permanentDirect: readonly string[];
}

const RESOURCE = 'firewall:firewalld';

/** `forwards`: a policy is needed. */
export function probeFirewalld(forwards: boolean): Fragment {
  return sh`t_firewalld ${POLICY} ${forwards ? 'yes' : 'no'}`;
}

export function parseFirewalld(text: string): SeenFirewalld | undefined {
  const parts = text.split('\n\u0002\n');
  const [standard = '', live, permanent = '', policy = '', direct = '', permanentDirect = ''] = parts;
  if (live === undefined) return undefined;
  const rules = (part: string): string[] => part.split('\n').filter(line => /^(?:ipv[46]|eb) /.test(line));
  return {
    standard: standard.trim(),
    live: parseZones(live),
    permanent: parseZones(permanent),
    // Zones have priorities since policies are laid between pairs of interfaces.
    pairs: /^\s+ingress-priority: /m.test(live),
    policy: parsePolicy(policy),
    direct: rules(direct),
    permanentDirect: rules(permanentDirect),
  };
}

/** One rule of ours, live or permanent; what was there already is nobody's business. */
type Owned = ZoneRule & { readonly permanent: boolean };

/** As the ledger keeps it: `zone` is null for a direct rule. */
type Kept = readonly { readonly zone: string | null; readonly text: string; readonly permanent: boolean }[];

const ownedIn = (kept: Json | undefined): readonly Owned[] =>
  ((kept ?? []) as Kept).map(({ zone, ...rest }) => ({ zone: zone ?? undefined, ...rest }));

const keyOf = (rule: Owned): string => JSON.stringify([rule.permanent, rule.zone ?? null, rule.text]);

export function firewalldChanges(
  openings: readonly OpeningArgs[],
  seen: SeenFirewalld | undefined,
  context: PlanContext,
): readonly Change[] {
  if (!seen) return [];
  const known = ownedIn(context.ledger.find(entry => entry.resource === RESOURCE)?.ours);
  const ours = new Set(known.map(keyOf));
  const wanted = zoneRules(openings, seen.live, seen.standard).flatMap(rule =>
    [false, true].map((permanent): Owned => ({ ...rule, permanent })),
  );
  const kept = wanted.filter(rule => ours.has(keyOf(rule)) || !there(rule, seen));
  const needed = new Set(wanted.map(keyOf));
  const stale = known.some(rule => !needed.has(keyOf(rule)) && there(rule, seen));
  if (!stale && wanted.every(rule => there(rule, seen))) return [];
  const zones = [...new Set(kept.map(({ zone }) => zone ?? 'direct rules'))];
  const before = known.map(shown).join('');
  const after = kept.map(shown).join('');
  return [
    {
      resource: RESOURCE,
      from: [],
      to: kept.map(({ zone, ...rest }) => ({ zone: zone ?? null, ...rest })),
      summary: kept.length > 0 ? `opened in firewalld: ${zones.join(', ')}` : 'openings removed',
      before,
      after,
      effect: 'none',
      closes: closes(before, after),
    },
  ];
}

const shown = ({ zone, text, permanent }: Owned): string =>
  `${permanent ? 'permanent' : 'live'} ${zone ?? 'direct'}: ${text}\n`;

function there({ zone, text, permanent }: Owned, seen: SeenFirewalld): boolean {
  if (zone === undefined) return (permanent ? seen.permanentDirect : seen.direct).includes(text);
  return (permanent ? seen.permanent : seen.live).some(one => one.name === zone && one.rules.includes(text));
}

/** What a policy must know of the rest, whose rules are put right before it. */
export function surroundings(
  openings: readonly OpeningArgs[],
  { live, standard, pairs }: SeenFirewalld,
  context: PlanContext,
): Surroundings {
  const known = ownedIn(context.ledger.find(entry => entry.resource === RESOURCE)?.ours);
  const rules: readonly ZoneRule[] = [...known, ...zoneRules(openings, live, standard)];
  const ours = rules.map(({ zone, text }) =>
    zone === undefined ? `direct ${text}` : `zone ${zone} ${text}`,
  );
  return { zones: live, pairs, ours: new Set(ours) };
}

/** firewall-cmd takes rules that are there, and those that are not, with a warning only. */
export function putFirewalld(change: Change, context: PlanContext): Fragment {
  const rules = ownedIn(change.to);
  const stays = new Set(rules.map(keyOf));
  const known = ownedIn(context.ledger.find(entry => entry.resource === RESOURCE)?.ours);
  return lines([
    ...filesOf([...rules, ...known]).map(file => sh`t_firewalld_keep ${file}`),
    ...commands(
      'remove',
      known.filter(rule => !stays.has(keyOf(rule))),
    ),
    ...commands('add', rules),
  ]);
}

/** Permanent settings are files in /etc/firewalld, which firewalld writes whole. */
function filesOf(rules: readonly Owned[]): string[] {
  const files = rules
    .filter(rule => rule.permanent)
    .map(({ zone }) => (zone === undefined ? 'direct.xml' : `zones/${zone}.xml`));
  return [...new Set(files)];
}

/** One call for each zone: each costs a third of a second. */
function commands(verb: 'add' | 'remove', rules: readonly Owned[]): Fragment[] {
  const groups = Map.groupBy(rules, ({ zone, permanent }) => JSON.stringify([permanent, zone ?? null]));
  return [...groups.values()].flatMap(group => {
    const { zone, permanent } = must(group[0], 'a group has a rule');
    const scope = permanent ? ['--permanent'] : [];
    if (zone === undefined)
      return group.map(
        ({ text }) =>
          sh`firewall-cmd -q ${scope} --direct ${`--${verb}-rule`} ${text.split(' ')} 2>/dev/null`,
      );
    const each = group.map(({ text }) => `--${verb}-rich-rule=${text}`);
    return [sh`firewall-cmd -q ${scope} ${`--zone=${zone}`} ${each}`];
  });
}

export function firewalldLeft(ours: LedgerEntry['ours'], seen: SeenFirewalld | undefined): boolean {
  return seen !== undefined && ownedIn(ours).some(rule => there(rule, seen));
}

export function takeFirewalldBack(ours: LedgerEntry['ours']): Fragment {
  const rules = ownedIn(ours);
  return lines([
    ...commands('remove', rules),
    ...filesOf(rules).map(file => sh`t_firewalld_restore ${file}`),
  ]);
}
