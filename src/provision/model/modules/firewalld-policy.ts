/** What firewalld forwards: a policy of our own, live and permanent. */
import { cidrContains, parseCidr, parseIp } from '#base/address.ts';
import { must } from '#base/assert.ts';
import type { InterfaceFact } from '#provision/model/facts.ts';
import type { LedgerEntry } from '#provision/model/ledger.ts';
import { type Change, type PlanContext, Refusal } from '#provision/model/module.ts';
import { type Fragment, lines, sh } from '#provision/model/shell.ts';
import { forwardRules, type Zone } from './firewalld-rules.ts';
import { closes, type OpeningArgs } from './opening.ts';

/** At most 17 characters; `tandem.xml` in /etc/firewalld/policies. */
export const POLICY = 'tandem';

export const POLICY_RESOURCE = 'firewall:firewalld-policy';

export interface SeenPolicy {
  /** Whether this firewalld has policies at all: since 0.9. */
  readonly known: boolean;
  /** Whether its file is there, which may be so where firewalld does not run. */
  readonly file: boolean;
  /** Settings as options of firewall-cmd without `--add-`; undefined: it does not filter. */
  readonly live: readonly string[] | undefined;
  readonly permanent: readonly string[];
  /** What a reload would change besides, where one is needed: settings that are live or permanent only. */
  readonly unlike: readonly string[];
}

/** What of the firewall at large decides about a policy. */
export interface Surroundings {
  readonly zones: readonly Zone[];
  /** True since 2.0, where a policy is laid between pairs of interfaces and leaves out those that no zone names. */
  readonly pairs: boolean;
  /** Lines of `unlike` that {@link zoneRules} will mend. */
  readonly ours: ReadonlySet<string>;
}

/** For teardown: where the file is not there, neither is the policy. */
export function probePolicy(): Fragment {
  return sh`t_firewalld_policy ${POLICY} no`;
}

export function parsePolicy(text: string): SeenPolicy {
  const [flags = '', live = '', permanent = '', unlike = ''] = text.split('\n\u0003\n');
  return {
    known: /^policies yes$/m.test(flags),
    file: /^file yes$/m.test(flags),
    live: live.trim() === '' ? undefined : settingsOf(live),
    permanent: settingsOf(permanent),
    unlike: unlike.split('\n').filter(line => line !== ''),
  };
}

function settingsOf(text: string): string[] {
  const zones = ['ingress', 'egress'].flatMap(side => {
    const names = new RegExp(`^\\s+${side}-zones: (.*)$`, 'm').exec(text)?.[1] ?? '';
    return names.split(' ').flatMap(name => (name === '' ? [] : `${side}-zone=${name}`));
  });
  return [
    ...zones,
    ...[...text.matchAll(/^\s+(rule .*)$/gm)].map(([, rule = '']) => `rich-rule=${rule.trim()}`),
  ];
}

/** Each of our settings is narrow by itself, so the policy holds from any zone to any: NICs may change theirs. */
const wantedFor = (openings: readonly OpeningArgs[]): readonly string[] => {
  const rules = forwardRules(openings);
  return rules.length === 0
    ? []
    : ['ingress-zone=ANY', 'egress-zone=ANY', ...rules.map(rule => `rich-rule=${rule}`)];
};

export function policyChanges(
  openings: readonly OpeningArgs[],
  seen: SeenPolicy,
  around: Surroundings,
  context: PlanContext,
): readonly Change[] {
  const to = wantedFor(openings);
  const known = knownIn(context);
  if (to.length > 0) refuse(openings, seen, around, context, known.length > 0);
  const there = (setting: string): boolean =>
    seen.live?.includes(setting) === true && seen.permanent.includes(setting);
  const stale = known.filter(setting => !to.includes(setting));
  const left = stale.some(
    setting => seen.live?.includes(setting) === true || seen.permanent.includes(setting),
  );
  if (!left && to.every(there)) return [];
  const reloads = to.length === 0 || seen.live === undefined;
  const text = (settings: readonly string[]): string => settings.map(one => `policy: ${one}\n`).join('');
  const [before, after] = [text(known), text(to)];
  return [
    {
      resource: POLICY_RESOURCE,
      from: [],
      to: [...to],
      summary: `${to.length > 0 ? `forwarded by firewalld’s policy ${POLICY}` : 'nothing is forwarded any more'}${reloads ? '; firewalld reloads' : ''}`,
      before,
      after,
      effect: reloads ? 'connectivity' : 'none',
      closes: closes(before, after),
    },
  ];
}

const asSettings = (kept: LedgerEntry['ours'] | undefined): readonly string[] => (kept ?? []) as string[];

const knownIn = (context: PlanContext): readonly string[] =>
  asSettings(context.ledger.find(({ resource }) => resource === POLICY_RESOURCE)?.ours);

const OUT = 'allow protocol 112, and set firewall_manage: false for this host';

