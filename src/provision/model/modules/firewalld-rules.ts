/** firewalld: what its command lists, and rich rules for the openings that a host needs. */
import { type Match, matchAt, type OpeningArgs, TRANSPORTS } from './opening.ts';

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
 * dropped before any zone or policy is asked, so what IPVS keeps from conntrack is taken from it altogether by a direct
 * rule, which firewalld hands to iptables whatever its own backend is.
 */
export function zoneRules(
  openings: readonly OpeningArgs[],
  zones: readonly Zone[],
  standard: string,
): ZoneRule[] {
  const rules = openings.flatMap(opening => [
    ...zonesOf(opening, zones, standard).flatMap(({ name }) =>
      richRules(matchAt(opening, 'input')).map(text => ({ zone: name, text })),
    ),
    ...untrack(opening).map(text => ({ zone: undefined, text })),
  ]);
  return [...new Map(rules.map(rule => [JSON.stringify(rule), rule])).values()];
}

/** For a policy: what passes through, to a real server or back. */
export function forwardRules(openings: readonly OpeningArgs[]): string[] {
  return [...new Set(openings.flatMap(opening => richRules(matchAt(opening, 'forward'))))];
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
function richRules(match: Match | undefined): string[] {
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

/**
 * As `--direct --get-all-rules` lists them. A real server's answers are exempt on their way to clients only: those to the
 * director itself belong to its health checks. With the answers go the requests of clients that are merely routed, or
 * conntrack would call what follows an answer that it has not seen invalid.
 */
function untrack(opening: OpeningArgs): string[] {
  const { kind, family, protocol, peers = [], destination, port, source_port: sourcePort } = opening;
  const forwarded = kind === 'forward';
  if (!forwarded && opening.untracked !== true && opening.translated !== true) return [];
  return (forwarded && peers.length > 0 ? peers : [undefined]).map(source =>
    [
      `ipv${family} raw PREROUTING 0`,
      ...(source === undefined ? [] : [`-s ${source}`]),
      ...(destination === undefined ? [] : [`-d ${destination}`]),
      `-p ${TRANSPORTS.get(protocol) ?? protocol}`,
      ...(sourcePort === undefined ? [] : [`--sport ${sourcePort}`]),
      ...(port === undefined ? [] : [`--dport ${port}`]),
      ...(forwarded ? ['-m addrtype --dst-type UNICAST'] : []),
      '-j CT --notrack',
    ].join(' '),
  );
}
