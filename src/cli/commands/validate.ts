/** `tandem validate`: everything that can be known to be wrong before a host is touched. */
import { formatDiagnostic } from '#base/errors.ts';
import { diskFiles } from '#cli/files.ts';
import { checkConfigurations } from './check-configurations.ts';
import type { InventoryOptions, OutputOptions } from '#cli/options.ts';
import { loadSite, playbookPath } from '#cli/site.ts';
import { MODULES } from '#provision/model/modules/registry.ts';
import { loadPlaybook } from '#provision/model/playbook.ts';
import { PACKAGE_ROOT } from '#cli/site.ts';

export async function validateCommand(
  playbook: string | undefined,
  options: InventoryOptions & OutputOptions,
): Promise<void> {
  const path = playbookPath(playbook, diskFiles(), 'playbooks/site.yml');
  const site = loadSite(options, { playbook: path });
  loadPlaybook(path, { files: site.files, modules: MODULES, roleDirs: [`${PACKAGE_ROOT}/roles`] });
  for (const diagnostic of [...site.warnings, ...checkConfigurations(site)]) {
    process.stdout.write(
      `${options.json ? JSON.stringify({ type: 'diagnostic', diagnostic }) : formatDiagnostic(diagnostic)}\n`,
    );
  }
  if (options.json) return;
  const clusters = site.topology.clusters.map(({ name, hosts, realServers }) => {
    const serving = realServers.length > 0 ? `; real servers: ${realServers.join(', ')}` : '';
    return `${name} (${hosts.join(', ')}${serving})`;
  });
  process.stdout.write(
    `${site.selected.size} hosts; clusters: ${clusters.join('; ') || 'none'}: no errors\n`,
  );
}
