/** `tandem apply`, `tandem plan`, and the part of `tandem teardown` that is the same. */
import {
  PACKAGE_ROOT,
  loadSite,
  playbookPath,
  type PlaySettings,
  runHosts,
  type RunParts,
  type Site,
} from '#cli/site.ts';
import type { DepartureOrders } from '#provision/model/departures.ts';
import { terminalAsk } from '#cli/ask.ts';
import { diskFiles } from '#cli/files.ts';
import type { RunOptions } from '#cli/options.ts';
import { loadReleases } from '#cli/release.ts';
import { checkConfigurations } from './check-configurations.ts';
import { chooseRenderer } from '#cli/renderer.ts';
import { redactSecrets } from '#provision/model/variables-secrets.ts';
import type { Vault } from '#provision/model/vault.ts';
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
  const loaded = loadSite(options, { playbook: path, extraVars });
  const site = { ...loaded, warnings: [...loaded.warnings, ...checkConfigurations(loaded)] };
  const departures = returningWith(site.selected, options);
  const parts = runHosts(site, await playSettings(path, options, () => departures));
  await runOver(command, site, parts, options, { departures });
}

/**
 * Real servers that were torn down and are made real servers again by this run return. With tags nobody does: the run may
 * not have made them whole.
 */
function returningWith(selected: ReadonlySet<string>, options: RunOptions): DepartureOrders {
  const isWhole = splitTags(options.tags).length + splitTags(options.skipTags).length === 0;
  return {
    leave: [],
    returns: ({ host, cause }) => isWhole && cause === 'teardown' && selected.has(host),
    nothingElse: false,
  };
}

/** How the command line wants a playbook to be run. */
export async function playSettings(
  playbook: string,
  options: RunOptions,
  departures?: PlaySettings['departures'],
): Promise<PlaySettings> {
  return {
    playbook,
    releases: loadReleases(PACKAGE_ROOT),
    tags: splitTags(options.tags),
    skipTags: splitTags(options.skipTags),
    resume: options.resume ?? false,
    ...(departures ? { departures } : {}),
    ...(options.user === undefined ? {} : { user: options.user }),
    ...(options.privateKey === undefined ? {} : { privateKey: options.privateKey }),
  };
}

/** Runs over hosts, with events on stdout, and sets the exit code. */
export async function runOver(
  command: string,
  site: Site,
  { hosts, clusters, secrets }: RunParts,
  options: RunOptions,
  more: Pick<ApplyOptions, 'teardown' | 'retire' | 'departures'>,
): Promise<void> {
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
    redact: redactorOf(secrets, site.files.vault),
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
function redactorOf(secrets: () => readonly string[], vault: Vault | undefined): (text: string) => string {
  let values: readonly string[] | undefined;
  return text => {
    values ??= secrets();
    return redactSecrets(text, [...values, ...(vault?.secrets() ?? [])]);
  };
}

function splitTags(given: readonly string[] | undefined): string[] {
  return (given ?? [])
    .flatMap(tags => tags.split(','))
    .map(tag => tag.trim())
    .filter(tag => tag !== '');
}
