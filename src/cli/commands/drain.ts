/** `tandem drain` and `tandem undrain`: a host leaves its clusters' service, and comes back. */
import { terminalAsk } from '#cli/ask.ts';
import { UsageError } from '#cli/exit.ts';
import { diskFiles } from '#cli/files.ts';
import type { RunOptions } from '#cli/options.ts';
import { directorParts, drainTimeoutMs, type Front, frontOf } from '#cli/retirement.ts';
import { hostAccess, loadSite, playbookPath, type Site } from '#cli/site.ts';
import type { DepartureOrders } from '#provision/model/departures.ts';
import { contextOwner } from '#provision/run/api.ts';
import { mayReturn } from '#provision/run/may-return.ts';
import { leaveOrders } from '#provision/run/retire.ts';
import { createTransport } from '#provision/run/transport.ts';
import { playSettings, runOver } from './apply.ts';

/** `timeout` is for connections, in seconds. */
type DrainOptions = Omit<RunOptions, 'limit' | 'check' | 'timeout' | 'forks'> & { readonly timeout?: number };

const RUN_DEFAULTS = { forks: 20, timeout: 300 } as const;

export async function drainCommand(host: string, options: DrainOptions): Promise<void> {
  const mark = { state: 'drained', cause: 'drain', owner: contextOwner(), atMs: Date.now() } as const;
  await runAtDirectors('drain', host, options, () => leaveOrders([host], mark));
}

export async function undrainCommand(host: string, options: DrainOptions): Promise<void> {
  await runAtDirectors('undrain', host, options, async site => {
    const ask = terminalAsk();
    const ready = await mayReturn({
      access: hostAccess(host, site, options),
      force: options.forceDegraded ?? false,
      transport: createTransport({
        ...(options.sshConfig === undefined ? {} : { configFile: options.sshConfig }),
        ...(ask ? { ask } : {}),
      }),
      emit: () => undefined,
    });
    return {
      leave: [],
      returns: one => one.host === host && (one.cause === 'drain' || ready.hasLedger),
      nothingElse: true,
    };
  });
}

async function runAtDirectors(
  what: 'drain' | 'undrain',
  host: string,
  given: DrainOptions,
  ordersFor: (site: Site) => DepartureOrders | Promise<DepartureOrders>,
): Promise<void> {
  const options: RunOptions = { ...given, ...RUN_DEFAULTS };
  const playbook = playbookPath(undefined, diskFiles(), 'playbooks/site.yml');
  const site = loadSite(options, { playbook });
  const front = knownFront(site, host);
  const orders = await ordersFor(site);
  const parts = directorParts(site, front, await playSettings(playbook, options), orders);
  await runOver(what, site, parts, options, {
    departures: orders,
    retire: {
      what,
      hosts: [host],
      directors: front.own,
      clusters: front.clusters,
      services: front.services,
      timeoutMs: drainTimeoutMs(front, given.timeout),
      force: () => options.forceDegraded ?? false,
    },
  });
}

function knownFront(site: Site, host: string): Front {
  const front = frontOf(site, new Set([host]), 'own');
  if (front.clusters.length > 0) return front;
  const { topology, inventory } = site;
  if (!inventory.hosts.has(host)) throw new UsageError(`the inventory has no host ${host}`);
  const { clusters } = topology;
  const known = new Set(clusters.flatMap(({ hosts, realServers }) => [...hosts, ...realServers]));
  throw new UsageError(
    `${host} is neither a real server nor a director: expected ${known.size > 0 ? `one of ${[...known].join(', ')}` : 'an inventory with a topology'}`,
  );
}
