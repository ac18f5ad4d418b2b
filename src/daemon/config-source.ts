import { existsSync, globSync, readFileSync, statSync } from 'node:fs';
import type { ConfigSource } from '#conf/source.ts';

/** The files of this host, and the bytes that were read last, for their hash. */
export const hostConfigSource: ConfigSource = {
  read: path => {
    try {
      return statSync(path).isFile() ? readFileSync(path, 'utf8') : undefined;
    } catch {
      return undefined;
    }
  },
  glob: pattern => {
    if (!/[*?[]/.test(pattern)) return existsSync(pattern) ? [pattern] : [];
    return globSync(pattern).sort();
  },
};
