import { createHash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { hostname } from 'node:os';
import type { Diagnostic } from '#base/errors.ts';
import { checkConfig } from '#conf/load.ts';
import type { Config } from '#conf/model.ts';
import { hostConfigSource } from './config-source.ts';
import type { Flags } from './flags.ts';
import { incompleteMail } from './mail.ts';
import { secureScripts } from './script-security.ts';
import { unsupportedIn } from './unsupported.ts';
import { placeVipsOnVmacs } from './vmac-config.ts';

/** A configuration as the daemon takes it up, or why it does not. */
export interface LoadedConfiguration {
  readonly file: string;
  /** Usable even with errors: what could not be used is left out. */
  readonly config: Config;
  readonly diagnostics: readonly Diagnostic[];
  readonly hasErrors: boolean;
  /** There are virtual servers or a synchronisation daemon, which the worker looks after. */
  readonly hasServers: boolean;
  /** keepalived's: 0 fine, 4 cannot run, 5 errors but runs, 6 script security. */
  readonly exitCode: 0 | 4 | 5 | 6;
  /** Of everything that was read, in the order of reading. Computed when first asked for: a start has no time for it. */
  readonly sha256: () => string;
}

/**
 * Reads the configuration that the flags name. `check` also complains of interfaces that this host does not have, as
 * `keepalived -t` does; a running daemon waits for them.
 */
export function loadConfiguration(
  flags: Pick<Flags, 'configFile' | 'configId'>,
  purpose: 'check' | 'run',
): LoadedConfiguration {
  const texts: string[] = [];
  const source = {
    ...hostConfigSource,
    read: (path: string) => {
      const text = hostConfigSource.read(path);
      texts.push(text ?? '');
      return text;
    },
  };
  const checked = checkConfig(flags.configFile, source, {
    hostname: hostname(),
    ...(flags.configId === undefined ? {} : { configId: flags.configId }),
    ...(purpose === 'check' ? { interfaces: readdirSync('/sys/class/net') } : {}),
  });
  let sha256: string | undefined;
  const scripts = secureScripts(checked.config);
  const diagnostics = [
    ...checked.diagnostics,
    ...unsupportedIn(checked.config),
    ...incompleteMail(checked.config),
    ...scripts.diagnostics,
  ];
  const refusals = scripts.diagnostics.filter(each => each.severity === 'error');
  const refused = refusals.some(({ id }) => id === 'script-security') ? 6 : 5;
  return {
    file: flags.configFile,
    config: placeVipsOnVmacs(scripts.config),
    diagnostics,
    hasServers:
      scripts.config.virtualServers.length > 0 || scripts.config.globalDefs.lvsSyncDaemon !== undefined,
    hasErrors: diagnostics.some(each => each.severity === 'error'),
    exitCode: checked.exitCode === 0 && refusals.length > 0 ? refused : checked.exitCode,
    sha256: () => (sha256 ??= hashOf(texts)),
  };
}

/** What the VRRP process keeps: thousands of real servers are the worker's, which reads them itself. */
export function withoutServers(loaded: LoadedConfiguration): LoadedConfiguration {
  return { ...loaded, config: { ...loaded.config, virtualServers: [], virtualServerGroups: [] } };
}

function hashOf(texts: string[]): string {
  const hash = createHash('sha256');
  for (const text of texts.splice(0)) hash.update(text).update('\0');
  return hash.digest('hex');
}
