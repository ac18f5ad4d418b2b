/** `tandem doc`: what a module of a task takes and does. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { UsageError } from '#cli/exit.ts';
import { PACKAGE_ROOT } from '#cli/site.ts';
import { moduleDoc, moduleRows } from '#provision/model/module-doc.ts';
import { MODULES } from '#provision/model/modules/registry.ts';

export function docCommand(given: string | undefined): void {
  const rows = moduleRows(readFileSync(join(PACKAGE_ROOT, 'docs', 'modules.md'), 'utf8'));
  if (given === undefined) {
    const width = Math.max(...rows.map(({ name }) => name.length));
    for (const { name, about } of rows) process.stdout.write(`${name.padEnd(width)}  ${about}\n`);
    return;
  }
  const name = given.replace(/^ansible\.builtin\./, '');
  const [module, row] = [MODULES.get(name), rows.find(one => one.name === name)];
  if (!module || !row)
    throw new UsageError(`there is no module ${given}: expected one of ${[...MODULES.keys()].join(', ')}`);
  process.stdout.write(`${moduleDoc(module, row)}\n`);
}
