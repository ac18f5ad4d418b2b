/** Input that is wrong is refused before anything is changed, in words that say where; input that is right, keepalived takes too. */
import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { must } from '#base/assert.ts';
import { labSpecOf } from '#cli/commands/lab-spec.ts';
import { compareSnapshots, labUp, snapshotHost, type ExecResult, type Lab } from '#lab/lab.ts';
import { editedInventory } from '../support/edited-inventory.ts';
import { INVENTORY, ownPaths, pairSpec } from '../support/pair.ts';
import { ROOT, said, tandem } from '../support/tandem.ts';

let directory: string;
let lab: Lab;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'tandem-bad-input-'));
  const { networks, hosts, controller } = pairSpec('');
  const ka67 = must(
    hosts.find(host => host.name === 'ka67'),
    'ka67',
  );
  const oracle = { ...ka67, layers: ['keepalived' as const] };
  const spec = { name: `bad-input-${process.pid}`, networks, hosts: [oracle], controller };
  lab = await labUp(spec, { ephemeral: true });
});

afterAll(async () => {
  await lab?.down();
  rmSync(directory, { recursive: true, force: true });
});

/** Runs a program of ours where no host can be reached. */
function here(program: 'tandem' | 'tandemd', ...argv: string[]): Promise<ExecResult> {
  return new Promise((resolve, reject) => {
    execFile(join(ROOT, 'bin', program), argv, { timeout: 60_000 }, (error, stdout, stderr) => {
      if (error && typeof error.code !== 'number') reject(error);
      else resolve({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr });
    });
  });
}

function written(name: string, text: string): string {
  const path = join(directory, name);
  writeFileSync(path, text);
  return path;
}

/** What a message about the first line with `words` starts with; a column follows. */
function placeOf(path: string, words: string): string {
  const line = readFileSync(path, 'utf8')
    .split('\n')
    .findIndex(text => text.includes(words));
  return `${path}:${line + 1}:`;
}

interface BadInventory {
  readonly what: string;
  readonly from: RegExp;
  readonly to: string;
  /** Where the message points. */
  readonly at: string;
  readonly says: RegExp;
}

const BAD_INVENTORIES: readonly BadInventory[] = [
  {
    what: 'a node that is no host',
    from: /nodes: \[ka67, ka68\]/,
    to: 'nodes: [ka67, ka86]',
    at: 'ka86',
    says: /no host ka86/,
  },
  {
    what: 'a VRID that VRRP does not have',
    from: /virtual_router_id: 103/,
    to: 'virtual_router_id: 300',
    at: '300',
    says: /300.*1.*255|1.*255.*300/s,
  },
  {
    what: 'a virtual address that is none',
    from: /virtual_ipaddress: \[172\.16\.8\.100\]/,
    to: 'virtual_ipaddress: [172.16.8.300]',
    at: '172.16.8.300',
    says: /172\.16\.8\.300/,
  },
];

describe('an inventory with', () => {
  test.each(BAD_INVENTORIES)(
    '$what is refused with file, line and column',
    async ({ from, to, at, says }) => {
      const path = editedInventory(INVENTORY, directory, from, to);
      for (const command of ['validate', 'apply', 'plan']) {
        const refused = await here('tandem', command, '-i', path);
        expect(refused.code, said(refused)).toBe(64);
        expect(refused.stdout).toBe('');
        expect(refused.stderr).toContain(placeOf(path, at));
        expect(refused.stderr).toMatch(says);
      }
    },
  );

  test('a keyword that vrrp_instance does not have is refused, and a warning for a keepalived, which may have learned it', async () => {
    const keyword = '$&\n$1prioritty: 100';
    const path = editedInventory(INVENTORY, directory, /^( *)virtual_router_id: 103$/m, keyword);
    const warning = /warning: .*no keyword prioritty.*did you mean `priority`/;
    for (const command of ['validate', 'plan']) {
      const refused = await here('tandem', command, '-i', path);
      expect(refused.code, said(refused)).toBe(64);
      expect(refused.stderr).toContain(placeOf(path, 'prioritty'));
      expect(refused.stderr).toMatch(warning);
      expect(refused.stderr).toMatch(/keepalived\.conf of ka67:\d+:\d+: error: unknown keyword `prioritty`/);
    }
    const stock = editedInventory(path, directory, /^ {2}vars:$/m, '$&\n    vrrp_daemon: keepalived');
    const warned = await here('tandem', 'validate', '-i', stock);
    expect(warned.code, said(warned)).toBe(0);
    expect(warned.stdout).toContain(placeOf(stock, 'prioritty'));
    expect(warned.stdout).toMatch(warning);
  });

  test('what keepalived complains of and does all the same is a warning', async () => {
    const rules = '$&\n$1virtual_rules: [from 172.16.8.100 table 100]';
    const path = editedInventory(INVENTORY, directory, /^( *)virtual_router_id: 103$/m, rules);
    const warned = await here('tandem', 'validate', '-i', path);
    expect(warned.code, said(warned)).toBe(0);
    expect(warned.stdout).toMatch(/keepalived\.conf of ka67:\d+:\d+: warning: this rule has no preference/);
    expect(warned.stdout).not.toContain('keepalived.conf of ka68');
  });
});

