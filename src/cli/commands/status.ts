/** `tandem status`: who is master of what, over all hosts. */
import { terminalAsk } from '#cli/ask.ts';
import type { ConnectionOptions, InventoryOptions, OutputOptions } from '#cli/options.ts';
import { hostAccess, loadSite, type Site } from '#cli/site.ts';
import { painter, wantsColor } from '#cli/sinks/color.ts';
import { statusLines } from '#cli/sinks/status.ts';
import { collectStatus, type StatusReport } from '#provision/run/collect-status.ts';
import { departureLines } from '#provision/run/leaving.ts';
import { createTransport } from '#provision/run/transport.ts';

export async function statusCommand(
  options: InventoryOptions & ConnectionOptions & OutputOptions,
): Promise<void> {
  const report = await askStatus(loadSite(options), options);
  if (options.json) {
    for (const verdict of report.verdicts)
      process.stdout.write(`${JSON.stringify({ type: 'cluster', ...verdict })}\n`);
    for (const [host, sight] of report.sights)
      process.stdout.write(`${JSON.stringify({ type: 'host', host, ...sight })}\n`);
  } else {
    const paint = painter(wantsColor(process.stdout, process.env));
    for (const line of statusLines(report.verdicts, report.sights, paint)) process.stdout.write(`${line}\n`);
    const left = [...report.sights].map(([director, sight]) => ({
      director,
      departures: sight.kind === 'status' ? (sight.departures ?? []) : [],
    }));
    for (const line of departureLines(left)) process.stdout.write(`${paint('change', line)}\n`);
  }
  process.exitCode = report.exitCode;
}

/** Asks every member of the selected clusters. */
export async function askStatus(site: Site, options: ConnectionOptions): Promise<StatusReport> {
  const clusters = site.topology.clusters.filter(cluster =>
    cluster.hosts.some(host => site.selected.has(host)),
  );
  const members = new Set(clusters.flatMap(cluster => cluster.hosts));
  const ask = terminalAsk();
  return await collectStatus({
    hosts: [...members].map(host => ({
      access: hostAccess(host, site, options),
      daemon: site.topology.hosts.get(host)?.daemon ?? 'tandemd',
    })),
    clusters,
    transport: createTransport({
      ...(options.sshConfig === undefined ? {} : { configFile: options.sshConfig }),
      ...(ask ? { ask } : {}),
    }),
    emit: () => undefined,
    settings: { forks: options.forks, silenceTimeoutMs: options.timeout * 1000 },
  });
}
