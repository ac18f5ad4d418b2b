/** `tandem drain` and `tandem undrain`: a real server gets no new connections, and gets them again. */
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
  const front = realServerFront(site, host);
  const orders = await ordersFor(site);
  const parts = directorParts(site, front, await playSettings(playbook, options), orders);
  await runOver(what, site, parts, options, {
    departures: orders,
    retire: {
      what,
      hosts: [host],
      clusters: front.clusters,
      services: front.services,
      timeoutMs: drainTimeoutMs(front, given.timeout),
      force: () => options.forceDegraded ?? false,
    },
  });
}

function realServerFront(site: Site, host: string): Front {
  const front = frontOf(site, new Set([host]));
  if (front.clusters.length > 0) return front;
  const { topology, inventory } = site;
  if (!inventory.hosts.has(host)) throw new UsageError(`the inventory has no host ${host}`);
  const behind = [...new Set(topology.clusters.flatMap(({ realServers }) => realServers))];
  const mastered = topology.clusters
    .flatMap(({ instances }) => instances)
    .filter(({ nodes }) => nodes.includes(host));
  if (mastered.length > 0)
    throw new UsageError(
      `${host} is no real server: move what it is MASTER of with tandem failover (${mastered.map(({ name }) => name).join(', ')})`,
    );
  throw new UsageError(
    `${host} is no real server of a virtual server: expected ${behind.length > 0 ? `one of ${behind.join(', ')}` : 'an inventory with virtual_servers'}`,
  );
}