describe('the command line', () => {
  test.each([
    [['apply'], /-i|--inventory/],
    [['apply', '-i', '/nowhere.yml'], /\/nowhere\.yml/],
    [['apply', '-i', INVENTORY, '--limit', 'ka86'], /ka86/],
    [['aply', '-i', INVENTORY], /apply/],
    [['apply', '-i', INVENTORY, '-e', 'nonsense'], /nonsense.*key=value/],
  ])('%j is refused with a way out', async (argv, says) => {
    const refused = await here('tandem', ...argv);
    expect(refused.code, said(refused)).toBe(64);
    expect(refused.stderr).toMatch(says);
  });
});

describe('tandemd -t', () => {
  test('names an unknown keyword with file, line and column, and what was meant', async () => {
    const path = written(
      'raw.conf',
      'vrrp_instance V {\n  interface eth0\n  virtual_router_id 5\n  prioritty 100\n  virtual_ipaddress {\n    10.0.0.1\n  }\n}\n',
    );
    const refused = await here('tandemd', '-t', '-f', path);
    // keepalived's: it would run all the same.
    expect(refused.code, said(refused)).toBe(5);
    const message = `${path}:4:3: error: unknown keyword \`prioritty\` in vrrp_instance (did you mean \`priority\`?)`;
    expect(refused.stderr).toContain(message);
  });
});

describe('a host', () => {
  test('with another key than known_hosts has is refused with both, and nothing is changed', async () => {
    const before = await snapshotHost(lab, 'ka67');
    const [name = '', type = ''] = readFileSync(lab.ssh.knownHostsFile, 'utf8').split(' ');
    const stranger = join(directory, 'stranger');
    await lab.controllerExec(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', stranger], {
      check: true,
    });
    const key = readFileSync(`${stranger}.pub`, 'utf8').split(' ')[1] ?? '';
    const known = written('known_hosts', `# the old host\n${name} ${type} ${key}\n`);
    const config = readFileSync(lab.ssh.configFile, 'utf8').replace(lab.ssh.knownHostsFile, known);
    const sshConfig = written('ssh_config', config);
    const refused = await tandem(lab, ['apply', '-i', INVENTORY, '--limit', 'ka67'], { sshConfig });
    expect(refused.code, said(refused)).toBe(3);
    const words = `${refused.stdout}${refused.stderr}`;
    const fingerprint = async (file: string) =>
      (await lab.controllerExec(['ssh-keygen', '-l', '-f', file], { check: true })).stdout.split(' ')[1] ??
      '';
    const actual = written(
      'actual.pub',
      (await lab.exec('ka67', ['cat', '/etc/ssh/ssh_host_ed25519_key.pub'])).stdout,
    );
    expect(words).toMatch(/ka67/);
    expect(words).toMatch(/HOST KEY HAS CHANGED/);
    expect(words).toContain(`${known}:2`);
    expect(words).toContain(await fingerprint(actual));
    expect(await ownPaths(lab, 'ka67')).toEqual([]);
    expect(compareSnapshots(before, await snapshotHost(lab, 'ka67'))).toEqual([]);
  });
});

describe('keepalived as oracle', () => {
  const inventories = readdirSync(join(ROOT, 'inventory')).filter(name => name.endsWith('.yml'));

  /** Debian's `keepalived -t`. It ends by itself; `Terminated` and exit 0 can come together, hence both are looked at. */
  async function verdict(text: string): Promise<ExecResult> {
    // It wants to find every interface that is named.
    const names = [...text.matchAll(/^\s*(?:interface|.*\bdev) (\S+)/gm)].map(([, name]) => name ?? '');
    const links = [...new Set(names)].map(
      name => `ip link show ${name} >/dev/null 2>&1 || ip link add ${name} type veth`,
    );
    // It wants to find every script, too.
    const scripts = [...text.matchAll(/^\s*(?:script|notify\w*) "?(\/[^\s"]+)/gm)].map(
      ([, path]) => path ?? '',
    );
    const files = [...new Set(scripts)].map(
      path => `mkdir -p ${dirname(path)}; [ -e ${path} ] || install -m 755 /dev/null ${path}`,
    );
    const script = `${[...links, ...files].join('\n')}\ncat >/run/rendered.conf && keepalived -t -f /run/rendered.conf`;
    return lab.exec('ka67', { script }, { stdin: text, timeoutMs: 20_000 });
  }

  test('would find a fault', async () => {
    const text = await here('tandem', 'render', '-i', INVENTORY, '--host', 'ka67');
    const broken = await verdict(text.stdout.replace('priority', 'prioritty'));
    expect(`${broken.stdout}${broken.stderr}`).toContain('prioritty');
    expect(broken.code).not.toBe(0);
  });

  test.each(inventories)('takes what %s renders', async inventory => {
    const path = join(ROOT, 'inventory', inventory);
    for (const { name } of labSpecOf([path]).hosts) {
      const rendered = await here('tandem', 'render', '-i', path, '--host', name);
      expect(rendered.code, said(rendered)).toBe(0);
      const taken = await verdict(rendered.stdout);
      expect(`${taken.stdout}${taken.stderr}`, `${name}:\n${rendered.stdout}`).toBe('');
      expect(taken.code).toBe(0);
    }
  });
});
