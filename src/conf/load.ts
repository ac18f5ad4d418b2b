import type { Diagnostic } from '#base/errors.ts';
import { buildConfig } from './build.ts';
import type { Config } from './model.ts';
import { parseStatements, type Statement } from './parser.ts';
import { Reader } from './reader.ts';
import { exitCodeOf, Report } from './report.ts';
import { DEFAULT_LIMITS, type ConfigEnvironment, type ConfigSource } from './source.ts';

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

/** Reads a configuration. Never throws, whatever the files contain; time is linear in their length. */
export function loadConfig(path: string, source: ConfigSource, environment: ConfigEnvironment): LoadedConfig {
  const { statements: _statements, ...loaded } = loadStatements(path, source, environment);
  return loaded;
}

/** As {@link loadConfig}, with the statements. */
export function loadStatements(
  path: string,
  source: ConfigSource,
  environment: ConfigEnvironment,
): LoadedStatements {
  const limits = { ...DEFAULT_LIMITS, ...environment.limits };
  const report = new Report(limits.diagnostics);
  const reader = new Reader(source, environment, limits, report);
  const statements = reader.open(path) ? parseStatements(reader, report, limits.blockDepth) : [];
  const config = buildConfig(statements, { file: path, line: 1, column: 1 }, environment, report);
  const diagnostics = sortDiagnostics(report.diagnostics, reader.files);
  return { config, diagnostics, files: reader.files, statements };
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