function refuse(
  openings: readonly OpeningArgs[],
  seen: SeenPolicy,
  around: Surroundings,
  { facts }: PlanContext,
  ours: boolean,
): void {
  const forwards = openings.filter(({ kind }) => kind === 'forward');
  if (!seen.known)
    throw new Refusal(
      `firewalld rejects what is forwarded between zones, and this one has no policies (it is older than 0.9): upgrade it; or allow it in another way, ${OUT}`,
    );
  const all = forwards.find(one => one.port === undefined && one.source_port === undefined);
  if (all)
    throw new Refusal(
      `firewalld drops the answers of ${all.destination ?? all.peers?.join(', ')} as invalid, and every port of it is balanced: to exempt them all would exempt its own connections from masquerading; give the real server a port, or let its answers through yourself, ${OUT}`,
    );
  if (seen.file && !ours)
    throw new Refusal(
      `firewalld has a policy “${POLICY}” that Tandem did not make: give it another name, or allow what is forwarded there, ${OUT}`,
    );
  const unbound = around.pairs ? nobodysPair(openings, around.zones, facts.interfaces) : [];
  if (unbound.length > 0)
    throw new Refusal(
      `since 2.0 firewalld’s policies do not apply between interfaces that no zone names (${unbound.join(', ')}): put one into the zone that it is in anyway, such as firewall-cmd --permanent --zone=ZONE --add-interface=${unbound[0]} and the same without --permanent`,
    );
  const foreign = seen.unlike.filter(line => !around.ours.has(line));
  if (foreign.length > 0)
    throw new Refusal(
      `a policy needs a reload of firewalld, which would lose what is only live, or begin what is only permanent: ${foreign.slice(0, 3).join('; ')}${foreign.length > 3 ? `; ${foreign.length - 3} more` : ''}. Make them the same (firewall-cmd --runtime-to-permanent, or firewall-cmd --reload), then run again`,
    );
}

/** Between clients and real servers, the NICs that are in the default zone only because no zone names them. */
function nobodysPair(
  openings: readonly OpeningArgs[],
  zones: readonly Zone[],
  interfaces: readonly InterfaceFact[],
): readonly string[] {
  const bound = new Set(zones.flatMap(zone => zone.interfaces));
  const free = interfaces.filter(
    ({ name, addresses }) => name !== 'lo' && addresses.length > 0 && !bound.has(name),
  );
  /** Those that lead to an address; where none does by itself, any may. */
  const towards = (address: string): readonly InterfaceFact[] => {
    const bytes = must(parseIp(address), 'an opening has addresses');
    const near = interfaces.filter(one =>
      one.addresses.some(own => {
        const cidr = parseCidr(`${own.address}/${own.prefix}`);
        return cidr !== undefined && cidr.address.length === bytes.length && cidrContains(cidr, bytes);
      }),
    );
    return near.length > 0 ? near : interfaces;
  };
  const freeOf = (addresses: readonly string[]): string[] => {
    const names = new Set(addresses.flatMap(towards).map(({ name }) => name));
    return free.map(({ name }) => name).filter(name => names.has(name));
  };
  const servers = freeOf(openings.flatMap(one => (one.kind === 'forward' ? (one.destination ?? []) : [])));
  const services = openings.flatMap(one => (one.translated === true ? (one.destination ?? []) : []));
  const clients = services.length > 0 ? freeOf(services) : free.map(({ name }) => name);
  return servers.length > 0 && clients.length > 0 ? [...new Set([...servers, ...clients])] : [];
}

export function putPolicy(change: Change, context: PlanContext): Fragment {
  return turnInto(asSettings(change.to), knownIn(context));
}

/** Takes a change of effect `connectivity` back without us. */
export function undoPolicy(change: Change, context: PlanContext): Fragment {
  return turnInto(knownIn(context), asSettings(change.to));
}

const FILE = `/etc/firewalld/policies/${POLICY}.xml`;

/** A policy is made live by a reload, and only so; its settings can be changed without one. */
function turnInto(to: readonly string[], from: readonly string[]): Fragment {
  const stale = from.filter(setting => !to.includes(setting));
  if (to.length === 0) return drop(stale);
  const set = (scope: readonly string[]): Fragment =>
    lines([...commands(scope, 'remove', stale), ...commands(scope, 'add', to)]);
  return lines([
    // An older firewalld's reload leaves out the files that it cannot read.
    sh`t_v=live; firewall-cmd ${`--info-policy=${POLICY}`} >/dev/null 2>&1 || { t_v=; firewall-cmd --check-config >/dev/null; }`,
    // firewalld is late to notice a file that somebody removed, and writes it again with the settings.
    sh`firewall-cmd --permanent ${`--info-policy=${POLICY}`} >/dev/null 2>&1 || firewall-cmd -q --permanent ${`--new-policy=${POLICY}`}`,
    set(['--permanent']),
    sh`if [ -n "$t_v" ]; then`,
    set([]),
    sh`else firewall-cmd -q --reload; fi`,
  ]);
}

/** What others have set in the policy keeps it. Where firewalld does not run, its file goes whole. */
function drop(settings: readonly string[]): Fragment {
  const rules = settings.filter(setting => setting.startsWith('rich-rule='));
  return lines([
    sh`if [ -f ${FILE} ] && firewall-cmd -q --state 2>/dev/null; then`,
    ...commands(['--permanent'], 'remove', rules),
    sh`:; fi`,
    sh`if firewall-cmd ${`--info-policy=${POLICY}`} >/dev/null 2>&1; then`,
    ...commands([], 'remove', rules),
    sh`:; fi`,
    sh`t_firewalld_policy_drop ${POLICY}`,
  ]);
}

/** One call for each kind of setting: it takes no two kinds, and costs a sixth of a second. */
function commands(scope: readonly string[], verb: 'add' | 'remove', settings: readonly string[]): Fragment[] {
  const kinds = Map.groupBy(settings, setting => setting.slice(0, setting.indexOf('=')));
  return [...kinds.values()].map(
    group =>
      sh`firewall-cmd -q ${scope} ${`--policy=${POLICY}`} ${group.map(setting => `--${verb}-${setting}`)}`,
  );
}

export function policyLeft(seen: SeenPolicy): boolean {
  return seen.file || seen.live !== undefined;
}

export function takePolicyBack(ours: LedgerEntry['ours']): Fragment {
  return drop(asSettings(ours));
}
