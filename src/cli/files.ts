/** Files of the controller, as the pure layers ask for them. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import type { FileSource } from '#provision/model/inventory.ts';
import type { Vault } from '#provision/model/vault.ts';

/** Reads the disk once per path: a run sees one version of every file. `vault` opens what is encrypted there. */
export function diskFiles(vault?: Vault): FileSource {
  const texts = new Map<string, string | undefined>();
  const lists = new Map<string, readonly string[]>();
  return {
    read: path => remember(texts, path, () => readText(path)),
    list: dir => remember(lists, dir, () => readNames(dir)),
    exists: path => texts.get(path) !== undefined || existsSync(path),
    ...(vault ? { vault } : {}),
  };
}

function remember<T>(known: Map<string, T>, path: string, read: () => T): T {
  const found = known.get(path);
  if (found !== undefined || known.has(path)) return found as T;
  const value = read();
  known.set(path, value);
  return value;
}

const ABSENT = new Set(['ENOENT', 'ENOTDIR', 'EISDIR']);

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (ABSENT.has((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}

function readNames(dir: string): readonly string[] {
  try {
    return readdirSync(dir).toSorted();
  } catch (error) {
    if (ABSENT.has((error as NodeJS.ErrnoException).code ?? '')) return [];
    throw error;
  }
}
