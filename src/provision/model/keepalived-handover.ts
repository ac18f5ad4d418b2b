/**
 * How a stock keepalived is told to give an instance away: every instance of ours tracks a file. Under weight 1 a value
 * is added to the priority (−253 leaves 1); in a sync group weights do not count, and with weight 0 any value but 0 is a
 * fault of the whole group. keepalived makes the file with 0 whenever it starts, so a restart ends every hand-over.
 */
import type { Cluster, HostTopology } from './topology-types.ts';
import { word } from './topology-keywords.ts';

/** Below the ledger's directory, which only root can enter, and gone with it. */
const HANDOVER_DIRECTORY = '/var/lib/tandem/handover';

/** Added to the priority: the least that is no fault. */
export const LOWERED = -253;
/** A fault, whatever the weight is: the instance is given up with priority 0. */
export const GIVEN_UP = -254;

/** What `track_file` blocks and lines of ours are named; `tandem import` leaves them out. */
export const HANDOVER_PREFIX = 'tandem_handover_';

/** The file of an instance: its name, as far as that can be a file's. */
export function handoverFile(instance: string): string {
  return `${HANDOVER_DIRECTORY}/${instance.replaceAll(/[^\w.-]/g, '_')}`;
}

/** A keepalived.conf of Tandem's without them, line for line. */
export function withoutHandovers(text: string): string {
  const blocks = new RegExp(
    String.raw`^track_file "?${HANDOVER_PREFIX}.*\{\n(?:.*\n)*?\}$|^ *track_file \{\n *"?${HANDOVER_PREFIX}.*\n *\}$`,
    'gm',
  );
  return text.replace(blocks, block => '\n'.repeat(block.split('\n').length - 1));
}

/** A host's share of its clusters as its keepalived gets it: with a hand-over file for every instance. */
export function withHandovers(topology: HostTopology, clusters: readonly Cluster[]): HostTopology {
  const grouped = (cluster: string, instance: string): boolean =>
    clusters.some(
      ({ name, syncGroups }) =>
        name === cluster && syncGroups.some(({ instances }) => instances.includes(instance)),
    );
  return {
    ...topology,
    scripts: [
      ...topology.scripts,
      ...topology.instances.map(({ name, cluster }) => ({
        head: `track_file ${word(HANDOVER_PREFIX + name)}`,
        cluster,
        keywords: [
          `file ${word(handoverFile(name))}`,
          `weight ${grouped(cluster, name) ? 0 : 1}`,
          'init_file 0 overwrite',
        ],
      })),
    ],
    instances: topology.instances.map(instance => ({
      ...instance,
      keywords: [...instance.keywords, 'track_file {', `    ${word(HANDOVER_PREFIX + instance.name)}`, '}'],
    })),
  };
}
