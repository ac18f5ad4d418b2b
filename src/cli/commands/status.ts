/** `tandem status`: who is master of what, over all hosts. */
import { terminalAsk } from '#cli/ask.ts';
import type { ConnectionOptions, InventoryOptions, OutputOptions } from '#cli/options.ts';
import { hostAccess, loadSite } from '#cli/site.ts';
import { painter, wantsColor } from '#cli/sinks/color.ts';
import { statusLines } from '#cli/sinks/status.ts';
import { collectStatus } from '#provision/run/collect-status.ts';
import { createTransport } from '#provision/run/transport.ts';

export async function statusCommand(
  options: InventoryOptions & ConnectionOptions & OutputOptions,
): Promise<void> {
  const site = loadSite(options);
  const clusters = site.topology.clusters.filter(cluster =>
    cluster.hosts.some(host => site.selected.has(host)),
  );
  const members = new Set(clusters.flatMap(cluster => cluster.hosts));
  const ask = terminalAsk();
  const report = await collectStatus({
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
  if (options.json) {
    for (const verdict of report.verdicts)
      process.stdout.write(`${JSON.stringify({ type: 'cluster', ...verdict })}\n`);
    for (const [host, sight] of report.sights)
      process.stdout.write(`${JSON.stringify({ type: 'host', host, ...sight })}\n`);
  } else {
    const paint = painter(wantsColor(process.stdout, process.env));
    for (const line of statusLines(report.verdicts, report.sights, paint)) process.stdout.write(`${line}\n`);
  }
  process.exitCode = report.exitCode;
}
