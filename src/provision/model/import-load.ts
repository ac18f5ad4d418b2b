/** An imported inventory, read as `tandem validate` reads it. */
import type { Diagnostic } from '#base/errors.ts';
import { memoryFiles } from './inventory-memory.ts';
import type { Inventory } from './inventory-types.ts';
import { loadInventory } from './inventory.ts';
import type { Secret } from './shell.ts';
import { deriveTopology } from './topology.ts';
import type { DerivedTopology } from './topology-types.ts';

export interface LoadedImport {
  readonly inventory: Inventory;
  readonly topology: DerivedTopology;
  readonly complaints: readonly Diagnostic[];
}

/** `file` is the inventory's name for complaints; its secrets lie beside it. */
export function loadImported(
  imported: { readonly text: string; readonly secrets: Secret | undefined },
  file: string,
): LoadedImport {
  const folder = file.includes('/') ? file.slice(0, file.lastIndexOf('/') + 1) : '';
  const secrets = imported.secrets?.reveal();
  const { inventory, diagnostics } = loadInventory(
    [file],
    memoryFiles({
      [file]: imported.text,
      ...(secrets === undefined ? {} : { [`${folder}group_vars/all/secrets.yml`]: secrets }),
    }),
  );
  const topology = deriveTopology(inventory);
  return { inventory, topology, complaints: [...diagnostics, ...topology.diagnostics] };
}
