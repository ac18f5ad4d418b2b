import { renameSync, writeFileSync } from 'node:fs';

/** Writes a file that only root reads, whole or not at all. Throws as `node:fs` does. */
export function replaceFile(path: string, text: string): void {
  writeFileSync(`${path}.new`, text, { mode: 0o600 });
  renameSync(`${path}.new`, path);
}
