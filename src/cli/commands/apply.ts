/** `tandem apply`, `tandem plan`, and the part of `tandem teardown` that is the same. */
import { PACKAGE_ROOT, loadSite, playbookPath, runHosts, type Site } from '#cli/site.ts';
import { terminalAsk } from '#cli/ask.ts';
import { diskFiles } from '#cli/files.ts';
import type { RunOptions } from '#cli/options.ts';
import { loadReleases } from '#cli/release.ts';
import { chooseRenderer } from '#cli/renderer.ts';
import { redactSecrets } from '#provision/model/variables-secrets.ts';
import type { ApplyOptions } from '#provision/run/api.ts';
import { run } from '#provision/run/run.ts';
import { createTransport } from '#provision/run/transport.ts';

export async function applyCommand(
  command: 'apply' | 'plan',
  playbook: string | undefined,
  options: RunOptions,
): Promise<void> {
  const path = playbookPath(playbook, diskFiles(), 'playbooks/site.yml');
  const extraVars = options.migrate === true ? { vrrp_migrate: true } : {};
  const site = loadSite(options, { playbook: path, extraVars });
  await runPlaybook(command, path, site, options, {});
}

/** Runs a playbook over the site's hosts, with events on stdout, and sets the exit code. */
export async function runPlaybook(
  command: string,
  playbook: string,
  site: Site,
  options: RunOptions,
  more: Pick<ApplyOptions, 'teardown'>,
): Promise<void> {
  const { hosts, clusters, secrets } = runHosts(site, {
    playbook,
    releases: await loadReleases(PACKAGE_ROOT),
    tags: splitTags(options.tags),
    skipTags: splitTags(options.skipTags),
    resume: options.resume ?? false,
    ...(options.user === undefined ? {} : { user: options.user }),
    ...(options.privateKey === undefined ? {} : { privateKey: options.privateKey }),
  });
  const ask = terminalAsk();
  const renderer = await chooseRenderer(options, hosts.length);
  for (const diagnostic of site.warnings) renderer.emit({ type: 'diagnostic', diagnostic });
  const stop = new AbortController();
  const interrupted = () => stop.abort();
  process.once('SIGINT', interrupted).once('SIGTERM', interrupted);
  const report = await run({
    command,
    hosts,
    clusters,
    transport: createTransport({
      ...(options.sshConfig === undefined ? {} : { configFile: options.sshConfig }),
      ...(ask ? { ask } : {}),
    }),
    emit: renderer.emit,
    ...(ask ? { ask } : {}),
    redact: redactorOf(secrets),
    check: options.check ?? false,
    forceDegraded: options.forceDegraded ?? false,
    allowUnprotectedSeconds: options.allowUnprotected ?? 0,
    signal: stop.signal,
    settings: {
      forks: options.forks,
      lockTimeoutMs: options.lockTimeout * 1000,
      silenceTimeoutMs: options.timeout * 1000,
    },
    ...more,
  });
  await renderer.finish();
  process.off('SIGINT', interrupted).off('SIGTERM', interrupted);
  process.exitCode = report.exitCode;
}

/** Masks every host's secrets; they are looked for when the first text is to be shown. */
function redactorOf(secrets: () => readonly string[]): (text: string) => string {
  let values: readonly string[] | undefined;
  return text => {
    values ??= secrets();
    return redactSecrets(text, values);
  };
}

function splitTags(given: readonly string[] | undefined): string[] {
  return (given ?? [])
    .flatMap(tags => tags.split(','))
    .map(tag => tag.trim())
    .filter(tag => tag !== '');
}
