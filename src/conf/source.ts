/** How the language reaches files: injected, so that reading a configuration is a pure function of its answers. */
export interface ConfigSource {
  /** Content of a regular file as UTF-8; undefined if it does not exist or cannot be read. */
  read(path: string): string | undefined;
  /** Existing files that match a glob pattern (no brace expansion needed); a plain path matches itself if it exists. */
  glob(pattern: string): string[];
}

/** The same files, each read and each pattern looked for once: who reads twice reads the same. */
export function readingOnce(source: ConfigSource): ConfigSource {
  const contents = new Map<string, string | undefined>();
  const found = new Map<string, string[]>();
  return {
    read: path => {
      if (!contents.has(path)) contents.set(path, source.read(path));
      return contents.get(path);
    },
    glob: pattern => {
      const known = found.get(pattern) ?? source.glob(pattern);
      found.set(pattern, known);
      return known;
    },
  };
}

/** What a configuration's meaning depends on besides its files. */
export interface ConfigEnvironment {
  /** The node's name as uname gives it; `router_id` and `@id` default to (the first part of) it. */
  readonly hostname: string;
  /** `-i`: what `@id` lines are compared with. Default: the first label of the host name. */
  readonly configId?: string;
  /** Names of the host's interfaces; when given, a name that is not among them is an error as with `keepalived -t`. */
  readonly interfaces?: readonly string[];
  /** Environment variables that `${_ENV NAME}` may read. */
  readonly variables?: Readonly<Record<string, string>>;
  /** Seed of `${_RANDOM}` unless `random_seed` sets one. Default 0. */
  readonly randomSeed?: number;
  readonly limits?: Partial<Limits>;
}

/** Bounds on what a configuration may cost to read. */
export interface Limits {
  /** Characters of one file. */
  readonly fileLength: number;
  /** Files, each inclusion counted. */
  readonly files: number;
  /** Files open at the same time. */
  readonly includeDepth: number;
  /** Characters of one line after substitution. */
  readonly lineLength: number;
  /** Characters processed in total, substitutions included. */
  readonly totalLength: number;
  /** Blocks inside each other. */
  readonly blockDepth: number;
  /** Diagnostics kept. */
  readonly diagnostics: number;
}

export const DEFAULT_LIMITS: Limits = {
  fileLength: 16 * 1024 * 1024,
  files: 10_000,
  includeDepth: 32,
  lineLength: 64 * 1024,
  totalLength: 32 * 1024 * 1024,
  blockDepth: 32,
  diagnostics: 1000,
};

/** The configuration id: `-i`, or the first label of the host name. */
export function configIdOf(environment: ConfigEnvironment): string {
  return environment.configId ?? environment.hostname.split('.')[0] ?? '';
}
