import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { topologiesPage } from '../test/support/topology-page.ts';
import { recorded } from '../test/support/topology-report.ts';

/**
 * Writes docs/topologies.md from what is recorded. After a run of all labs it is `complete`: a topology of which nothing
 * was seen is said to be so; otherwise its line stays.
 */
export function writeTopologies(complete: boolean): void {
  const page = new URL('../docs/topologies.md', import.meta.url);
  const previous = existsSync(page) ? readFileSync(page, 'utf8') : '';
  writeFileSync(page, topologiesPage(previous, recorded(), complete));
  console.log('docs/topologies.md');
}
