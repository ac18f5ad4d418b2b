import { readdirSync } from 'node:fs';
import { hostname } from 'node:os';
import type { Diagnostic } from '#base/errors.ts';
import { readConfig } from '#conf/load.ts';
import type { Config } from '#conf/model.ts';
import { withoutHarmlessErrors } from '#conf/harmless.ts';
import { exitCodeOf } from '#conf/report.ts';
import { atOnce } from '#base/steps.ts';
import { hostConfigSource } from './config-source.ts';
import type { Flags } from './flags.ts';
import { incompleteMail } from './mail.ts';
import { ScriptJudge } from './script-judge.ts';
import { secureScripts, secureServer } from './secure-scripts.ts';
import { textHash } from './text-hash.ts';
import { unsupportedIn } from './unsupported.ts';
import { placeVipsOnVmacs } from './vmac-config.ts';

/** A configuration as the daemon takes it up, or why it does not. */
export interface LoadedConfiguration {
  readonly file: string;
  /** Usable even with errors: what could not be used is left out. */
  readonly config: Config;
  readonly diagnostics: readonly Diagnostic[];
  /** Beyond what is harmless: a reload would not take it. */
  readonly hasErrors: boolean;
  /** There are virtual servers or a synchronisation daemon, which the worker looks after. */
  readonly hasServers: boolean;
  /** keepalived's: 0 fine, 4 cannot run, 5 errors but runs, 6 script security. */
  readonly exitCode: 0 | 4 | 5 | 6;
  /** Of everything that was read, in the order of reading. Without virtual servers it is computed when first asked for. */
  readonly sha256: () => string;
}

/**
 * Who reads: `check` also complains of interfaces that this host does not have, as `keepalived -t` does, while a running
 * daemon waits for them. `worker` keeps the virtual servers; for the others they are judged and forgotten, because
 * tens of thousands of real servers are not the VRRP process's business.
 */
export type ReadingFor = 'check' | 'vrrp' | 'worker';

type ReadingFlags = Pick<Flags, 'configFile' | 'configId'> & Partial<Pick<Flags, 'acceptHarmless'>>;

/** Reads the configuration that the flags name. */
export function loadConfiguration(flags: ReadingFlags, reader: ReadingFor): LoadedConfiguration {
  return atOnce(readConfiguration(flags, reader));
}

/** As {@link loadConfiguration}, in steps of some tens of microseconds. */
export function* readConfiguration(
  flags: ReadingFlags,
  reader: ReadingFor,
): Generator<undefined, LoadedConfiguration> {
  const texts: string[] = [];
  const source = {
    ...hostConfigSource,
    read: (path: string) => {
      const text = hostConfigSource.read(path);
      texts.push(text ?? '');
      return text;
    },
  };
  let hasServers = false;
  let serverJudge: ScriptJudge | undefined;
  const environment = {
    hostname: hostname(),
    ...(flags.configId === undefined ? {} : { configId: flags.configId }),
    ...(reader === 'check' ? { interfaces: readdirSync('/sys/class/net') } : {}),
  };
  const read = yield* readConfig(flags.configFile, source, environment, (server, { globalDefs }) => {
    hasServers = true;
    serverJudge ??= new ScriptJudge(globalDefs);
    const secured = secureServer(server, serverJudge);
    return reader === 'worker' ? secured : undefined;
  });
  const judge = new ScriptJudge(read.config.globalDefs);
  const config = placeVipsOnVmacs(secureScripts(read.config, judge));
  const ofScripts = [...judge.diagnostics, ...(serverJudge?.diagnostics ?? [])];
  const ofText = flags.acceptHarmless === true ? withoutHarmlessErrors(read.diagnostics) : read.diagnostics;
  const diagnostics = [
    ...ofText,
    ...unsupportedIn(read.config),
    ...incompleteMail(read.config),
    ...ofScripts,
  ];
  const refused = ofScripts.some(({ id }) => id === 'script-security') ? 6 : 5;
  const exitCode = exitCodeOf(ofText);
  const hasRefusals = ofScripts.some(each => each.severity === 'error');
  let sha256 = hasServers ? yield* textHash(texts.splice(0)) : undefined;
  return {
    file: flags.configFile,
    config: reader === 'vrrp' ? { ...config, virtualServerGroups: [] } : config,
    diagnostics,
    hasServers: hasServers || config.globalDefs.lvsSyncDaemon !== undefined,
    hasErrors: withoutHarmlessErrors(diagnostics).some(each => each.severity === 'error'),
    exitCode: exitCode === 0 && hasRefusals ? refused : exitCode,
    sha256: () => (sha256 ??= atOnce(textHash(texts.splice(0)))),
  };
}
