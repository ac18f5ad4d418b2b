/** `tandem rollback`: the tandemd release before, by the same rolling turns and gates as an apply. */
import { diskFiles } from '#cli/files.ts';
import type { RunOptions } from '#cli/options.ts';
import { loadSite, playbookPath, runHosts } from '#cli/site.ts';
import { playSettings, runOver } from './apply.ts';

export async function rollbackCommand(options: RunOptions): Promise<void> {
  const playbook = playbookPath(undefined, diskFiles(), 'playbooks/rollback.yml');
  const site = loadSite(options, { playbook });
  await runOver('rollback', site, runHosts(site, await playSettings(playbook, options)), options, {});
}
