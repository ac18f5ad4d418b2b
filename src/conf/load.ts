import type { Diagnostic } from '#base/errors.ts';
import { buildConfig } from './build.ts';
import { ServerBuilder } from './build-servers.ts';
import type { Config, VirtualServer } from './model.ts';
import { readStatements, type Statement } from './parser.ts';
import { Reader } from './reader.ts';
import { exitCodeOf, Report } from './report.ts';
import { DEFAULT_LIMITS, readingOnce, type ConfigEnvironment, type ConfigSource } from './source.ts';
import { atOnce } from '#base/steps.ts';

export type { ConfigEnvironment, ConfigSource } from './source.ts';

export interface LoadedConfig {
  /** Always usable: what could not be used is left out. */
  readonly config: Config;
  readonly diagnostics: readonly Diagnostic[];
  /** Every file that was read, the main file first, each as often as it was read. */
  readonly files: readonly string[];
}

/** A configuration and what it was read from: for those who keep the author's words. */
export interface LoadedStatements extends LoadedConfig {
  /** Inclusions followed, conditions decided, definitions substituted. */
  readonly statements: readonly Statement[];
}

/** Looks at a virtual server that was read, and returns what is kept of it; `config` is all the rest. */
export type TakeServer = (server: VirtualServer, config: Config) => VirtualServer | undefined;

/** Reads a configuration. Never throws, whatever the files contain; time is linear in their length. */
export function loadConfig(path: string, source: ConfigSource, environment: ConfigEnvironment): LoadedConfig {
  return atOnce(readConfig(path, source, environment));
}

/** As {@link loadConfig}, with the statements. */
export function loadStatements(
  path: string,
  source: ConfigSource,
  environment: ConfigEnvironment,
): LoadedStatements {
  const steady = readingOnce(source);
  const { statements: text, files } = statementsOf(path, steady, environment, new Report(0));
  const statements = [...text].filter(statement => statement !== undefined);
  const { config, diagnostics } = loadConfig(path, steady, environment);
  return { config, diagnostics, files, statements };
}

/**
 * As {@link loadConfig}, in steps of some tens of microseconds: who must not be kept waiting does something else
 * between them. Virtual servers are read in a second pass, one after the other, so that neither their words nor what
 * `takeServer` does not keep fill the memory.
 */
export function* readConfig(
  path: string,
  source: ConfigSource,
  environment: ConfigEnvironment,
  takeServer: TakeServer = server => server,
): Generator<undefined, LoadedConfig> {
  const steady = readingOnce(source);
  const report = new Report({ ...DEFAULT_LIMITS, ...environment.limits }.diagnostics);
  const { statements, files } = statementsOf(path, steady, environment, report);
  const others: Statement[] = [];
  let hasServers = false;
  for (const statement of statements) {
    if (!statement) yield undefined;
    else if (isServer(statement)) hasServers = true;
    else others.push(statement);
  }
  const start = { file: path, line: 1, column: 1 };
  const config = yield* buildConfig(others, start, environment, report);
  const virtualServers: VirtualServer[] = [];
  if (hasServers) {
    const builder = new ServerBuilder(config, report);
    // What is said of its lines was said in the first pass: the report keeps the same complaint once.
    for (const statement of statementsOf(path, steady, environment, report).statements) {
      if (!statement) yield undefined;
      if (!statement || !isServer(statement)) continue;
      const server = yield* builder.build(statement);
      const kept = server && takeServer(server, config);
      if (kept) virtualServers.push(kept);
    }
  }
  const diagnostics = sortDiagnostics(report.diagnostics, files);
  return { config: { ...config, virtualServers }, diagnostics, files };
}

/** The statements of the top level, in steps, and the files, which grow with them. */
function statementsOf(
  path: string,
  source: ConfigSource,
  environment: ConfigEnvironment,
  report: Report,
): { readonly statements: Iterable<Statement | undefined>; readonly files: readonly string[] } {
  const limits = { ...DEFAULT_LIMITS, ...environment.limits };
  const reader = new Reader(source, environment, limits, report);
  const statements = reader.open(path) ? readStatements(reader, report, limits.blockDepth) : [];
  return { statements, files: reader.files };
}

function isServer({ keyword }: Statement): boolean {
  return keyword === 'virtual_server';
}

/** In the order of the text: by file as read, line and column; without position first. */
function sortDiagnostics(diagnostics: readonly Diagnostic[], files: readonly string[]): Diagnostic[] {
  const order = new Map(files.toReversed().map((file, index) => [file, files.length - index]));
  const rank = ({ position }: Diagnostic): readonly number[] =>
    position ? [order.get(position.file) ?? 0, position.line, position.column] : [-1];
  return diagnostics.toSorted((a, b) => {
    const [left, right] = [rank(a), rank(b)];
    const index = left.findIndex((value, i) => value !== right[i]);
    return index < 0 ? 0 : (left[index] ?? 0) - (right[index] ?? 0);
  });
}

export interface CheckedConfig extends LoadedConfig {
  /** As of `keepalived -t`: 0 fine (perhaps with warnings), 4 cannot run, 5 errors but runs. */
  readonly exitCode: 0 | 4 | 5;
}

/** `-t`: reads a configuration for its diagnostics. */
export function checkConfig(
  path: string,
  source: ConfigSource,
  environment: ConfigEnvironment,
): CheckedConfig {
  const loaded = loadConfig(path, source, environment);
  return { ...loaded, exitCode: exitCodeOf(loaded.diagnostics) };
}
