/** A shipped inventory with one thing changed, as its owner would. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Writes a copy of `inventory` to `directory` in which what `from` matches reads `to`, and gives its path. Keeps the
 * file's name: clusters are named after it. Throws if nothing matches.
 */
export function editedInventory(inventory: string, directory: string, from: RegExp, to: string): string {
  const text = readFileSync(inventory, 'utf8');
  if (!from.test(text)) throw new Error(`${inventory} has nothing like ${String(from)}`);
  const path = join(directory, inventory.slice(inventory.lastIndexOf('/') + 1));
  writeFileSync(path, text.replace(from, to));
  return path;
}
