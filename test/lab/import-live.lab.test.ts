/** Hosts that run by hand-written files, imported over SSH, and built from what came of it. */
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { sweepDeadLabs, type Lab } from '#lab/lab.ts';
import { awaitHolder, INVENTORY, raisePair } from '../support/pair.ts';
import { tandem } from '../support/tandem.ts';

const PRIORITIES = { ka67: 100, ka68: 95 } as const;
const folder = mkdtempSync(join(tmpdir(), 'tandem-import-'));
const site = join(folder, 'site');
let lab: Lab;

beforeAll(async () => {
  await sweepDeadLabs();
  lab = await raisePair('import');
  for (const [node, priority] of Object.entries(PRIORITIES)) {
    const script = `mkdir -p /etc/keepalived/conf.d
printf '%s\\n' '# 主配置' 'global_defs { vrrp_garp_interval 0.1 }' 'include conf.d/*.conf' >/etc/keepalived/keepalived.conf
cat >/etc/keepalived/conf.d/vip.conf <<'END'
vrrp_instance VI_1 {
  state MASTER
  interface eth0
  virtual_router_id 51
  priority ${priority}
  authentication {
    auth_type PASS
    auth_pass k3epsecr
  }
  virtual_ipaddress {
    172.16.8.100
  }
}
END`;
    await lab.exec(node, { script }, { check: true });
  }
  // The master's address must not be taken for one of the host's own.
  await lab.exec('ka67', ['ip', 'address', 'add', '172.16.8.100/32', 'dev', 'eth0'], { check: true });
});
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  await lab?.down();
});

test('live hosts become an inventory, and the password a file of its own', async () => {
  const argv = ['import', '-i', INVENTORY, 'ka67', 'ka68', '--daemon', 'tandemd', '-o', site];
  const { code, stdout, stderr } = await tandem(lab, argv);
  expect(code, stderr).toBe(0);
  expect(stderr).toContain('rendered again it says the same');
  expect(stdout + stderr).not.toContain('k3epsecr');
  const text = readFileSync(join(site, 'inventory.yml'), 'utf8');
  expect(text).toContain('nodes: { ka67: 100, ka68: 95 }');
  expect(text).toContain('interfaces: { eth0: 172.16.8.10/24 }');
  expect(text).not.toContain('k3epsecr');
  const secrets = join(site, 'group_vars/all/secrets.yml');
  expect(readFileSync(secrets, 'utf8')).toContain('k3epsecr');
  expect(statSync(secrets).mode & 0o777).toBe(0o600);
  const again = await tandem(lab, argv);
  expect(again.code).toBe(64);
  expect(again.stderr).toContain('is not overwritten');
});

test('the imported inventory is applied, and the picture shows who is master', async () => {
  await lab.exec('ka67', ['ip', 'address', 'del', '172.16.8.100/32', 'dev', 'eth0'], { check: true });
  const inventory = join(site, 'inventory.yml');
  const applied = await tandem(lab, ['apply', '-i', inventory]);
  expect(applied.code, applied.stdout + applied.stderr).toBe(0);
  await awaitHolder(lab, 'ka67');
  const { code, stdout, stderr } = await tandem(lab, ['graph', '-i', inventory, '--status']);
  expect(code, stderr).toBe(0);
  expect(stdout).toContain('>MASTER 100</text>');
  expect(stdout).toContain('>BACKUP 95</text>');
  const plan = await tandem(lab, ['plan', '-i', inventory]);
  expect(plan.code, plan.stdout).toBe(0);
});
