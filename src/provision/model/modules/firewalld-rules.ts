/** firewalld: what its command lists, and rich rules for the openings that a host needs. */
import { matchAt, type OpeningArgs, TRANSPORTS } from './opening.ts';

/** A zone as `--list-all-zones` shows it. */
export interface Zone {
  readonly name: string;
  readonly target: string;
  readonly interfaces: readonly string[];
  readonly rules: readonly string[];
}

export function parseZones(text: string): Zone[] {
  return text
    .split(/^(?=\S)/m)
    .filter(block => /^\s+target: /m.test(block))
    .map(block => {
      const value = (key: string): string => new RegExp(`^\\s+${key}: (.*)$`, 'm').exec(block)?.[1] ?? '';
      return {
        name: /^\S+/.exec(block)?.[0] ?? '',
        target: value('target'),
        interfaces: value('interfaces').split(' ').filter(Boolean),
        rules: [...block.matchAll(/^\s+(rule .*)$/gm)].map(([, rule = '']) => rule.trim()),
      };
    });
}

/** A rich rule for a zone, or (`zone` undefined) a direct rule. */
export interface ZoneRule {
  readonly zone: string | undefined;
  readonly text: string;
}

/**
 * A zone takes what comes in; firewalld lets out what it is not told to drop. Packets that conntrack calls invalid are
 * dropped before any zone is asked, so what is `untracked` is taken from conntrack by a direct rule, which firewalld
 * hands to iptables whatever its own backend is.
 */
export function zoneRules(
  openings: readonly OpeningArgs[],
  zones: readonly Zone[],
  standard: string,
): ZoneRule[] {
  const inward = openings.filter(opening => opening.kind !== 'forward');
  const rules = inward.flatMap(opening => [
    ...zonesOf(opening, zones, standard).flatMap(({ name }) =>
      richRules(opening).map(text => ({ zone: name, text })),
    ),
    ...(opening.untracked === true ? [{ zone: undefined, text: untrack(opening) }] : []),
  ]);
  return [...new Map(rules.map(rule => [JSON.stringify(rule), rule])).values()];
}

/** An interface that no zone names is in the default zone. */
function zonesOf(opening: OpeningArgs, zones: readonly Zone[], standard: string): readonly Zone[] {
  const named = zones.filter(zone => zone.interfaces.some(name => name === (opening.interface ?? name)));
  const fallback = zones.filter(zone => zone.name === standard);
  const found =
    opening.interface === undefined || opening.interface === null
      ? [...new Set([...named, ...fallback])]
      : named.length > 0
        ? named
        : fallback;
  return found.filter(zone => zone.target !== 'ACCEPT');
}

/** Spelled as firewalld lists them. */
function richRules(opening: OpeningArgs): string[] {
  const match = matchAt(opening, 'input');
  if (!match) return [];
  const transport = TRANSPORTS.get(match.protocol);
  const what =
    match.port !== undefined
      ? `port port="${match.port}" protocol="${transport}"`
      : match.sourcePort !== undefined
        ? `source-port port="${match.sourcePort}" protocol="${transport}"`
        : `protocol value="${match.protocol}"`;
  const [destination] = match.destinations;
  return (match.sources.length > 0 ? match.sources : [undefined]).map(source =>
    [
      `rule family="ipv${match.family}"`,
      ...(source === undefined ? [] : [`source address="${source}"`]),
      ...(destination === undefined ? [] : [`destination address="${destination}"`]),
      what,
      'accept',
    ].join(' '),
  );
}

/** As `--direct --get-all-rules` lists it. */
function untrack({ family, protocol, destination, port }: OpeningArgs): string {
  return [
    `ipv${family} raw PREROUTING 0`,
    ...(destination === undefined ? [] : [`-d ${destination}`]),
    `-p ${TRANSPORTS.get(protocol) ?? protocol}`,
    ...(port === undefined ? [] : [`--dport ${port}`]),
    '-j CT --notrack',
  ].join(' ');
}
