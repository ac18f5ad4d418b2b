/** Hosts where nobody logs in as root: one whose sudo asks for a password, one whose sudo does not. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Lab } from '#lab/lab.ts';
import { editedInventory } from '../support/edited-inventory.ts';
import { awaitHolder, INVENTORY, NODES, raisePair } from '../support/pair.ts';
import { countSshUse } from '../support/sessions.ts';
import { said, tandem, totalsOf } from '../support/tandem.ts';

const PASSWORD = 'Right horse';
const WRONG = 'Wrong horse';

let lab: Lab;
let directory: string;
let inventory: string;

/** The two-node inventory for a user with sudo. */
function forUser(password: string): string {
  const folder = mkdtempSync(join(directory, 'inventory-'));
  const vars = `ansible_user: ops\n    ansible_become: true\n    ansible_become_password: "${password}"`;
  return editedInventory(INVENTORY, folder, /ansible_user: root/, vars);
}

async function giveUser(host: string, rule: string): Promise<void> {
  const script = `
useradd --create-home --shell /bin/bash ops
echo 'ops:${PASSWORD}' | chpasswd
echo 'ops ALL=(ALL:ALL) ${rule}' >/etc/sudoers.d/ops
install -d -o ops -g ops -m 700 /home/ops/.ssh
install -o ops -g ops -m 600 /root/.ssh/authorized_keys /home/ops/.ssh/authorized_keys
rm /root/.ssh/authorized_keys
echo 'echo a line that a shell says at every login' >>/home/ops/.bashrc`;
  await lab.exec(host, { script }, { check: true });
}

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'tandem-sudo-'));
  lab = await raisePair('sudo');
  await Promise.all([giveUser('ka67', 'NOPASSWD: ALL'), giveUser('ka68', 'ALL')]);
  inventory = forUser(PASSWORD);
});

afterAll(async () => {
  await lab?.down();
  rmSync(directory, { recursive: true, force: true });
});

describe('with sudo', () => {
  test('a wrong password is said with the host’s name, and nowhere shown', async () => {
    const result = await tandem(lab, ['apply', '-i', forUser(WRONG)]);
    expect(result.code, said(result)).not.toBe(0);
    expect(result.stdout + result.stderr).toMatch(/ka68.*sudo/s);
    expect(result.stdout + result.stderr).not.toContain(WRONG);
    const files = await lab.exec('ka68', ['ls', '/etc/tandem']);
    expect(files.code, said(files)).not.toBe(0);
  });

  test('the pair is built', async () => {
    const result = await tandem(lab, ['apply', '-i', inventory]);
    expect(result.code, said(result)).toBe(0);
    await awaitHolder(lab, 'ka67');
  });

  test('a second apply finds nothing to do, in one exec per host', async () => {
    const counts = await Promise.all(NODES.map(node => countSshUse(lab, node)));
    const again = await tandem(lab, ['apply', '-i', inventory, '--json']);
    expect(again.code, said(again)).toBe(0);
    expect(totalsOf(again)).toMatchObject({ changed: 0, pending: 0, failed: 0 });
    for (const count of counts) expect(await count?.()).toMatchObject({ connections: 1, execs: 1 });
  });

  test('the password is in no file and no log of the hosts', async () => {
    for (const node of NODES) {
      const script = `journalctl --sync; { journalctl --no-pager -o cat; find /etc /opt /run /var/lib /var/log /tmp -xdev -type f -size -1M -exec cat {} +; } 2>/dev/null | grep -c '${PASSWORD}'`;
      const { stdout } = await lab.exec(node, { script });
      expect(stdout.trim(), node).toBe('0');
    }
  });

  test('teardown takes everything back', async () => {
    const torn = await tandem(lab, ['teardown', '-i', inventory, '--yes', 'two-node']);
    expect(torn.code, said(torn)).toBe(0);
    for (const node of NODES) {
      const left = await lab.exec(node, ['ls', '/opt/tandem']);
      expect(left.code, said(left)).not.toBe(0);
    }
  });
});
