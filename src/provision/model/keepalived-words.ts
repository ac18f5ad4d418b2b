/** What a host's stock keepalived does not know: refused before anything is sent to the host that could disturb it. */
import type { Diagnostic } from '#base/errors.ts';
import type { Position } from '#base/position.ts';
import type { BlockName } from '#conf/keyword.ts';
import { keywordsOf } from '#conf/tables.ts';
import type { Cluster, HostTopology } from './topology-types.ts';

/**
 * Errors for the words that keepalived of `version` does not have, each at its instance or cluster. Undefined: the
 * version is not known (yet), and only words that no keepalived has are named; the host's own test finds the rest.
 */
export function wordsBeyond(
  host: HostTopology,
  clusters: readonly Cluster[],
  version: string | undefined,
): Diagnostic[] {
  if (host.daemon !== 'keepalived') return [];
  const placeOf = (cluster: string | undefined): Position | undefined =>
    clusters.find(({ name }) => name === (cluster ?? host.clusters[0]))?.position;
  const blocks = [...host.scripts, ...host.sync_groups, ...host.virtual_servers];
  const found = [
    ...beyond(host.global_defs, 'global_defs', version, placeOf(undefined)),
    ...host.instances.flatMap(({ keywords, position }) =>
      beyond(keywords, 'vrrp_instance', version, position),
    ),
    ...blocks.flatMap(({ head, keywords, cluster }) =>
      beyond(keywords, (head.split(' ')[0] ?? '') as BlockName, version, placeOf(cluster)),
    ),
  ];
  return found.map(({ keyword, since, block, position }) => ({
    id: 'keepalived-word',
    severity: 'error',
    message: `${host.host} runs keepalived${since === 'tandemd' || version === undefined ? '' : ` ${version}`}, which has no ${keyword} in ${block}`,
    ...(position && { position }),
    hint:
      since === 'tandemd'
        ? `only tandemd does: leave ${keyword} out, or vrrp_daemon: tandemd`
        : `known since ${since.replace('after', 'a version after')}: leave ${keyword} out, or vrrp_daemon: tandemd`,
  }));
}

interface Beyond {
  readonly keyword: string;
  readonly since: string;
  readonly block: BlockName;
  readonly position: Position | undefined;
}

/** Lines as they are rendered, blocks within blocks included. */
function beyond(
  lines: readonly string[],
  outer: BlockName,
  version: string | undefined,
  position: Position | undefined,
): Beyond[] {
  const within: BlockName[] = [outer];
  return lines.flatMap((line): Beyond[] => {
    const [keyword = ''] = line.trim().split(/\s/);
    const block = within.at(-1) ?? outer;
    const row = keywordsOf(block).get(keyword);
    if (line.trim() === '}') within.pop();
    else if (line.trimEnd().endsWith('{'))
      within.push(row?.argument.type === 'block' ? row.argument.block : NO_WORDS);
    const since = row?.since;
    return since !== undefined && isLater(since, version) ? [{ keyword, since, block, position }] : [];
  });
}

/** Lines of their own syntax: no keyword stands there. */
const NO_WORDS: BlockName = 'auth_hmac';

function isLater(since: string, version: string | undefined): boolean {
  if (since === 'tandemd') return true;
  const [number] = /\d[\d.]*/.exec(since) ?? [];
  if (version === undefined || number === undefined) return false;
  const order = compareVersions(version, number);
  return since.startsWith('after') ? order <= 0 : order < 0;
}

/** By numbers: 2.2.10 comes after 2.2.9. */
function compareVersions(a: string, b: string): number {
  const [left, right] = [a, b].map(text => text.split('.').map(Number));
  for (let at = 0; at < Math.max(left?.length ?? 0, right?.length ?? 0); at++) {
    const difference = (left?.[at] ?? 0) - (right?.[at] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
