/** The inventory: what the other parts import. */
export { loadInventory } from './inventory-load.ts';
export type { FileSource, Inventory, RawVariables } from './inventory-types.ts';
