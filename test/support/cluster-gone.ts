import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { Lab } from '#lab/lab.ts';
import { editedInventory } from './edited-inventory.ts';
import { placed } from './rehearsal.ts';
import { pendingResources, ROOT, said, tandem } from './tandem.ts';

const SHIPPED = `${ROOT}inventory/config-d.yml`;

/** The second cluster of inventory/config-d.yml goes: its file is drift, and taken away; then it comes back. */
export async function clusterGone(lab: Lab): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'tandem-config-d-'));
  try {
    const smaller = editedInventory(SHIPPED, directory, /^ {4}db_vip:[^]*$/m, '');
    const run = async (code: number, ...argv: string[]) => {
      const result = await tandem(lab, argv);
      expect(result.code, said(result)).toBe(code);
      return result;
    };
    const pending = pendingResources(await run(2, 'plan', '-i', smaller, '--json'));
    expect(pending).toContain('ka67 file:/etc/tandem/conf.d/db_vip.conf');
    await run(0, 'apply', '-i', smaller);
    await placed(lab, { '172.16.8.100': 'ka67', '172.16.8.101': '' });
    await run(0, 'plan', '-i', smaller);
    await run(0, 'apply', '-i', SHIPPED);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
