/** `tandem failover`: a planned switchover of one instance. */
import { terminalAsk } from '#cli/ask.ts';
import { UsageError } from '#cli/exit.ts';
import type { ConnectionOptions, InventoryOptions, OutputOptions } from '#cli/options.ts';
import { chooseRenderer } from '#cli/renderer.ts';
import { hostAccess, loadSite, type Site } from '#cli/site.ts';
import { failover } from '#provision/run/failover.ts';
import { createTransport } from '#provision/run/transport.ts';

type Cluster = Site['topology']['clusters'][number];

export async function failoverCommand(
  instance: string,
  options: InventoryOptions &
    ConnectionOptions &
    OutputOptions & { readonly to?: string; readonly lockTimeout: number },
): Promise<void> {
  const site = loadSite(options);
  const { cluster, name, nodes } = findInstance(site.topology.clusters, instance);
  if (options.to !== undefined && !nodes.includes(options.to))
    throw new UsageError(`--to ${options.to}: ${name} of ${cluster.name} is on ${nodes.join(', ')}`);
  const ask = terminalAsk();
  const renderer = await chooseRenderer(options, cluster.startOrder.length);
  const stop = new AbortController();
  const interrupted = () => stop.abort();
  process.once('SIGINT', interrupted).once('SIGTERM', interrupted);
  process.exitCode = await failover({
    cluster: cluster.name,
    instance: name,
    nodes,
    to: options.to,
    members: cluster.startOrder.map(host => ({ access: hostAccess(host, site, options) })),
    transport: createTransport({
      ...(options.sshConfig === undefined ? {} : { configFile: options.sshConfig }),
      ...(ask ? { ask } : {}),
    }),
    emit: renderer.emit,
    ...(ask ? { ask } : {}),
    signal: stop.signal,
    settings: { lockTimeoutMs: options.lockTimeout * 1000, silenceTimeoutMs: options.timeout * 1000 },
  });
  await renderer.finish();
  process.off('SIGINT', interrupted).off('SIGTERM', interrupted);
}

/** By `INSTANCE`, or `CLUSTER/INSTANCE`. Throws UsageError. */
function findInstance(clusters: readonly Cluster[], given: string) {
  const all = clusters.flatMap(cluster =>
    cluster.instances.map(({ name, nodes }) => ({ cluster, name, nodes })),
  );
  const full = (one: (typeof all)[number]): string => `${one.cluster.name}/${one.name}`;
  const found = all.filter(one => one.name === given || full(one) === given);
  const [only] = found;
  if (only && found.length === 1) return only;
  const known = (only ? found : all).map(full).join(', ');
  throw new UsageError(
    only
      ? `${given} is in more than one cluster: say which (${known})`
      : `there is no vrrp_instance ${given}: ${known === '' ? 'the inventory has none' : `expected one of ${known}`}`,
  );
}
