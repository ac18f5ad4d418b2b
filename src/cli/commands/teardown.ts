/** `tandem teardown`: what `apply` made is taken back, and the hosts are as they were. */
import { UsageError } from '#cli/exit.ts';
import { diskFiles } from '#cli/files.ts';
import type { RunOptions } from '#cli/options.ts';
import { directorParts, drainTimeoutMs, type Front, frontOf } from '#cli/retirement.ts';
import { loadSite, playbookPath, runHosts, type RunParts, type Site } from '#cli/site.ts';
import { contextOwner } from '#provision/run/api.ts';
import { leaveOrders } from '#provision/run/retire.ts';
import { playSettings, runOver } from './apply.ts';

interface TeardownOptions extends RunOptions {
  readonly yes?: readonly string[];
  readonly force?: boolean;
  /** Seconds. */
  readonly drainTimeout?: number;
}

export async function teardownCommand(options: TeardownOptions): Promise<void> {
  const playbook = playbookPath(undefined, diskFiles(), 'playbooks/teardown.yml');
  const site = loadSite(options, { playbook, extraVars: { tandem_force: options.force ?? false } });
  const parts = runHosts(site, await playSettings(playbook, options));
  const teardown = { yes: options.yes ?? [] };
  const leaving = leavingBehind(site);
  if (!leaving) {
    await runOver('teardown', site, parts, options, { teardown });
    return;
  }
  const { front, hosts } = leaving;
  const { yes } = teardown;
  await runOver('teardown', site, joined(await directors(front, hosts, options), parts), options, {
    teardown,
    retire: {
      what: 'remove',
      hosts,
      directors: [],
      clusters: front.clusters,
      services: front.services,
      timeoutMs: drainTimeoutMs(front, options.drainTimeout),
      force: clusters => options.forceDegraded === true || clusters.every(name => yes.includes(name)),
    },
  });
}

/** Real servers of the limit whose directors stay, and those. Throws UsageError where only a part of the directors stays. */
function leavingBehind(site: Site): { readonly front: Front; readonly hosts: readonly string[] } | undefined {
  const { selected, topology } = site;
  const stays = topology.clusters.filter(cluster => cluster.hosts.some(host => !selected.has(host)));
  const front = frontOf({ ...site, topology: { ...topology, clusters: stays } }, selected, 'others');
  if (front.clusters.length === 0) return undefined;
  const leaving = new Set([...front.directors].flatMap(front.services).map(({ host }) => host));
  const hosts = [...selected].filter(host => leaving.has(host));
  const going = [...front.directors].filter(host => selected.has(host));
  if (going.length > 0)
    throw new UsageError(
      `${going.join(', ')} would go together with ${hosts.join(', ')} and leave other directors behind: tear down ${hosts.join(',')} first, then ${going.join(',')}`,
    );
  return { front, hosts };
}

/** The directors' side is that of an apply: its playbook, and variables as that sees them. */
async function directors(
  front: Front,
  hosts: readonly string[],
  { limit: _limit, ...options }: TeardownOptions,
): Promise<RunParts> {
  const playbook = playbookPath(undefined, diskFiles(), 'playbooks/site.yml');
  const site = loadSite(options, { playbook });
  const mark = { state: 'drained', cause: 'teardown', owner: contextOwner(), atMs: Date.now() } as const;
  return directorParts(site, front, await playSettings(playbook, options), leaveOrders(hosts, mark));
}

function joined(first: RunParts, second: RunParts): RunParts {
  return {
    hosts: [...first.hosts, ...second.hosts],
    clusters: [...first.clusters, ...second.clusters],
    secrets: () => [...new Set([...first.secrets(), ...second.secrets()])],
  };
}
