/** `tandem teardown`: what `apply` made is taken back, and the hosts are as they were. */
import { diskFiles } from '#cli/files.ts';
import type { RunOptions } from '#cli/options.ts';
import { loadSite, playbookPath } from '#cli/site.ts';
import { runPlaybook } from './apply.ts';

export async function teardownCommand(
  options: RunOptions & { readonly yes?: readonly string[]; readonly force?: boolean },
): Promise<void> {
  const playbook = playbookPath(undefined, diskFiles(), 'playbooks/teardown.yml');
  const site = loadSite(options, { playbook, extraVars: { tandem_force: options.force ?? false } });
  await runPlaybook('teardown', playbook, site, options, { teardown: { yes: options.yes ?? [] } });
}
